// ConsumerGroupHeartbeat of a member that is in a group or joins it (GroupMetadataManager, consumerGroupHeartbeat). Absent fields mean that
// nothing about them has changed. A heartbeat that changes nothing finds that out by comparing a few fields, and writes nothing.

import { type ConsumerGroupHeartbeatRequest, type ConsumerGroupHeartbeatResponseInit, randomUuid } from '@ottla/protocol'
import type { Decision } from '../../decision.ts'
import type { Caller } from '../world.ts'
import { listed, sameOwned, sameSet } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { memberFor } from './joining.ts'
import type { ConsumerGroupMember } from './member.ts'
import { MemberUpdate } from './member-update.ts'
import type { Cause } from './rebalances.ts'
import { ensureNotFull } from './request-checks.ts'
import type { Scope } from './scope.ts'

/** What a heartbeat is sent to. */
export interface Addressed {
  readonly group: ConsumerGroup
  /** What is to be written first, because the group was another one before. */
  readonly records: Decision<void>['records']
}

/** Decides about a heartbeat with an epoch of zero or more, whose form has been checked. */
export const heartbeat = (
  scope: Scope,
  { group, records }: Addressed,
  { request, caller }: { readonly request: ConsumerGroupHeartbeatRequest; readonly caller: Caller },
): Decision<ConsumerGroupHeartbeatResponseInit> => {
  const { world, timers } = scope
  const { memberEpoch, instanceId, topicPartitions: reported } = request
  ensureNotFull(group, request.memberId, world.settings)
  const memberId = request.memberId === '' ? randomUuid(world.random) : request.memberId
  const found = memberFor(group, { memberId, instanceId, memberEpoch, reported, joins: memberEpoch === 0 })
  const before = found.member
  const update = new MemberUpdate(scope, {
    group,
    before,
    member: changed(before, request, caller),
    cause: causeOf(group, before, caller),
    records: [...records, ...found.records],
  })
  const hasOtherNames = update.recordMember()
  const pattern = scope.patterns.update(update)
  update.updateMetadata(hasOtherNames || pattern === 'resolved')
  update.reconcile(update.updateTarget(), reported, hasOtherNames || pattern !== 'none')
  timers.session(group.groupId, memberId, world.settings.consumerSessionTimeoutMs(group.groupId))
  const { member } = update
  const showsAssignment = memberEpoch === 0 || isFull(request) || !sameOwned(before.assignedPartitions, member.assignedPartitions)
  return {
    records: update.records,
    reply: {
      throttleTimeMs: 0,
      errorCode: 0,
      memberId: member.memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs: world.settings.consumerHeartbeatIntervalMs(group.groupId),
      assignment: showsAssignment ? { topicPartitions: listed(member.assignedPartitions) } : null,
    },
  }
}

/** Whether the client says all that it can: it does so when it joins, and after errors. */
const isFull = (request: ConsumerGroupHeartbeatRequest): boolean =>
  request.rebalanceTimeoutMs !== -1 &&
  (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
  request.topicPartitions !== null

/** The member with what the request says of it; the same object when that is nothing new. */
const changed = (member: ConsumerGroupMember, request: ConsumerGroupHeartbeatRequest, caller: Caller): ConsumerGroupMember => {
  const instanceId = request.instanceId ?? member.instanceId
  const rackId = request.rackId ?? member.rackId
  const rebalanceTimeoutMs = request.rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : request.rebalanceTimeoutMs
  const serverAssignor = request.serverAssignor ?? member.serverAssignor
  const subscribedTopicRegex = request.subscribedTopicRegex ?? member.subscribedTopicRegex
  const subscribedTopicNames = namesOf(member, request)
  const { clientId, clientHost } = caller
  if (
    instanceId === member.instanceId &&
    rackId === member.rackId &&
    rebalanceTimeoutMs === member.rebalanceTimeoutMs &&
    serverAssignor === member.serverAssignor &&
    subscribedTopicRegex === member.subscribedTopicRegex &&
    subscribedTopicNames === member.subscribedTopicNames &&
    clientId === member.clientId &&
    clientHost === member.clientHost &&
    member.classic === null
  )
    return member
  const said = { instanceId, rackId, rebalanceTimeoutMs, serverAssignor, subscribedTopicRegex, subscribedTopicNames }
  return { ...member, ...said, clientId, clientHost, classic: null }
}

const namesOf = (member: ConsumerGroupMember, request: ConsumerGroupHeartbeatRequest): ReadonlySet<string> => {
  if (request.subscribedTopicNames === null) return member.subscribedTopicNames
  const names = new Set(request.subscribedTopicNames)
  return sameSet(names, member.subscribedTopicNames) ? member.subscribedTopicNames : names
}

/** Why the group epoch goes up, if it does. */
const causeOf = (group: ConsumerGroup, member: ConsumerGroupMember, caller: Caller): Cause => ({
  reason: group.members.has(member.memberId)
    ? 'a member subscribes to other topics'
    : member.instanceId !== null
      ? 'a static member came back and subscribes to other topics'
      : 'a new member joined',
  memberId: member.memberId,
  clientId: caller.clientId,
})
