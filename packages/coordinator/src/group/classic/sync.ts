// SyncGroup for classic groups (the classicGroupSync methods of Kafka's GroupMetadataManager): the leader brings the assignment, all get their
// part of it, once it is kept in the group's record.

import { ErrorCode, type SyncGroupRequest, type SyncGroupResponseInit } from '@ottla/protocol'
import type { Caller } from '../world.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, NO_ASSIGNMENT } from './classic-member.ts'
import type { ClassicParts, Stored } from './classic-rebalances.ts'
import { groupMetadataOf } from './group-metadata.ts'
import { storeError, syncError, Waiting, type WaitingSync } from './waiting.ts'

/** From this version on a member has to say which protocol it means (KIP-559). */
const PROTOCOL_VERSION = 5

/** The answer of a SyncGroup that is not even looked at. */
export const syncRefusal = (request: SyncGroupRequest, caller: Caller): SyncGroupResponseInit | null => {
  const { groupId, protocolType, protocolName } = request
  if (caller.apiVersion >= PROTOCOL_VERSION && (protocolType === null || protocolName === null))
    return syncError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  return groupId === '' ? syncError(ErrorCode.INVALID_GROUP_ID) : null
}

/** Takes a member's SyncGroup; the answer is, or will be, that of the waiting one. */
export const syncGroup = (
  parts: ClassicParts,
  group: ClassicGroup,
  request: SyncGroupRequest,
): { stored: Stored | null; waiting: WaitingSync } => {
  const waiting: WaitingSync = new Waiting()
  const errorCode = errorOf(group, request)
  const member = group.members.get(request.memberId)
  let stored: Stored | null = null
  if (errorCode !== ErrorCode.NONE || member === undefined) {
    waiting.answer(syncError(errorCode))
  } else if (group.state === 'CompletingRebalance') {
    // One that waits already will not be waited for any more.
    group.answerSync(member, syncError(ErrorCode.REBALANCE_IN_PROGRESS))
    member.waitingSync = waiting
    parts.rebalances.synced(group, member.memberId)
    if (group.isLeader(member.memberId) && !group.isStoring) stored = store(parts, group, { request, leader: member })
  } else {
    parts.rebalances.synced(group, member.memberId)
    const { protocolType, protocolName } = group
    waiting.answer({ errorCode: ErrorCode.NONE, protocolType, protocolName, assignment: member.assignment })
  }
  return { stored, waiting }
}

const errorOf = (group: ClassicGroup, request: SyncGroupRequest): number => {
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE
  if (group.state === 'Empty') return ErrorCode.UNKNOWN_MEMBER_ID
  const errorCode = group.memberError(request.memberId, request.groupInstanceId)
  if (errorCode !== ErrorCode.NONE) return errorCode
  if (request.generationId !== group.generation) return ErrorCode.ILLEGAL_GENERATION
  if (differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocolName))
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

const differs = (asked: string | null, own: string | null): boolean => asked !== null && own !== null && asked !== own

/** Keeps what the leader assigned; only then anybody is answered. */
const store = (
  { world, rebalances }: ClassicParts,
  group: ClassicGroup,
  { request, leader }: { readonly request: SyncGroupRequest; readonly leader: ClassicMember },
): Stored => {
  const { groupId, generation } = group
  const { memberId, clientId } = leader
  const assignments = new Map<string, Buffer>()
  for (const assigned of request.assignments)
    if (group.members.has(assigned.memberId)) assignments.set(assigned.memberId, assigned.assignment)
  const assignmentOf = (member: ClassicMember): Buffer => assignments.get(member.memberId) ?? NO_ASSIGNMENT
  const missing = group.memberCount - assignments.size
  let leastBytes = 0
  for (const member of group.members.values()) leastBytes += assignmentOf(member).length + member.metadata(group.protocolName ?? '').length
  if (missing > 0) world.logger.warn({ groupId, generation, leader: memberId, missing }, 'a leader left members without an assignment')
  group.isStoring = true
  return {
    records: [groupMetadataOf(group, assignmentOf)],
    leastBytes,
    settled: error => {
      if (group.generation !== generation) return
      group.isStoring = false
      // Another rebalance may have begun since; then this assignment is void.
      if (group.state !== 'CompletingRebalance') return
      if (error === null) {
        for (const member of group.members.values()) member.assignment = assignmentOf(member)
        rebalances.stabilize(group)
        return
      }
      world.logger.warn({ groupId, generation, error: error.message }, 'the assignment of a group could not be written')
      rebalances.refuseSyncs(group, storeError(error.code))
      rebalances.prepare(group, { reason: 'the assignment could not be stored', memberId, clientId })
    },
  }
}
