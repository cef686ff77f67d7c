// Committed and pending offsets of all groups of one coordinator partition, as records make them.

import type { CoordinatorRecord } from '../../record.ts'
import type { TransactionalProducer } from '../../state.ts'
import { type CommittedOffset, offsetTombstone, readOffsetRecord } from './committed-offset.ts'
import { PartitionTable } from './partition-table.ts'
import { PendingOffsets } from './pending-offsets.ts'

/** The offsets of one coordinator partition. */
export class OffsetState {
  readonly committed = new PartitionTable<CommittedOffset>()
  readonly pending = new PendingOffsets()
  readonly #ensureGroup: (groupId: string) => void

  /** `ensureGroup` makes a group without members for offsets whose group is not there. */
  constructor(ensureGroup: (groupId: string) => void) {
    this.#ensureGroup = ensureGroup
  }

  /** Takes a record; those of other types than offsets are none of its business. */
  replay(record: CoordinatorRecord, recordOffset: number, producer: TransactionalProducer | null): void {
    const read = readOffsetRecord(record, recordOffset)
    if (read === undefined) return
    const { of, committed } = read
    if (committed === null) {
      this.committed.delete(of)
      this.pending.discard(of)
      return
    }
    this.#ensureGroup(of.groupId)
    if (producer === null) this.committed.set(of, committed)
    else this.pending.add(producer.id, of, committed)
  }

  /** The transaction of a producer ended: its offsets count from now on, unless a later commit came in between, or are forgotten. */
  endTransaction(producer: TransactionalProducer, isCommitted: boolean): void {
    for (const of of this.pending.end(producer.id)) {
      if (!isCommitted) continue
      const existing = this.committed.get(of.groupId, of.topic, of.partition)
      if (existing === undefined || of.value.recordOffset > existing.recordOffset) this.committed.set(of, of.value)
    }
  }

  /** Records that remove all of a group's offsets, pending ones too. */
  tombstonesOf(groupId: string): CoordinatorRecord[] {
    const records: CoordinatorRecord[] = []
    for (const [topic, partitions] of this.committed.topics(groupId) ?? [])
      for (const partition of partitions.keys()) records.push(offsetTombstone({ groupId, topic, partition }))
    for (const [topic, partitions] of this.pending.topics(groupId) ?? [])
      for (const partition of partitions.keys())
        if (this.committed.get(groupId, topic, partition) === undefined) records.push(offsetTombstone({ groupId, topic, partition }))
    return records
  }
}
