// What a ConsumerGroupHeartbeat may say (GroupCoordinatorService, throwIfConsumerGroupHeartbeatRequestIsInvalid), and who may say it.

import { type ConsumerGroupHeartbeatRequest, ErrorCode, KafkaError } from '@ottla/protocol'
import type { GroupSettings } from '../world.ts'
import { isWithin, type TopicPartitions } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerGroupMember, LEAVE_GROUP_MEMBER_EPOCH, LEAVE_GROUP_STATIC_MEMBER_EPOCH } from './member.ts'

/** From this version on clients make their member ids themselves. */
const clientMemberIdVersion = 1

/** Topics that a member may name, and that all of a group may: each change of one member looks at all of them. */
export const MAX_MEMBER_TOPICS = 20_000
export const MAX_GROUP_TOPICS = 40_000

const invalid = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_REQUEST, message)

const ensureNotBlank = (text: string | null, message: string): void => {
  if (text !== null && text.trim() === '') throw invalid(message)
}

/** @throws KafkaError INVALID_REQUEST, UNSUPPORTED_ASSIGNOR */
export const ensureValid = (request: ConsumerGroupHeartbeatRequest, apiVersion: number, settings: GroupSettings): void => {
  const { memberEpoch, serverAssignor, subscribedTopicNames } = request
  if ((subscribedTopicNames?.length ?? 0) > MAX_MEMBER_TOPICS)
    throw invalid(`SubscribedTopicNames has ${subscribedTopicNames?.length} names, at most ${MAX_MEMBER_TOPICS} may be.`)
  if (apiVersion >= clientMemberIdVersion || memberEpoch > 0 || memberEpoch === LEAVE_GROUP_MEMBER_EPOCH)
    ensureNotBlank(request.memberId, "MemberId can't be empty.")
  ensureNotBlank(request.groupId, "GroupId can't be empty.")
  ensureNotBlank(request.instanceId, "InstanceId can't be empty.")
  ensureNotBlank(request.rackId, "RackId can't be empty.")
  if (memberEpoch === 0) {
    if (request.rebalanceTimeoutMs === -1) throw invalid('RebalanceTimeoutMs must be provided in first request.')
    if (request.topicPartitions === null || request.topicPartitions.length > 0)
      throw invalid('TopicPartitions must be empty when (re-)joining.')
    if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null)
      throw invalid('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.')
  } else if (memberEpoch === LEAVE_GROUP_STATIC_MEMBER_EPOCH) {
    if (request.instanceId === null) throw invalid("InstanceId can't be null.")
  } else if (memberEpoch < LEAVE_GROUP_STATIC_MEMBER_EPOCH) {
    throw invalid('MemberEpoch is invalid.')
  }
  const names = settings.groupConsumerAssignors
  if (serverAssignor !== null && !names.includes(serverAssignor))
    throw new KafkaError(
      ErrorCode.UNSUPPORTED_ASSIGNOR,
      `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${names.join(', ')}.`,
    )
}

/** @throws KafkaError GROUP_MAX_SIZE_REACHED */
export const ensureNotFull = (group: ConsumerGroup, memberId: string, settings: GroupSettings): void => {
  const most = settings.groupConsumerMaxSize
  if (group.memberCount < most || group.members.has(memberId)) return
  throw new KafkaError(ErrorCode.GROUP_MAX_SIZE_REACHED, `The consumer group has reached its maximum capacity of ${most} members.`)
}

/**
 * Counts the topics that the members of a group name once one of them names others than before; those of patterns are not among them.
 * @throws KafkaError INVALID_REQUEST where they are very many
 */
export const ensureFewTopics = ({ subscriptions }: ConsumerGroup, now: ReadonlySet<string>, before: ReadonlySet<string>): void => {
  if (subscriptions.size + now.size <= MAX_GROUP_TOPICS) return
  let topics = now.size
  for (const [name, { names }] of subscriptions) if (!now.has(name) && names > (before.has(name) ? 1 : 0)) topics++
  if (topics > MAX_GROUP_TOPICS) throw invalid(`The members of a group may name ${MAX_GROUP_TOPICS} topics altogether.`)
}

/**
 * A member's epoch must be the one that it was given last. The one before will do as well while it has nothing that it should not have,
 * as the answer with the new one may have been lost.
 * @throws KafkaError FENCED_MEMBER_EPOCH
 */
export const ensureEpoch = (member: ConsumerGroupMember, epoch: number, reported: readonly TopicPartitions[] | null): void => {
  if (epoch === 0 || epoch === member.memberEpoch) return
  if (epoch < member.memberEpoch && epoch === member.previousMemberEpoch && isWithin(reported, member.assignedPartitions)) return
  const order = epoch > member.memberEpoch ? 'greater' : 'smaller'
  throw new KafkaError(
    ErrorCode.FENCED_MEMBER_EPOCH,
    `The consumer group member has a ${order} member epoch (${epoch}) than the one known by the group coordinator (${member.memberEpoch}). ` +
      'The member must abandon all its partitions and rejoin.',
  )
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
export const staticMemberOf = (group: ConsumerGroup, memberId: string, instanceId: string): ConsumerGroupMember => {
  const member = group.staticMember(instanceId)
  if (member === undefined) throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
  ensureInstance(member, memberId, instanceId)
  return member
}

/** @throws KafkaError FENCED_INSTANCE_ID */
export const ensureInstance = (member: ConsumerGroupMember, memberId: string, instanceId: string): void => {
  if (member.memberId === memberId) return
  throw new KafkaError(
    ErrorCode.FENCED_INSTANCE_ID,
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`,
  )
}

/** @throws KafkaError UNRELEASED_INSTANCE_ID */
export const ensureReleased = (existing: ConsumerGroupMember, memberId: string, instanceId: string): void => {
  if (existing.memberEpoch === LEAVE_GROUP_STATIC_MEMBER_EPOCH) return
  throw new KafkaError(
    ErrorCode.UNRELEASED_INSTANCE_ID,
    `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${existing.memberId} member.`,
  )
}
