// JoinGroup for classic groups (the classicGroupJoin methods of Kafka's GroupMetadataManager).
//
// A newcomer of version 4 and later is given an id first and comes back with it (KIP-394). Who has a group.instance.id takes the place of the
// member that had it (KIP-345), without a rebalance when the group is stable and its protocol stays the same. From version 9 on a leader that
// came back so learns who the members are but that it need not assign (KIP-814).

import { ErrorCode, type JoinGroupRequest, type JoinGroupResponseInit } from '@ottla/protocol'
import type { Caller, GroupWorld } from '../world.ts'
import type { ClassicGroup } from './classic-group.ts'
import { bytesOf, type ClassicMember, type MemberProtocol } from './classic-member.ts'
import { type ClassicParts, joinAnswer, type Stored } from './classic-rebalances.ts'
import { causeOf, type Join } from './join-cause.ts'
import { newMemberId } from './member-id.ts'
import { joinStaticMember } from './static-member.ts'
import { joinError, WaitingJoin } from './waiting.ts'

/** How long a newcomer that does not know its id may wait for a rebalance: it cannot send heartbeats, nor can its disconnection be seen. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1_000
/**
 * What all metadata of a group's members may take together. Kafka sets no such limit but that of the record of the group, which the
 * assignment goes into and which is far smaller (message.max.bytes).
 */
export const MAX_MEMBER_BYTES = 16 * 1_024 * 1_024
/** From this version on newcomers are given their id before they join (KIP-394). */
export const KNOWN_MEMBER_ID_VERSION = 4

/** A JoinGroup as it comes in. */
export const joinOf = (group: ClassicGroup, request: JoinGroupRequest, caller: Caller): Join => ({
  group,
  request,
  caller,
  terms: {
    // Version 0 has no such time-out.
    rebalanceTimeoutMs: caller.apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: distinct(request.protocols),
  },
  waiting: new WaitingJoin(caller.apiVersion),
})

/** Lets somebody join; the answer is, or will be, that of `join.waiting`. */
export const joinGroup = (parts: ClassicParts, join: Join): Stored | null => {
  const { group, request } = join
  if (group.state === 'Dead') return refused(join, ErrorCode.COORDINATOR_NOT_AVAILABLE)
  if (!hasRoom(parts, join)) return withoutRoom(parts, join)
  if (!group.supports(request.protocolType, join.terms.protocols)) return refused(join, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  return request.memberId === '' ? joinNewMember(parts, join) : joinKnownMember(parts, join)
}

/** Who has no room is not of the group any more, and the others need not wait for it. */
const withoutRoom = ({ rebalances }: ClassicParts, join: Join): Stored | null => {
  const { group, request, waiting } = join
  const { memberId } = request
  waiting.answer(joinError(ErrorCode.GROUP_MAX_SIZE_REACHED, ''))
  const wasMember = group.members.has(memberId)
  if (!wasMember && !group.pending.has(memberId)) return null
  rebalances.remove(group, memberId)
  const cause = causeOf(join, 'a member had no room in the group', memberId)
  return wasMember ? rebalances.prepareOrComplete(group, cause) : rebalances.completeIfNotInitial(group)
}

const refused = ({ request, waiting }: Join, errorCode: number): null => {
  waiting.answer(joinError(errorCode, request.memberId))
  return null
}

/** By count as Kafka (group.max.size), and by bytes. */
const hasRoom = ({ world }: ClassicParts, { group, request, terms, caller }: Join): boolean => {
  const { memberId, groupInstanceId } = request
  const member = group.members.get(memberId)
  const former = member ?? group.members.get((groupInstanceId === null ? undefined : group.staticMemberId(groupInstanceId)) ?? '')
  const bytes = bytesOf({ memberId, groupInstanceId, clientId: caller.clientId }, terms)
  const formerBytes = former === undefined ? 0 : bytesOf(former, former.terms)
  if (bytes > formerBytes && group.memberBytes - formerBytes + bytes > MAX_MEMBER_BYTES) return false
  const { groupMaxSize } = world.settings
  switch (group.state) {
    case 'PreparingRebalance':
      // Who waits counts, not who is a member: so the last to come are the ones without room after the limit was lowered.
      return (member !== undefined && member.waitingJoin !== null) || group.waitingJoins < groupMaxSize
    case 'CompletingRebalance':
    case 'Stable':
      return member !== undefined || group.memberCount < groupMaxSize
    default:
      return true
  }
}

/** Of a protocol that is named twice, the first. */
export const distinct = (protocols: readonly MemberProtocol[]): readonly MemberProtocol[] => {
  const names = new Set<string>()
  const kept = protocols.filter(({ name }) => names.size < names.add(name).size)
  return kept.length === protocols.length ? protocols : kept
}

const joinNewMember = (parts: ClassicParts, join: Join): Stored | null => {
  const { world, rebalances } = parts
  const { group, request, caller, waiting } = join
  const { groupInstanceId } = request
  const memberId = newMemberId(world.random, groupInstanceId ?? caller.clientId)
  if (groupInstanceId !== null) {
    const former = group.members.get(group.staticMemberId(groupInstanceId) ?? '')
    return former === undefined ? addMember(parts, join, memberId) : joinStaticMember(parts, join, { former, memberId })
  }
  if (caller.apiVersion < KNOWN_MEMBER_ID_VERSION) return addMember(parts, join, memberId)
  rebalances.expect(group, memberId, request.sessionTimeoutMs)
  world.logger.debug({ groupId: group.groupId, memberId }, 'a member was given its id')
  waiting.answer(joinError(ErrorCode.MEMBER_ID_REQUIRED, memberId))
  return null
}

const addMember = ({ rebalances }: ClassicParts, join: Join, memberId: string): Stored | null => {
  const { group, request, caller, terms, waiting } = join
  const { groupInstanceId, protocolType } = request
  const { clientId, clientHost } = caller
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.hasNewcomers = true
  const member = group.add({ memberId, groupInstanceId, clientId, clientHost, protocolType }, terms, waiting)
  member.isNew = true
  rebalances.watch(group, member, NEW_MEMBER_JOIN_TIMEOUT_MS)
  const what = groupInstanceId === null ? 'a new member joined' : 'a new static member joined'
  return rebalances.prepareOrComplete(group, causeOf(join, what, memberId))
}

const joinKnownMember = (parts: ClassicParts, join: Join): Stored | null => {
  const { group, request, waiting } = join
  const { memberId, groupInstanceId } = request
  // Only dynamic members are given an id before they are members.
  if (groupInstanceId === null && group.pending.has(memberId)) return addMember(parts, join, memberId)
  const errorCode = group.memberError(memberId, groupInstanceId)
  const member = group.members.get(memberId)
  if (errorCode !== ErrorCode.NONE || member === undefined) return refused(join, errorCode)
  switch (group.state) {
    case 'PreparingRebalance':
      return updateMember(parts, join, member)
    case 'CompletingRebalance':
      if (!member.matches(join.terms.protocols)) return updateMember(parts, join, member)
      // It seems that the answer to its former JoinGroup did not reach it.
      waiting.answer(joinAnswer(group, member))
      return null
    case 'Stable':
      // A leader that joins again wants to assign anew: the topics may have changed, which its metadata does not show.
      if (group.isLeader(memberId) || !member.matches(join.terms.protocols)) return updateMember(parts, join, member)
      waiting.answer(joinAnswer(group, member))
      return null
    default:
      // No member can be of an empty group; should it be, it starts over.
      return refused(join, ErrorCode.UNKNOWN_MEMBER_ID)
  }
}

const updateMember = ({ rebalances }: ClassicParts, join: Join, member: ClassicMember): Stored | null => {
  const { group, terms, waiting } = join
  const what =
    group.isLeader(member.memberId) && member.matches(terms.protocols) ? 'the leader joined again' : 'a member changed its metadata'
  group.update(member, terms)
  group.waitForJoin(member, waiting)
  return rebalances.prepareOrComplete(group, causeOf(join, what, member.memberId))
}

/** The answer of a JoinGroup that is not even looked at. */
export const joinRefusal = (world: GroupWorld, request: JoinGroupRequest): JoinGroupResponseInit | null => {
  if (request.groupId === '') return joinError(ErrorCode.INVALID_GROUP_ID, request.memberId)
  const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = world.settings
  const { sessionTimeoutMs } = request
  if (sessionTimeoutMs >= groupMinSessionTimeoutMs && sessionTimeoutMs <= groupMaxSessionTimeoutMs) return null
  return joinError(ErrorCode.INVALID_SESSION_TIMEOUT, request.memberId)
}
