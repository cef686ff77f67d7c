// Members by partition: who should have it, or who has it. Kept up to date with every change of a member, so that nobody has to look through
// all members.

import type { PartitionIds } from './assignment.ts'

type Partitions = ReadonlyMap<string, PartitionIds>

/** Which member a partition belongs to. */
export class PartitionOwners {
  readonly #byTopic = new Map<string, Map<number, string>>()

  /** The member that has the partition. */
  ownerOf(topicId: string, partition: number): string | undefined {
    return this.#byTopic.get(topicId)?.get(partition)
  }

  /** A member has these partitions; whoever had one of them before has it no more. */
  add(memberId: string, partitions: Partitions): void {
    for (const [topicId, ids] of partitions) {
      let owners = this.#byTopic.get(topicId)
      if (owners === undefined) {
        owners = new Map()
        this.#byTopic.set(topicId, owners)
      }
      for (const partition of ids.keys()) owners.set(partition, memberId)
      if (owners.size === 0) this.#byTopic.delete(topicId)
    }
  }

  /** A member does not have these partitions any more. What another member got in the meantime stays with that one. */
  remove(memberId: string, partitions: Partitions): void {
    for (const [topicId, ids] of partitions) {
      const owners = this.#byTopic.get(topicId)
      if (owners === undefined) continue
      for (const partition of ids.keys()) if (owners.get(partition) === memberId) owners.delete(partition)
      if (owners.size === 0) this.#byTopic.delete(topicId)
    }
  }
}
