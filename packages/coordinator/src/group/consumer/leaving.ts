// Members that leave, or are thrown out (GroupMetadataManager, consumerGroupLeave and consumerGroupFenceMembers).

import { type ConsumerGroupHeartbeatRequest, type ConsumerGroupHeartbeatResponseInit, KafkaError } from '@ottla/protocol'
import { answered, type Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import { NO_PARTITIONS, withEpoch } from './assignment.ts'
import { type ConsumerGroup, isConsumerGroup } from './consumer-group.ts'
import { downgrade, mayDowngrade } from './downgrade.ts'
import { type ConsumerGroupMember, LEAVE_GROUP_STATIC_MEMBER_EPOCH, patternOf } from './member.ts'
import type { Late } from './member-timers.ts'
import type { Cause } from './rebalances.ts'
import { currentRecord, epochRecord, patternTombstone, removalOf } from './records.ts'
import { staticMemberOf } from './request-checks.ts'
import { consumerGroupOf, type Scope } from './scope.ts'
import { count, tally } from './subscribed-topics.ts'

/** After this time a member that could not be removed is tried to be removed again. */
const RETRY_MS = 500

/** A heartbeat with epoch -1 or -2. */
export const leave = (scope: Scope, request: ConsumerGroupHeartbeatRequest): Decision<ConsumerGroupHeartbeatResponseInit> => {
  const { groupId, memberId, instanceId, memberEpoch } = request
  const group = consumerGroupOf(scope.groups, groupId)
  const member = instanceId === null ? group.memberOf(memberId) : staticMemberOf(group, memberId, instanceId)
  const reply = { throttleTimeMs: 0, errorCode: 0, memberId, memberEpoch, heartbeatIntervalMs: 0, assignment: null }
  if (instanceId !== null && memberEpoch === LEAVE_GROUP_STATIC_MEMBER_EPOCH) {
    scope.world.logger.info({ groupId, memberId, instanceId }, 'a static member left a consumer group for now')
    return { records: [currentRecord(groupId, awayFor(member))], reply }
  }
  const cause = { reason: 'a member left', memberId, clientId: member.clientId }
  return fence(scope, group, { members: [member], cause, reply })
}

/** The static member keeps its partitions for whoever comes back in its place, from whose very first epoch on they count as assigned. */
const awayFor = (member: ConsumerGroupMember): ConsumerGroupMember => ({
  ...member,
  memberEpoch: LEAVE_GROUP_STATIC_MEMBER_EPOCH,
  partitionsPendingRevocation: NO_PARTITIONS,
  assignedPartitions: withEpoch(member.assignedPartitions, 0),
})

/** Throws a member out whose timer has expired, if it is still there and still late. */
export const fenceLate = (scope: Scope, { groupId, memberId, reason, memberEpoch }: Late): Decision<void> => {
  const group = scope.groups.get(groupId)
  const member = isConsumerGroup(group) ? group.members.get(memberId) : undefined
  if (!isConsumerGroup(group) || member === undefined) return answered(undefined)
  if (memberEpoch !== null && member.memberEpoch !== memberEpoch) return answered(undefined)
  scope.world.logger.info({ groupId, memberId, clientId: member.clientId, reason }, 'a member is thrown out of a consumer group')
  return fence(scope, group, { members: [member], cause: { reason, memberId, clientId: member.clientId }, reply: undefined })
}

/** Who goes, why, and what is answered. */
export interface Leaving<R> {
  readonly members: readonly ConsumerGroupMember[]
  readonly cause: Cause
  readonly reply: R
}

/** Removes members from a group. If those that remain all speak the classic protocol, the group becomes a classic one. */
export const fence = <R>(scope: Scope, group: ConsumerGroup, { members, cause, reply }: Leaving<R>): Decision<R> => {
  if (members.length === 0) return answered(reply)
  if (mayDowngrade(scope, group, members)) {
    const downgraded = downgradeOf(scope, group, { members, cause })
    if (downgraded !== null) return { ...downgraded, reply }
  }
  const { groupId } = group
  const records: CoordinatorRecord[] = members.flatMap(({ memberId }) => removalOf(groupId, memberId))
  const topics = new Map(group.subscriptions)
  const patterns = new Map<string, number>()
  for (const member of members) {
    for (const topic of member.subscribedTopicNames) count(topics, topic, { names: -1 })
    const pattern = patternOf(member)
    if (pattern !== null) tally(patterns, pattern, 1)
  }
  for (const [pattern, leaving] of patterns) {
    if (group.patterns.get(pattern) !== leaving) continue
    records.push(patternTombstone(groupId, pattern))
    for (const topic of group.resolved.get(pattern)?.topics ?? []) count(topics, topic, { patterns: -1 })
  }
  const epoch = group.groupEpoch + 1
  records.push(epochRecord(groupId, epoch, scope.subscribed.hashOf(topics.keys())))
  scope.rebalances.began(groupId, epoch, cause)
  for (const { memberId } of members) scope.timers.cancel(groupId, memberId)
  return {
    records,
    reply,
    settled: error => {
      if (error === null) return
      // Who was to go is still there: nobody else will see to it.
      for (const { memberId } of members) if (group.members.has(memberId)) scope.timers.session(groupId, memberId, RETRY_MS)
    },
  }
}

/** Null where classic members say things that no classic group can be made of: then the group stays what it is. */
const downgradeOf = (
  scope: Scope,
  group: ConsumerGroup,
  { members, cause }: { readonly members: readonly ConsumerGroupMember[]; readonly cause: Cause },
): Omit<Decision<void>, 'reply'> | null => {
  try {
    return downgrade(scope, group, { leaving: new Set(members), replaced: null, cause, records: [] })
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    scope.world.logger.warn({ groupId: group.groupId, error: error.message }, 'a consumer group stays one')
    return null
  }
}

/** The code of an error, if it is a client's. */
export const codeOf = (error: unknown): number => {
  if (error instanceof KafkaError) return error.code
  throw error
}
