// Partitions that members of a consumer group should have (target) and do have (owned), by topic id. All of them are never changed in place.

import type { PartitionsByTopic } from '../../assignors/index.ts'

/** Partitions by topic id, each with the epoch at which the member got it (KIP-1251 `AssignmentEpochs`). */
export type OwnedPartitions = ReadonlyMap<string, ReadonlyMap<number, number>>

/** Partitions by topic id as they stand in requests, answers and records. */
export interface TopicPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

/** Partitions of a topic, with or without epochs. */
export type PartitionIds = ReadonlySet<number> | ReadonlyMap<number, number>

/** No partitions that one should have. */
export const NO_TARGET: PartitionsByTopic = new Map()
/** No partitions that one has. */
export const NO_PARTITIONS: OwnedPartitions = new Map()

/** Whether two target assignments mean the same. */
export const sameTarget = (a: PartitionsByTopic, b: PartitionsByTopic): boolean => {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others === undefined || !sameSet(partitions, others)) return false
  }
  return true
}

/** Whether two sets have the same elements. */
export const sameSet = <Element>(a: ReadonlySet<Element>, b: ReadonlySet<Element>): boolean => {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const element of a) if (!b.has(element)) return false
  return true
}

/** Whether two owners have the same partitions since the same epochs. */
export const sameOwned = (a: OwnedPartitions, b: OwnedPartitions): boolean => {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, epochs] of a) {
    const others = b.get(topicId)
    if (others === undefined || others.size !== epochs.size) return false
    for (const [partition, epoch] of epochs) if (others.get(partition) !== epoch) return false
  }
  return true
}

/** Whether everything in a member's own list is among what it owns; no list is no proof. */
export const isWithin = (list: readonly TopicPartitions[] | null, owned: OwnedPartitions): boolean =>
  list?.every(({ topicId, partitions }) => {
    const epochs = owned.get(topicId)
    return epochs !== undefined && partitions.every(partition => epochs.has(partition))
  }) ?? false

/** Partitions with one epoch for all. */
export const ownedSince = (partitions: PartitionsByTopic, epoch: number): OwnedPartitions => {
  const owned = new Map<string, ReadonlyMap<number, number>>()
  for (const [topicId, ids] of partitions) owned.set(topicId, new Map(Array.from(ids, id => [id, epoch] as const)))
  return owned
}

/** The same partitions, all of them had since one epoch. */
export const withEpoch = (owned: OwnedPartitions, epoch: number): OwnedPartitions => {
  const changed = new Map<string, ReadonlyMap<number, number>>()
  for (const [topicId, epochs] of owned) changed.set(topicId, new Map(Array.from(epochs.keys(), id => [id, epoch] as const)))
  return changed
}

/** As lists, for answers. */
export const listed = (partitions: ReadonlyMap<string, PartitionIds>): { topicId: string; partitions: number[] }[] =>
  Array.from(partitions, ([topicId, ids]) => ({ topicId, partitions: [...ids.keys()] }))
