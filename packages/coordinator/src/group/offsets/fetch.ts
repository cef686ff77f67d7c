// OffsetFetch of one group, in the shape that versions 8 and later have: listed partitions, or all (methods fetchOffsets and fetchAllOffsets of
// class OffsetMetadataManager). A group that is not there has no offsets, which is no error.

import { ErrorCode, KafkaError, type OffsetFetchRequest, type OffsetFetchResponseInit, ZERO_UUID } from '@ottla/protocol'
import { answered, type Decision } from '../../decision.ts'
import type { Groups } from '../group.ts'
import type { CommittedOffset } from './committed-offset.ts'
import type { OffsetState } from './offset-state.ts'

/** One group of a request. */
export type OffsetFetchGroup = OffsetFetchRequest['groups'][number]
/** The answer for one group. */
export type FetchedGroup = NonNullable<OffsetFetchResponseInit['groups']>[number]
type FetchedPartition = FetchedGroup['topics'][number]['partitions'][number]

/**
 * Reads offsets. With `requireStable` a partition for which a transaction has offsets pending answers UNSTABLE_OFFSET_COMMIT (KIP-447).
 * @throws KafkaError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION of members who are none any more
 */
export function fetchOffsets(
  { state, groups }: { readonly state: OffsetState; readonly groups: Groups },
  request: OffsetFetchGroup,
  requireStable: boolean,
): Decision<FetchedGroup> {
  const { groupId } = request
  const mayFetch = ensureMayFetch(groups, request)
  const committed = mayFetch ? state.committed.topics(groupId) : undefined
  const pending = requireStable ? state.pending.topics(groupId) : undefined
  const fetched = (topic: string, partitionIndex: number, offset: CommittedOffset | undefined): FetchedPartition => {
    if (pending?.get(topic)?.has(partitionIndex)) return { ...none(partitionIndex), errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT }
    if (offset === undefined) return none(partitionIndex)
    const { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata } = offset
    return { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode: ErrorCode.NONE }
  }
  if (request.topics === null) {
    const topics = [...(committed ?? [])].map(([name, partitions]) => ({
      name,
      topicId: ZERO_UUID,
      partitions: [...partitions].map(([partition, offset]) => fetched(name, partition, offset)),
    }))
    return answered({ groupId, topics, errorCode: ErrorCode.NONE })
  }
  const topics = request.topics.map(({ name, topicId, partitionIndexes }) => {
    const offsets = committed?.get(name)
    const partitions = partitionIndexes.map(partition => fetched(name, partition, ofTopic(offsets?.get(partition), topicId)))
    return { name, topicId, partitions }
  })
  return answered({ groupId, topics, errorCode: ErrorCode.NONE })
}

const none = (partitionIndex: number): FetchedPartition => ({
  partitionIndex,
  committedOffset: -1,
  committedLeaderEpoch: -1,
  metadata: '',
  errorCode: ErrorCode.NONE,
})

/** An offset of an earlier topic of the same name is none of this one's. */
function ofTopic(offset: CommittedOffset | undefined, topicId: string): CommittedOffset | undefined {
  if (offset === undefined || offset.topicId === ZERO_UUID || topicId === ZERO_UUID) return offset
  return offset.topicId === topicId ? offset : undefined
}

/** Whether the group is there. Whoever names neither a member nor an epoch, such as an admin client, may always ask. */
function ensureMayFetch(groups: Groups, { groupId, memberId, memberEpoch }: OffsetFetchGroup): boolean {
  const group = groups.get(groupId)
  if (group === undefined) return false
  if (memberId === null && memberEpoch < 0) return true
  try {
    group.ensureMayFetch(memberId ?? '', memberEpoch)
    return true
  } catch (error) {
    if (error instanceof KafkaError && error.code === ErrorCode.GROUP_ID_NOT_FOUND) return false
    throw error
  }
}
