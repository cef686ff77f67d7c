// OffsetCommit and TxnOffsetCommit: who may commit, and the records of it (methods commitOffset and commitTransactionalOffset of class
// OffsetMetadataManager). Names and ids of topics are looked up before: an OffsetCommit that comes here has both, with the zero uuid for an id
// that is not known.

import {
  ErrorCode,
  KafkaError,
  type OffsetCommitRequest,
  type OffsetCommitResponseInit,
  type TxnOffsetCommitRequest,
  type TxnOffsetCommitResponseInit,
  ZERO_UUID,
} from '@ottla/protocol'
import type { Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import type { CommittedPartition, Group, Groups, OffsetCaller } from '../group.ts'
import type { Caller, GroupWorld } from '../world.ts'
import { offsetRecord } from './committed-offset.ts'

type CommittedTopic = OffsetCommitRequest['topics'][number]
type AnsweredPartition = OffsetCommitResponseInit['topics'][number]['partitions'][number]

/** From this version on clients know GROUP_ID_NOT_FOUND as an answer, and members of consumer groups (KIP-848) may commit. */
const groupIdNotFoundVersion = 9

/** What commits work on. */
interface CommitParts {
  readonly world: GroupWorld
  readonly groups: Groups
}

/**
 * Commits offsets.
 * @throws KafkaError for what concerns the whole request, as of a caller who is no member.
 */
export function commitOffsets(
  { world, groups }: CommitParts,
  request: OffsetCommitRequest,
  { apiVersion }: Caller,
): Decision<OffsetCommitResponseInit> {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch, topics } = request
  const partitions = storable(topics, world.settings.offsetMetadataMaxBytes)
  const caller = { memberId, groupInstanceId, generationIdOrMemberEpoch, apiVersion, partitions }
  const group = groups.get(groupId)
  if (group === undefined) ensureMayBegin(groupId, caller, world)
  else {
    group.ensureMayCommit(caller, false)
    group.committedBy(caller)
  }
  const { records, answers } = store(topics, { world, groupId, retentionTimeMs: request.retentionTimeMs })
  return { records, reply: { topics: answers } }
}

/**
 * Commits offsets as part of a transaction (TxnOffsetCommit): the records count once it is committed. They know no topic id.
 * @throws KafkaError INVALID_GROUP_ID, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID
 */
export function commitTransactionalOffsets(
  { world, groups }: CommitParts,
  request: TxnOffsetCommitRequest,
  { apiVersion }: Caller,
): Decision<TxnOffsetCommitResponseInit> {
  const { groupId, memberId, groupInstanceId, generationId: generationIdOrMemberEpoch } = request
  if (groupId === '') throw new KafkaError(ErrorCode.INVALID_GROUP_ID)
  const group = groups.get(groupId)
  if (group === undefined && generationIdOrMemberEpoch >= 0) throw new KafkaError(ErrorCode.ILLEGAL_GENERATION)
  const known = request.topics.map(topic => ({ ...topic, topicId: world.topics.topic(topic.name)?.id ?? ZERO_UUID }))
  const partitions = storable(known, world.settings.offsetMetadataMaxBytes)
  try {
    group?.ensureMayCommit({ memberId, groupInstanceId, generationIdOrMemberEpoch, apiVersion, partitions }, true)
  } catch (error) {
    // Transactional producers know generations, not epochs.
    if (error instanceof KafkaError && error.code === ErrorCode.STALE_MEMBER_EPOCH) throw new KafkaError(ErrorCode.ILLEGAL_GENERATION)
    throw error
  }
  const topics = request.topics.map(topic => ({ ...topic, topicId: ZERO_UUID }))
  const { records, answers } = store(topics, { world, groupId, retentionTimeMs: -1 })
  return {
    records,
    reply: { throttleTimeMs: 0, topics: answers.map(({ name, partitions: answered }) => ({ name, partitions: answered })) },
  }
}

/** Records of all partitions whose metadata are not too long, and the answer of each partition. */
function store(
  topics: readonly CommittedTopic[],
  { world, groupId, retentionTimeMs }: { readonly world: GroupWorld; readonly groupId: string; readonly retentionTimeMs: number },
) {
  const commitTimestampMs = world.clock.now()
  const expireTimestampMs = expiryOf(retentionTimeMs, commitTimestampMs)
  const limit = world.settings.offsetMetadataMaxBytes
  const records: CoordinatorRecord[] = []
  const storePartition = ({ name, topicId }: CommittedTopic, of: CommittedTopic['partitions'][number]): AnsweredPartition => {
    const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } = of
    const metadata = committedMetadata ?? ''
    if (metadata.length > limit) return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE }
    const leaderEpoch = leaderEpochOf(committedLeaderEpoch)
    const committed = { offset: committedOffset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs, topicId }
    records.push(offsetRecord({ groupId, topic: name, partition: partitionIndex }, committed))
    return { partitionIndex, errorCode: ErrorCode.NONE }
  }
  const answers = topics.map(topic => {
    const { name, topicId, partitions } = topic
    return { name, topicId, partitions: partitions.map(partition => storePartition(topic, partition)) }
  })
  return { records, answers }
}

/** The partitions that will be stored, for groups that want to know. */
const storable = (topics: readonly CommittedTopic[], limit: number): Iterable<CommittedPartition> => ({
  *[Symbol.iterator]() {
    for (const { name: topic, topicId, partitions } of topics)
      for (const { partitionIndex: partition, committedMetadata } of partitions)
        if ((committedMetadata?.length ?? 0) <= limit) yield { topic, topicId, partition }
  },
})

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
