// JoinGroup of a classic member to a consumer group (GroupMetadataManager, classicGroupJoinToConsumerGroup). Nobody waits for anybody: the member
// is told its epoch as its generation, and gets what it should have with SyncGroup. There is no leader; the coordinator assigns.

import { ErrorCode, type JoinGroupRequest, type JoinGroupResponseInit, KafkaError, randomUuid } from '@ottla/protocol'
import { answered, type Decision } from '../../decision.ts'
import type { MemberProtocol } from '../classic/classic-member.ts'
import { distinct, KNOWN_MEMBER_ID_VERSION } from '../classic/join.ts'
import { withReason } from '../classic/join-cause.ts'
import { inVersion, joinError } from '../classic/waiting.ts'
import { CONSUMER_PROTOCOL_TYPE, parseSubscription, type Subscription } from '../consumer-protocol.ts'
import type { Caller, Topics } from '../world.ts'
import type { TopicPartitions } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { downgrade, mayDowngrade } from './downgrade.ts'
import { memberFor } from './joining.ts'
import type { ConsumerGroupMember } from './member.ts'
import { MemberUpdate } from './member-update.ts'
import { ensureNotFull } from './request-checks.ts'
import type { Scope } from './scope.ts'

type Protocols = readonly MemberProtocol[]

interface Asked {
  readonly request: JoinGroupRequest
  readonly caller: Caller
}

/** @throws KafkaError INCONSISTENT_GROUP_PROTOCOL, GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, UNKNOWN_SERVER_ERROR */
export const classicJoin = (scope: Scope, group: ConsumerGroup, asked: Asked): Decision<JoinGroupResponseInit> => {
  const { request, caller } = asked
  const { world, timers } = scope
  const { groupId } = group
  if (world.settings.groupConsumerMigrationPolicy === 'disabled')
    throw new KafkaError(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      `Cannot join the consumer group ${groupId} with the classic protocol because the group migration is disabled.`,
    )
  const isUnknown = request.memberId === ''
  const memberId = isUnknown ? randomUuid(world.random) : request.memberId
  ensureNotFull(group, memberId, world.settings)
  const protocols = distinct(request.protocols)
  const first = protocols[0]
  if (first === undefined || !supports(group, request.protocolType, protocols))
    throw new KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, `Member ${memberId}'s protocols are not supported.`)
  if (isUnknown && request.groupInstanceId === null && caller.apiVersion >= KNOWN_MEMBER_ID_VERSION)
    return answered(inVersion(joinError(ErrorCode.MEMBER_ID_REQUIRED, memberId), caller.apiVersion))

  const subscription = subscriptionOf(first.metadata)
  const { update, rest } = joined(scope, group, { memberId, isUnknown, protocols, subscription, asked })
  const { member } = update
  timers.joined(groupId, member.memberId)
  if (rest.replays !== false) {
    timers.session(groupId, member.memberId, request.sessionTimeoutMs)
    timers.sync(groupId, member.memberId, member.rebalanceTimeoutMs)
  }
  const answer = {
    ...joinError(ErrorCode.NONE, member.memberId),
    generationId: member.memberEpoch,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: first.name,
  }
  return { ...rest, reply: inVersion(answer, caller.apiVersion) }
}

interface Joining {
  readonly memberId: string
  readonly isUnknown: boolean
  readonly protocols: Protocols
  readonly subscription: Subscription
  readonly asked: Asked
}

const joined = (
  scope: Scope,
  group: ConsumerGroup,
  joining: Joining,
): { readonly update: MemberUpdate; readonly rest: Omit<Decision<void>, 'reply'> } => {
  const { memberId, isUnknown, asked } = joining
  const { groupInstanceId: instanceId, reason } = asked.request
  const applicant = { memberId, instanceId, memberEpoch: null, reported: [], joins: instanceId === null || isUnknown }
  const { member: before, records } = memberFor(group, applicant)
  const { clientId } = asked.caller
  const update = new MemberUpdate(scope, {
    group,
    before,
    member: changed(before, joining),
    cause: { reason: withReason('a member of the classic protocol joined', reason), memberId, clientId },
    records,
  })
  const hasOtherNames = update.recordMember()
  const hasChanged = scope.patterns.update(update) !== 'none' || hasOtherNames
  update.updateMetadata(hasChanged)
  const reported = topicPartitions(joining.subscription, scope.world.topics)
  const old = instanceId === null ? undefined : group.staticMember(instanceId)
  if (old === undefined || old.classic !== null || !mayDowngrade(scope, group, [old], 1)) {
    update.reconcile(update.updateTarget(), reported, hasChanged)
    return { update, rest: { records: update.records } }
  }
  const isStale = group.assignmentEpoch < update.groupEpoch
  if (!isStale) update.reconcile({ assignmentEpoch: group.assignmentEpoch, target: group.targetOf(update.member) }, reported, hasChanged)
  const cause = isStale ? { reason: 'the group became a classic one before all was assigned', memberId, clientId } : null
  const replaced = { old, joining: update.member }
  return { update, rest: downgrade(scope, group, { leaving: new Set(), replaced, cause, records: update.records }) }
}

/** The member with what the request says of it. Classic members subscribe by names alone, and do not choose a server-side assignor. */
const changed = (member: ConsumerGroupMember, { subscription, protocols, asked: { request, caller } }: Joining): ConsumerGroupMember => {
  // Version 0 has no rebalance time-out.
  const rebalanceTimeoutMs = caller.apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
  return {
    ...member,
    instanceId: request.groupInstanceId ?? member.instanceId,
    rackId: subscription.rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    subscribedTopicNames: new Set(subscription.topics),
    subscribedTopicRegex: '',
    clientId: caller.clientId,
    clientHost: caller.clientHost,
    classic: { sessionTimeoutMs: request.sessionTimeoutMs, supportedProtocols: protocols },
  }
}

/** What no consumer writes is, as in Kafka, an error without a name of its own. */
const subscriptionOf = (metadata: Buffer): Subscription => {
  try {
    return parseSubscription(metadata)
  } catch (error) {
    if (error instanceof KafkaError) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, error.message)
    throw error
  }
}

/** Whether all classic members know one of these protocols. */
const supports = (group: ConsumerGroup, protocolType: string, protocols: Protocols): boolean =>
  protocolType === CONSUMER_PROTOCOL_TYPE &&
  protocols.some(({ name }) => (group.classicProtocols.get(name) ?? 0) === group.classicMemberCount)

const topicPartitions = ({ ownedPartitions }: Subscription, topics: Topics): TopicPartitions[] =>
  ownedPartitions.flatMap(({ topic, partitions }) => {
    const topicId = topics.topic(topic)?.id
    return topicId === undefined ? [] : [{ topicId, partitions }]
  })
