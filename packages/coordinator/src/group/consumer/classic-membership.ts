// SyncGroup, Heartbeat and LeaveGroup of classic members of a consumer group (GroupMetadataManager, classicGroup...ToConsumerGroup). Their
// generation is their member epoch; REBALANCE_IN_PROGRESS makes them join again whenever there is something for them to give up or to get.

import {
  ErrorCode,
  type HeartbeatRequest,
  type HeartbeatResponseInit,
  KafkaError,
  type LeaveGroupRequest,
  type LeaveGroupResponseInit,
  type SyncGroupRequest,
  type SyncGroupResponseInit,
} from '@ottla/protocol'
import { answered, type Decision } from '../../decision.ts'
import { withReason } from '../classic/join-cause.ts'
import { type Leaver, leaveAnswer, leaversOf } from '../classic/leave.ts'
import { CONSUMER_PROTOCOL_TYPE, encodeAssignment, parseConsumerProtocolVersion } from '../consumer-protocol.ts'
import type { Caller } from '../world.ts'
import { NO_TARGET } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { named } from './downgrade.ts'
import { codeOf, fence } from './leaving.ts'
import { type ClassicMember, type ConsumerGroupMember, MemberState } from './member.ts'
import { ensureInstance, staticMemberOf } from './request-checks.ts'
import type { Scope } from './scope.ts'
import { mayAssign } from './target-assignment.ts'

/** A member that is known to speak the classic protocol. */
type ClassicConsumer = ConsumerGroupMember & { readonly classic: ClassicMember }

/** Gives a member what it is assigned. @throws KafkaError */
export const classicSync = (scope: Scope, group: ConsumerGroup, request: SyncGroupRequest): Decision<SyncGroupResponseInit> => {
  const { world, timers } = scope
  const { groupId } = group
  const member = memberFrom(group, request)
  const { memberId } = member
  const first = member.classic.supportedProtocols[0]
  ensureProtocol(memberId, request, first?.name ?? '')
  if (group.assignmentEpoch > member.memberEpoch && member.state !== MemberState.UNREVOKED_PARTITIONS) {
    timers.join(groupId, memberId, member.rebalanceTimeoutMs)
    throw new KafkaError(
      ErrorCode.REBALANCE_IN_PROGRESS,
      `A new rebalance is triggered in group ${groupId} and member ${memberId} should rejoin to catch up.`,
    )
  }
  const version = parseConsumerProtocolVersion(first?.metadata ?? Buffer.alloc(0))
  const assignment = encodeAssignment(version, { assignedPartitions: named(member.assignedPartitions, world.topics) })
  timers.synced(groupId, memberId)
  timers.session(groupId, memberId, member.classic.sessionTimeoutMs)
  const { protocolType, protocolName } = request
  return answered({ errorCode: ErrorCode.NONE, protocolType, protocolName, assignment })
}

/** Tells a member whether it should join again. @throws KafkaError */
export const classicHeartbeat = (scope: Scope, group: ConsumerGroup, request: HeartbeatRequest): Decision<HeartbeatResponseInit> => {
  const { timers } = scope
  const member = memberFrom(group, request)
  timers.session(group.groupId, member.memberId, member.classic.sessionTimeoutMs)
  const shouldJoin =
    member.memberEpoch < group.assignmentEpoch ||
    member.state === MemberState.UNREVOKED_PARTITIONS ||
    (member.state === MemberState.UNRELEASED_PARTITIONS && !waits(group, member)) ||
    isLeftAlone(scope, group)
  if (!shouldJoin) return answered({ errorCode: ErrorCode.NONE })
  timers.join(group.groupId, member.memberId, member.rebalanceTimeoutMs)
  return answered({ errorCode: ErrorCode.REBALANCE_IN_PROGRESS })
}

/** Takes members out of the group, of whichever protocol. */
export const classicLeave = (
  scope: Scope,
  group: ConsumerGroup,
  { request, caller }: { readonly request: LeaveGroupRequest; readonly caller: Caller },
): Decision<LeaveGroupResponseInit> => {
  const leaving = new Map<string, ConsumerGroupMember>()
  let reason: string | null = null
  const members = leaversOf(request, caller.apiVersion).map(leaver => {
    const { memberId, groupInstanceId } = leaver
    try {
      const member = leaverOf(group, leaver)
      leaving.set(member.memberId, member)
      reason ??= leaver.reason
      return { memberId, groupInstanceId, errorCode: ErrorCode.NONE }
    } catch (error) {
      return { memberId, groupInstanceId, errorCode: codeOf(error) }
    }
  })
  const [first] = leaving.values()
  const cause = { reason: withReason('a member left', reason), memberId: first?.memberId ?? '', clientId: first?.clientId ?? '' }
  return fence(scope, group, { members: [...leaving.values()], cause, reply: leaveAnswer(members, caller.apiVersion) })
}

/** Administrators name static members by their instance id alone. */
const leaverOf = (group: ConsumerGroup, { memberId, groupInstanceId }: Leaver): ConsumerGroupMember => {
  if (groupInstanceId === null) return group.memberOf(memberId)
  return staticMemberOf(group, memberId === '' ? (group.staticMembers.get(groupInstanceId) ?? '') : memberId, groupInstanceId)
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION */
const memberFrom = (
  group: ConsumerGroup,
  request: { readonly memberId: string; readonly groupInstanceId: string | null; readonly generationId: number },
): ClassicConsumer => {
  const { memberId, groupInstanceId, generationId } = request
  const member = groupInstanceId === null ? group.memberOf(memberId) : group.staticMember(groupInstanceId)
  if (member === undefined)
    throw new KafkaError(
      ErrorCode.UNKNOWN_MEMBER_ID,
      `Member with instance id ${groupInstanceId} is not a member of group ${group.groupId}.`,
    )
  if (groupInstanceId !== null) ensureInstance(member, memberId, groupInstanceId)
  const { classic } = member
  if (classic === null) throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} does not use the classic protocol.`)
  if (member.memberEpoch !== generationId)
    throw new KafkaError(
      ErrorCode.ILLEGAL_GENERATION,
      `The request generation id ${generationId} is not equal to the member epoch ${member.memberEpoch} of member ${memberId}.`,
    )
  return { ...member, classic }
}

const ensureProtocol = (memberId: string, { protocolType, protocolName }: SyncGroupRequest, expected: string): void => {
  if (protocolType !== null && protocolType !== CONSUMER_PROTOCOL_TYPE)
    throw new KafkaError(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      `The protocol type ${protocolType} from member ${memberId} request is not equal to the group protocol type ${CONSUMER_PROTOCOL_TYPE}.`,
    )
  if (protocolName !== null && protocolName !== expected)
    throw new KafkaError(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      `The protocol name ${protocolName} from member ${memberId} request is not equal to the protocol name ${expected} returned in the join response.`,
    )
}

/**
 * Whether the group needs another target assignment and nobody else will make one: heartbeats of the consumer protocol do, those of classic
 * members do not. Kafka 4.3 leaves such a group, in which only classic members remain because it may not be downgraded, without an
 * assignment until one of them joins again for another reason.
 */
const isLeftAlone = ({ world }: Scope, group: ConsumerGroup): boolean =>
  group.groupEpoch > group.assignmentEpoch &&
  group.classicMemberCount === group.memberCount &&
  mayAssign(group, world.settings.consumerAssignmentIntervalMs(group.groupId), world.clock.now())

/** Whether somebody still has what the member should get. */
const waits = (group: ConsumerGroup, member: ConsumerGroupMember): boolean => {
  for (const [topicId, partitions] of group.targets.get(member.memberId) ?? NO_TARGET) {
    const owned = member.assignedPartitions.get(topicId)
    for (const partition of partitions) if (!owned?.has(partition) && group.ownerOf(topicId, partition) !== undefined) return true
  }
  return false
}
