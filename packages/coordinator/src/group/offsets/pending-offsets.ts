// Offsets that transactions wrote and whose transaction has not ended: invisible, but no offset of such a partition counts as stable.

import type { CommittedOffset } from './committed-offset.ts'
import { type PartitionOfGroup, PartitionTable } from './partition-table.ts'

/** Pending offsets by producer id. */
export class PendingOffsets {
  readonly #byProducer = new Map<number, PartitionTable<CommittedOffset>>()
  /** Which producers have something pending for a partition. */
  readonly #producers = new PartitionTable<Set<number>>()

  add(producerId: number, of: PartitionOfGroup, committed: CommittedOffset): void {
    let offsets = this.#byProducer.get(producerId)
    if (offsets === undefined) this.#byProducer.set(producerId, (offsets = new PartitionTable<CommittedOffset>()))
    offsets.set(of, committed)
    const producers = this.#producers.get(of.groupId, of.topic, of.partition)
    if (producers === undefined) this.#producers.set(of, new Set([producerId]))
    else producers.add(producerId)
  }

  /** A tombstone: whatever is pending for the partition is gone. */
  discard(of: PartitionOfGroup): void {
    for (const producerId of this.#producers.get(of.groupId, of.topic, of.partition) ?? []) {
      const offsets = this.#byProducer.get(producerId)
      offsets?.delete(of)
      if (offsets?.size === 0) this.#byProducer.delete(producerId)
    }
    this.#producers.delete(of)
  }

  /** Ends a producer's transaction, and gives out what it had pending. */
  end(producerId: number): Iterable<PartitionOfGroup & { readonly value: CommittedOffset }> {
    const offsets = this.#byProducer.get(producerId)
    if (offsets === undefined) return []
    this.#byProducer.delete(producerId)
    for (const entry of offsets) {
      const producers = this.#producers.get(entry.groupId, entry.topic, entry.partition)
      producers?.delete(producerId)
      if (producers?.size === 0) this.#producers.delete(entry)
    }
    return offsets
  }

  /** Whether a transaction has something pending for the partition. */
  has(groupId: string, topic: string, partition: number): boolean {
    return this.#producers.get(groupId, topic, partition) !== undefined
  }

  /** Topics and partitions of a group that have something pending; undefined where nothing is. */
  topics(groupId: string): ReadonlyMap<string, ReadonlyMap<number, unknown>> | undefined {
    return this.#producers.topics(groupId)
  }

  /** Groups that have something pending. */
  get groups(): ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<number, unknown>>> {
    return this.#producers.groups
  }
}
