// LeaveGroup for classic groups (classicGroupLeaveToClassicGroup of Kafka): by member id, or by instance id alone when an administrator removes
// static members.

import { ErrorCode, type LeaveGroupRequest, type LeaveGroupResponseInit } from '@ottla/protocol'
import type { ClassicGroup } from './classic-group.ts'
import type { Cause, ClassicParts, Stored } from './classic-rebalances.ts'
import { withReason } from './join-cause.ts'

/** From this version on several members may leave at once. */
const BATCH_VERSION = 3

/** Who leaves, in whatever version. */
export type Leaver = LeaveGroupRequest['members'][number]
/** A leaver and what came of it. */
export type Left = NonNullable<LeaveGroupResponseInit['members']>[number]

/** All who leave by a request; before version 3 it is one. */
export const leaversOf = (request: LeaveGroupRequest, apiVersion: number): readonly Leaver[] =>
  apiVersion < BATCH_VERSION ? [{ memberId: request.memberId, groupInstanceId: null, reason: null }] : request.members

/** The same error for each of them. */
export const leftWith = (leavers: readonly Leaver[], errorCode: number): Left[] =>
  leavers.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId, errorCode }))

/** Old versions have one member, and so one error. */
export const leaveAnswer = (members: Left[], apiVersion: number): LeaveGroupResponseInit =>
  apiVersion < BATCH_VERSION ? { errorCode: members[0]?.errorCode ?? ErrorCode.NONE, members: [] } : { errorCode: ErrorCode.NONE, members }

/** Takes members out; what is to be written then, and what became of each. */
export const leaveGroup = (
  parts: ClassicParts,
  group: ClassicGroup,
  leavers: readonly Leaver[],
): { stored: Stored | null; members: Left[] } => {
  let cause: Cause | null = null
  let hasPendingLeft = false
  const members = leavers.map(leaver => {
    const { memberId, groupInstanceId } = leaver
    if (memberId !== '' && group.pending.has(memberId)) {
      parts.rebalances.remove(group, memberId)
      hasPendingLeft = true
      return { memberId, groupInstanceId, errorCode: ErrorCode.NONE }
    }
    const errorCode = removeMember(parts, group, leaver)
    if (typeof errorCode === 'number') return { memberId, groupInstanceId, errorCode }
    cause ??= errorCode
    return { memberId, groupInstanceId, errorCode: ErrorCode.NONE }
  })
  let stored: Stored | null = null
  if (cause !== null) stored = group.state === 'Empty' ? null : parts.rebalances.prepareOrComplete(group, cause)
  else if (hasPendingLeft) stored = parts.rebalances.completeIfNotInitial(group)
  return { stored, members }
}

/** Takes a member out and says why it left, or which error there is. */
const removeMember = ({ world, rebalances }: ClassicParts, group: ClassicGroup, leaver: Leaver): Cause | number => {
  const { groupInstanceId, reason } = leaver
  const memberId = leaver.memberId === '' && groupInstanceId !== null ? group.staticMemberId(groupInstanceId) : leaver.memberId
  if (memberId === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
  const errorCode = group.memberError(memberId, groupInstanceId)
  const member = group.members.get(memberId)
  if (errorCode !== ErrorCode.NONE || member === undefined) return errorCode
  const { clientId } = member
  const cause = { reason: withReason('a member left', reason), memberId, clientId }
  world.logger.info({ groupId: group.groupId, groupInstanceId, ...cause }, 'a member leaves')
  rebalances.remove(group, memberId)
  return cause
}
