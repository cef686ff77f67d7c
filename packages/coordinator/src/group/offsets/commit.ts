// OffsetCommit: who may commit, and the records of it (method commitOffset of class OffsetMetadataManager). Names and ids of topics are looked
// up before: a request that comes here has both, with the zero uuid for an id that is not known.

import { ErrorCode, KafkaError, type OffsetCommitRequest, type OffsetCommitResponseInit } from '@ottla/protocol'
import type { Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import type { CommittedPartition, Group, Groups, OffsetCaller } from '../group.ts'
import type { Caller, GroupWorld } from '../world.ts'
import { offsetRecord } from './committed-offset.ts'

type CommittedTopic = OffsetCommitRequest['topics'][number]
type AnsweredPartition = OffsetCommitResponseInit['topics'][number]['partitions'][number]

/** From this version on clients know GROUP_ID_NOT_FOUND as an answer, and members of consumer groups (KIP-848) may commit. */
const groupIdNotFoundVersion = 9

/**
 * Commits offsets.
 * @throws KafkaError for what concerns the whole request, as of a caller who is no member.
 */
export function commitOffsets(
  { world, groups }: { readonly world: GroupWorld; readonly groups: Groups },
  request: OffsetCommitRequest,
  { apiVersion }: Caller,
): Decision<OffsetCommitResponseInit> {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch } = request
  const limit = world.settings.offsetMetadataMaxBytes
  const partitions = { [Symbol.iterator]: () => storable(request, limit) }
  const caller = { memberId, groupInstanceId, generationIdOrMemberEpoch, apiVersion, partitions }
  const group = groups.get(groupId)
  if (group === undefined) ensureMayBegin(groupId, caller, world)
  else {
    group.ensureMayCommit(caller, false)
    group.committedBy(caller)
  }
  const commitTimestampMs = world.clock.now()
  const expireTimestampMs = expiryOf(request.retentionTimeMs, commitTimestampMs)
  const records: CoordinatorRecord[] = []
  const commitTopic = (topic: CommittedTopic): AnsweredPartition[] => {
    const { name, topicId } = topic
    return topic.partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
      const metadata = committedMetadata ?? ''
      if (metadata.length > limit) return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE }
      const value = { offset: committedOffset, leaderEpoch: leaderEpochOf(committedLeaderEpoch), metadata }
      records.push(
        offsetRecord({ groupId, topic: name, partition: partitionIndex }, { ...value, commitTimestampMs, expireTimestampMs, topicId }),
      )
      return { partitionIndex, errorCode: ErrorCode.NONE }
    })
  }
  const topics = request.topics.map(topic => ({ name: topic.name, topicId: topic.topicId, partitions: commitTopic(topic) }))
  return { records, reply: { topics } }
}

/** The partitions that will be committed, for groups that want to know. */
function* storable({ topics }: OffsetCommitRequest, limit: number): Generator<CommittedPartition> {
  for (const { name: topic, topicId, partitions } of topics)
    for (const { partitionIndex: partition, committedMetadata } of partitions)
      if ((committedMetadata?.length ?? 0) <= limit) yield { topic, topicId, partition }
}

/** Commits to a group that is not there make one without members, if the caller does not say that it is a member. */
function ensureMayBegin(groupId: string, caller: OffsetCaller, { logger }: GroupWorld): void {
  if (caller.generationIdOrMemberEpoch < 0) {
    logger.info({ group: groupId }, 'a commit of offsets makes a group without members')
    return
  }
  if (caller.apiVersion >= groupIdNotFoundVersion) throw groupNotFound(groupId)
  throw new KafkaError(ErrorCode.ILLEGAL_GENERATION)
}

/** The time at which an offset expires that a client wants to be kept so long; -1 if it leaves that to the broker. */
function expiryOf(retentionTimeMs: number, now: number): number {
  if (retentionTimeMs === -1) return -1
  return Math.min(now + retentionTimeMs, Number.MAX_SAFE_INTEGER)
}

/** All that is not an epoch means none. */
const leaderEpochOf = (epoch: number): number => (epoch < 0 ? -1 : epoch)

/** GROUP_ID_NOT_FOUND in Kafka's words. */
export const groupNotFound = (groupId: string): KafkaError => new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)

/** @throws KafkaError GROUP_ID_NOT_FOUND */
export function existingGroup(groups: Groups, groupId: string): Group {
  const group = groups.get(groupId)
  if (group === undefined) throw groupNotFound(groupId)
  return group
}
