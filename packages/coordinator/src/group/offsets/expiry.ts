// Which offsets and groups nobody needs any more (methods cleanupGroupMetadata, cleanupExpiredOffsets and onTopicsDeleted). An offset expires
// `offsets.retention.minutes` after its group stopped using it, or when its own time is over if a client gave it one; not while a member
// subscribes to its topic, nor while a transaction has an offset pending for its partition. A group without members goes with its last offset.

import { ZERO_UUID } from '@ottla/protocol'
import type { Group, Groups } from '../group.ts'
import type { GroupWorld } from '../world.ts'
import { type CommittedOffset, offsetTombstone } from './committed-offset.ts'
import type { OffsetState } from './offset-state.ts'
import type { PartitionOfGroup } from './partition-table.ts'
import { Slice, type Work } from './sliced-work.ts'

/** What expiry works on. */
export interface ExpiryParts {
  readonly world: GroupWorld
  readonly groups: Groups
  readonly state: OffsetState
  readonly counts: OffsetCounts
}

/** What happened to offsets since the partition was loaded. */
export interface OffsetCounts {
  committed: number
  expired: number
  deleted: number
}

/** A topic that is gone. The id tells it from one made later under its name. */
export interface DeletedTopic {
  readonly name: string
  readonly id: string
}

/** Removes all that is expired. */
export function* expireOffsets(parts: ExpiryParts): Work {
  const { groups } = parts
  let slice = new Slice()
  for (const group of groups.values()) {
    if (slice.isFull) {
      yield slice.records
      slice = new Slice()
      if (groups.get(group.groupId) !== group) continue
    }
    slice = yield* expireGroup(parts, group, slice)
  }
  if (slice.records.length > 0) yield slice.records
}

function* expireGroup(parts: ExpiryParts, group: Group, begun: Slice): Generator<Slice['records'], Slice, void> {
  const { groups, state } = parts
  const { groupId } = group
  let slice = begun
  let expiring = 0
  slice.step()
  for (const [topic, partitions] of state.committed.topics(groupId) ?? []) {
    slice.step()
    if (group.isSubscribedTo(topic)) continue
    for (const [partition, committed] of partitions) {
      if (slice.isFull) {
        yield slice.records
        slice = new Slice()
        expiring = 0
        if (groups.get(groupId) !== group) return slice
        if (group.isSubscribedTo(topic)) break
        if (state.committed.get(groupId, topic, partition) !== committed) continue
      }
      slice.step()
      if (!isExpired(parts.world, group, committed) || state.pending.has(groupId, topic, partition)) continue
      slice.add(offsetTombstone({ groupId, topic, partition }), groupId.length + topic.length)
      expiring += 1
      parts.counts.expired += 1
    }
  }
  // What an earlier slice removed is gone from the state by now, so this slice has the rest or something stays.
  const isLast = state.committed.sizeOf(groupId) === expiring && state.pending.topics(groupId) === undefined
  if (isLast && group.mayExpire && group.state === 'Empty') for (const record of group.tombstones()) slice.add(record, groupId.length)
  return slice
}

function isExpired({ clock, settings }: GroupWorld, group: Group, committed: CommittedOffset): boolean {
  const sinceMs = group.unusedSinceMs(committed.commitTimestampMs)
  if (sinceMs === null) return false
  const now = clock.now()
  if (committed.expireTimestampMs !== -1) return now >= committed.expireTimestampMs
  return now - sinceMs >= settings.offsetsRetentionMinutes * 60_000
}

/** Removes the offsets of topics that are gone, whatever their groups do. */
export function* forgetTopics({ state, counts }: ExpiryParts, topics: readonly DeletedTopic[]): Work {
  let slice = new Slice()
  for (const table of [state.committed, state.pending])
    for (const [groupId, ofGroup] of table.groups)
      for (const topic of topics) {
        slice.step()
        for (const partition of ofGroup.get(topic.name)?.keys() ?? []) {
          if (slice.isFull) {
            yield slice.records
            slice = new Slice()
          }
          slice.step()
          const of = { groupId, topic: topic.name, partition }
          if (table === state.committed ? !isOfTopic(state.committed.get(groupId, of.topic, partition), topic) : !isOnlyPending(state, of))
            continue
          slice.add(offsetTombstone(of), groupId.length + of.topic.length)
          counts.deleted += 1
        }
      }
  if (slice.records.length > 0) yield slice.records
}

const isOfTopic = (committed: CommittedOffset | undefined, { id }: DeletedTopic): boolean =>
  committed !== undefined && (committed.topicId === ZERO_UUID || committed.topicId === id)

/** Transactions do not know topic ids, so where an offset is committed too, that decides for both. */
const isOnlyPending = (state: OffsetState, { groupId, topic, partition }: PartitionOfGroup): boolean =>
  state.committed.get(groupId, topic, partition) === undefined && state.pending.has(groupId, topic, partition)
