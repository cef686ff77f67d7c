// What clients ask of classic groups: JoinGroup, SyncGroup, Heartbeat, LeaveGroup and DescribeGroups, and what becomes of such groups when their
// partition is loaded and given up.
//
// Requests change their group at once, as members wait for each other; so what they write is replayed only when a partition is loaded. All
// errors are answers: nothing is thrown.

import {
  type DescribeGroupsResponseInit,
  ErrorCode,
  groupMetadataRecord,
  type HeartbeatRequest,
  type HeartbeatResponseInit,
  type JoinGroupRequest,
  type JoinGroupResponseInit,
  type KafkaError,
  type LeaveGroupRequest,
  type LeaveGroupResponseInit,
  type SyncGroupRequest,
  type SyncGroupResponseInit,
} from '@ottla/protocol'
import { answered, type Decision } from '../../decision.ts'
import { type CoordinatorRecord, isRecordOf } from '../../record.ts'
import type { Group, Groups } from '../group.ts'
import type { Caller, GroupWorld } from '../world.ts'
import { ClassicGroup } from './classic-group.ts'
import { type ClassicParts, ClassicRebalances, decided, type Stored } from './classic-rebalances.ts'
import { subscribedTopicsOf } from './consumer-metadata.ts'
import { describeGroup } from './describe.ts'
import { groupOf, newGroupMetadata } from './group-metadata.ts'
import { joinGroup, joinOf, joinRefusal } from './join.ts'
import { leaveAnswer, leaveGroup, leaversOf, leftWith } from './leave.ts'
import { syncGroup, syncRefusal } from './sync.ts'
import { inVersion, joinError, storeError, syncError } from './waiting.ts'

/** See the top of the file. */
export class ClassicRequests {
  readonly #world: GroupWorld
  readonly #groups: Groups
  readonly #rebalances: ClassicRebalances
  readonly #parts: ClassicParts

  constructor(world: GroupWorld, groups: Groups) {
    this.#world = world
    this.#groups = groups
    this.#rebalances = new ClassicRebalances(world, groups)
    this.#parts = { world, rebalances: this.#rebalances }
  }

  /** A group is made for who comes without a member id. An empty group of another kind becomes a classic one. */
  join(request: JoinGroupRequest, caller: Caller): Decision<JoinGroupResponseInit> {
    const refusal = joinRefusal(this.#world, request)
    if (refusal !== null) return answered(inVersion(refusal, caller.apiVersion))
    const { groupId, memberId } = request
    const former = this.#groups.get(groupId)
    if (former instanceof ClassicGroup) return this.#joinOf(former, request, caller)
    if (former !== undefined && former.memberCount > 0)
      return answered(inVersion(joinError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, ''), caller.apiVersion))
    if (memberId !== '') return answered(inVersion(joinError(ErrorCode.UNKNOWN_MEMBER_ID, memberId), caller.apiVersion))
    const group = new ClassicGroup(this.#world, groupId)
    this.#groups.set(groupId, group)
    const decision = this.#joinOf(group, request, caller)
    // The first rebalance waits, so nothing has been written yet.
    return {
      ...decision,
      records: [...(former?.tombstones() ?? []), newGroupMetadata(groupId, group.stateSinceMs ?? 0), ...decision.records],
      replays: false,
      settled: error => {
        decision.settled?.(error)
        if (error !== null) this.#notMade(group, former, error)
      },
    }
  }

  sync(request: SyncGroupRequest, caller: Caller): Decision<SyncGroupResponseInit> {
    const refusal = syncRefusal(request, caller)
    if (refusal !== null) return answered(refusal)
    const group = this.#groups.get(request.groupId)
    if (!(group instanceof ClassicGroup)) return answered(syncError(ErrorCode.UNKNOWN_MEMBER_ID))
    const { stored, waiting } = syncGroup(this.#parts, group, request)
    return decided(stored, waiting.promise)
  }

  heartbeat(request: HeartbeatRequest): Decision<HeartbeatResponseInit> {
    const { groupId, memberId, groupInstanceId, generationId } = request
    if (groupId === '') return answered({ errorCode: ErrorCode.INVALID_GROUP_ID })
    const group = this.#groups.get(groupId)
    if (!(group instanceof ClassicGroup)) return answered({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID })
    if (group.state === 'Dead') return answered({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE })
    const errorCode = group.memberError(memberId, groupInstanceId)
    const member = group.members.get(memberId)
    if (errorCode !== ErrorCode.NONE || member === undefined) return answered({ errorCode })
    if (generationId !== group.generation) return answered({ errorCode: ErrorCode.ILLEGAL_GENERATION })
    group.renewSession(member)
    return answered({ errorCode: group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE })
  }

  leave(request: LeaveGroupRequest, { apiVersion }: Caller): Decision<LeaveGroupResponseInit> {
    if (request.groupId === '') return answered({ errorCode: ErrorCode.INVALID_GROUP_ID, members: [] })
    const leavers = leaversOf(request, apiVersion)
    const group = this.#groups.get(request.groupId)
    if (!(group instanceof ClassicGroup)) return answered(leaveAnswer(leftWith(leavers, ErrorCode.UNKNOWN_MEMBER_ID), apiVersion))
    if (group.state === 'Dead') return answered({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, members: [] })
    const { stored, members } = leaveGroup(this.#parts, group, leavers)
    return decided(stored, leaveAnswer(members, apiVersion))
  }

  describe(group: ClassicGroup): DescribeGroupsResponseInit['groups'][number] {
    return describeGroup(group)
  }

  /** Takes a groupMetadataRecord. */
  replay(record: CoordinatorRecord): void {
    if (!isRecordOf(record, groupMetadataRecord)) return
    const { group: groupId } = record.key
    const former = this.#groups.get(groupId)
    if (former instanceof ClassicGroup) {
      this.#rebalances.giveUp(former, ErrorCode.UNKNOWN_MEMBER_ID)
      this.#groups.delete(groupId)
    }
    if (record.value !== null) this.#groups.set(groupId, groupOf(this.#world, groupId, record.value))
  }

  /** All is replayed: members have to show from now on that they live. */
  loaded(): void {
    for (const group of this.#groups.values()) if (group instanceof ClassicGroup) this.#begin(group)
  }

  /** The partition is given up: who waits goes elsewhere. */
  unloaded(errorCode: number): void {
    for (const group of this.#groups.values()) if (group instanceof ClassicGroup) this.#rebalances.giveUp(group, errorCode)
  }

  /**
   * Takes over a group that was of another kind until now; its record is the caller's to write. With a reason, it rebalances at once.
   * What is returned has to be written besides, if anything.
   */
  adopt(
    group: ClassicGroup,
    cause: { readonly reason: string; readonly memberId: string; readonly clientId: string } | null,
  ): Stored | null {
    this.#groups.set(group.groupId, group)
    this.#begin(group)
    return cause === null ? null : this.#rebalances.prepareOrComplete(group, cause)
  }

  /** Lets go of a group that becomes one of another kind: whoever waits asks again (REBALANCE_IN_PROGRESS), no timer runs any more. */
  release(group: ClassicGroup): void {
    this.#rebalances.giveUp(group, ErrorCode.REBALANCE_IN_PROGRESS)
  }

  #joinOf(group: ClassicGroup, request: JoinGroupRequest, caller: Caller): Decision<JoinGroupResponseInit> {
    const join = joinOf(group, request, caller)
    return decided(joinGroup(this.#parts, join), join.waiting.promise)
  }

  #begin(group: ClassicGroup): void {
    const { groupMaxSize } = this.#world.settings
    group.subscribedTopics = subscribedTopicsOf(group)
    for (const member of group.members.values()) this.#rebalances.watch(group, member)
    if (group.memberCount <= groupMaxSize) return
    this.#rebalances.prepare(group, { reason: 'the group is larger than group.max.size', memberId: '', clientId: '' })
  }

  /** A group that could not be written never was, unless it has come further since. */
  #notMade(group: ClassicGroup, former: Group | undefined, error: KafkaError): void {
    const { groupId } = group
    this.#world.logger.warn({ groupId, error: error.message }, 'a new group could not be written')
    if (this.#groups.get(groupId) !== group || group.generation > 0) return
    this.#rebalances.giveUp(group, storeError(error.code))
    if (former === undefined) this.#groups.delete(groupId)
    else this.#groups.set(groupId, former)
  }
}
