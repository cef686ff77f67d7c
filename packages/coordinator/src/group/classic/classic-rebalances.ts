// How classic groups rebalance: who is waited for, for how long, and what happens then (the prepare, complete and expire methods of Kafka's
// GroupMetadataManager). A rebalance first waits for all members to join, then for the leader to say who gets what; whoever is late is out.
//
// Timers: one per member for its session (or, before it is a member, for its coming back), one per group for the joining, one for the syncing.

import { ErrorCode, type JoinGroupResponseInit, type KafkaError } from '@ottla/protocol'
import { answered, type Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import type { Groups } from '../group.ts'
import type { GroupWorld } from '../world.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, NO_ASSIGNMENT } from './classic-member.ts'
import { assignmentsOf, subscribedTopicsOf } from './consumer-metadata.ts'
import { groupMetadataOf } from './group-metadata.ts'
import { joinError, syncError } from './waiting.ts'

/** What has to be written after a group has changed; null for nothing. */
export interface Stored {
  readonly records: readonly CoordinatorRecord[]
  /** See Decision. */
  readonly leastBytes?: number
  readonly settled: (error: KafkaError | null) => void
}

/** What requests need beside the group. */
export interface ClassicParts {
  readonly world: GroupWorld
  readonly rebalances: ClassicRebalances
}

/** Decision of a command that has already changed its group. */
export const decided = <R>(stored: Stored | null, reply: R | Promise<R>): Decision<R> =>
  stored === null ? answered(reply) : { ...stored, reply, replays: false }

/** Whose doing a rebalance is, in words. */
export interface Cause {
  readonly reason: string
  readonly memberId: string
  readonly clientId: string
}

/** Ids that a line of the log names; there may be thousands. */
const LOGGED_MEMBERS = 10

const joinKey = (group: ClassicGroup): string => `classic-join/${group.groupId}`
const syncKey = (group: ClassicGroup): string => `classic-sync/${group.groupId}`

/** See the top of the file. */
export class ClassicRebalances {
  readonly #world: GroupWorld
  readonly #groups: Groups

  constructor(world: GroupWorld, groups: Groups) {
    this.#world = world
    this.#groups = groups
  }

  /** Begins to watch over a member: it is out if it does not show that it lives within `timeoutMs`, by default its session time-out. */
  watch(group: ClassicGroup, member: ClassicMember, timeoutMs?: number): void {
    member.expired = () => decided(this.#sessionExpired(group, member), undefined)
    group.renewSession(member, timeoutMs)
  }

  /** Gives an id to somebody, who has to come back with it in time. */
  expect(group: ClassicGroup, memberId: string, timeoutMs: number): void {
    for (const oldest of group.pending.add(memberId)) this.#world.timers.cancel(group.sessionKey(oldest))
    this.#world.timers.set(group.sessionKey(memberId), timeoutMs, () => {
      if (!this.#isCurrent(group) || !group.pending.remove(memberId)) return answered(undefined)
      // Anybody can cause as many of these as he likes.
      this.#world.logger.debug({ groupId: group.groupId, memberId }, 'a pending member did not come back in time')
      return decided(this.completeIfAllJoined(group), undefined)
    })
  }

  /** Takes a member out, or one that was only given an id. What follows is up to the caller. */
  remove(group: ClassicGroup, memberId: string): void {
    group.remove(memberId)
    this.#world.timers.cancel(group.sessionKey(memberId))
  }

  /** What follows when members are gone. */
  afterRemoval(group: ClassicGroup, cause: Cause): Stored | null {
    return group.mayRebalance && group.state !== 'Empty' ? this.prepare(group, cause) : this.completeIfAllJoined(group)
  }

  /** Begins a rebalance, or ends the joining of the one that is under way if nobody is missing. */
  prepareOrComplete(group: ClassicGroup, cause: Cause): Stored | null {
    return group.mayRebalance ? this.prepare(group, cause) : this.completeIfNotInitial(group)
  }

  /** Ends the joining if nobody is missing, but for the first rebalance of a group, which waits for more. */
  completeIfNotInitial(group: ClassicGroup): Stored | null {
    return group.previousState === 'Empty' ? null : this.completeIfAllJoined(group)
  }

  completeIfAllJoined(group: ClassicGroup): Stored | null {
    return group.state === 'PreparingRebalance' && group.haveAllJoined ? this.#complete(group) : null
  }

  /** Begins a rebalance. */
  prepare(group: ClassicGroup, cause: Cause): Stored | null {
    const { clock, logger, timers, settings } = this.#world
    if (group.state === 'CompletingRebalance') this.refuseSyncs(group, ErrorCode.REBALANCE_IN_PROGRESS)
    group.unsynced.clear()
    timers.cancel(syncKey(group))
    const isInitial = group.state === 'Empty'
    group.moveTo('PreparingRebalance')
    group.rebalance ??= { ...cause, startedAtMs: clock.now(), startedMonotonicMs: clock.monotonic() }
    logger.info({ groupId: group.groupId, generation: group.generation, ...cause }, 'a group begins to rebalance')
    if (isInitial) {
      const delayMs = settings.groupInitialRebalanceDelayMs
      group.hasNewcomers = false
      this.#waitForMore(group, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0))
      return null
    }
    if (group.haveAllJoined) return this.#complete(group)
    this.#waitForJoins(group)
    return null
  }

  /** Answers all members that wait for their assignment with an error; nobody has one any more. */
  refuseSyncs(group: ClassicGroup, errorCode: number): void {
    for (const member of group.members.values()) {
      member.assignment = NO_ASSIGNMENT
      if (group.answerSync(member, syncError(errorCode))) group.renewSession(member)
    }
  }

  /** The assignment is known and kept: the group is stable. */
  stabilize(group: ClassicGroup): void {
    for (const member of group.members.values()) {
      const answer = {
        errorCode: ErrorCode.NONE,
        protocolType: group.protocolType,
        protocolName: group.protocolName,
        assignment: member.assignment,
      }
      if (group.answerSync(member, answer)) group.renewSession(member)
    }
    group.moveTo('Stable')
    this.#finished(group)
  }

  /** A member has sent its SyncGroup; when all have, nobody is waited for. */
  synced(group: ClassicGroup, memberId: string): void {
    group.unsynced.delete(memberId)
    if (group.unsynced.size === 0) this.#world.timers.cancel(syncKey(group))
  }

  /** Gives a group up: all that wait get this error, and nothing of it runs any more. */
  giveUp(group: ClassicGroup, errorCode: number): void {
    const { timers } = this.#world
    timers.cancel(joinKey(group))
    timers.cancel(syncKey(group))
    for (const memberId of group.pending) timers.cancel(group.sessionKey(memberId))
    for (const member of group.members.values()) {
      timers.cancel(member.sessionKey)
      group.answerJoin(member, joinError(errorCode, member.memberId))
      group.answerSync(member, syncError(errorCode))
    }
    group.moveTo('Dead')
  }

  #isCurrent(group: ClassicGroup): boolean {
    return this.#groups.get(group.groupId) === group && group.state !== 'Dead'
  }

  #sessionExpired(group: ClassicGroup, member: ClassicMember): Stored | null {
    const { memberId, clientId } = member
    if (!this.#isCurrent(group) || group.members.get(memberId) !== member || member.hasSatisfiedHeartbeat) return null
    this.#world.logger.info({ groupId: group.groupId, memberId, clientId }, 'a member has not been heard of in time and is removed')
    this.remove(group, memberId)
    return this.afterRemoval(group, { reason: 'a member sent no heartbeat in time', memberId, clientId })
  }

  #waitForJoins(group: ClassicGroup): void {
    this.#world.timers.set(joinKey(group), group.rebalanceTimeoutMs, () => {
      const isWaiting = this.#isCurrent(group) && group.state === 'PreparingRebalance'
      return decided(isWaiting ? this.#complete(group) : null, undefined)
    })
  }

  /** The first rebalance goes on as long as members come, but not longer than the longest of them wants to wait. */
  #waitForMore(group: ClassicGroup, delayMs: number, remainingMs: number): void {
    this.#world.timers.set(joinKey(group), delayMs, () => {
      if (!this.#isCurrent(group) || group.state !== 'PreparingRebalance') return answered(undefined)
      if (!group.hasNewcomers || remainingMs === 0) return decided(this.#complete(group), undefined)
      group.hasNewcomers = false
      const nextMs = Math.min(this.#world.settings.groupInitialRebalanceDelayMs, remainingMs)
      this.#waitForMore(group, nextMs, Math.max(remainingMs - delayMs, 0))
      return answered(undefined)
    })
  }

  /** The joining is over: dynamic members that did not join are out, the others form the next generation. */
  #complete(group: ClassicGroup): Stored | null {
    const { logger, timers } = this.#world
    timers.cancel(joinKey(group))
    const late: string[] = []
    for (const member of group.members.values()) if (member.waitingJoin === null && !member.isStatic) late.push(member.memberId)
    for (const memberId of late) this.remove(group, memberId)
    if (late.length > 0) {
      const memberIds = late.slice(0, LOGGED_MEMBERS)
      logger.info({ groupId: group.groupId, count: late.length, memberIds }, 'members that did not join in time are removed')
    }
    if (group.memberCount > 0 && !this.#hasJoinedLeader(group)) {
      // Only static members are left and none has joined: wait until one does, or all of their sessions are over.
      logger.warn({ groupId: group.groupId }, 'a rebalance goes on because no member joined')
      this.#waitForJoins(group)
      return null
    }
    group.generation++
    group.isStoring = false
    group.unsynced.clear()
    group.protocolName = group.memberCount > 0 ? group.electProtocol() : null
    group.subscribedTopics = subscribedTopicsOf(group)
    return group.memberCount > 0 ? this.#beginSync(group) : this.#becomeEmpty(group)
  }

  /** Makes the first member that joined the leader if the present one did not join. */
  #hasJoinedLeader(group: ClassicGroup): boolean {
    const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId)
    if (leader !== undefined && leader.waitingJoin !== null) return true
    for (const member of group.members.values()) {
      if (member.waitingJoin === null) continue
      group.leaderId = member.memberId
      return true
    }
    return false
  }

  #becomeEmpty(group: ClassicGroup): Stored {
    const { groupId, generation } = group
    group.moveTo('Empty')
    this.#finished(group)
    return {
      records: [groupMetadataOf(group, () => NO_ASSIGNMENT)],
      settled: error => {
        if (error === null) return
        // Should the former generation come back with a restart, its members' sessions end, and it is empty again.
        this.#world.logger.warn({ groupId, generation, error: error.message }, 'that a group is empty could not be written')
      },
    }
  }

  #beginSync(group: ClassicGroup): null {
    const { timers, logger } = this.#world
    const { groupId, generation } = group
    group.moveTo('CompletingRebalance')
    logger.info({ groupId, generation, members: group.memberCount, leader: group.leaderId }, 'all members of a group have joined')
    for (const member of group.members.values()) {
      group.answerJoin(member, joinAnswer(group, member))
      group.renewSession(member)
      member.isNew = false
      group.unsynced.add(member.memberId)
    }
    timers.set(syncKey(group), group.rebalanceTimeoutMs, () => {
      const isCurrent = this.#isCurrent(group) && group.generation === generation
      return decided(isCurrent ? this.#removeUnsynced(group) : null, undefined)
    })
    return null
  }

  #removeUnsynced(group: ClassicGroup): Stored | null {
    if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return null
    const late = [...group.unsynced]
    const first = group.members.get(late[0] ?? '')
    if (first === undefined) return null
    for (const memberId of late) this.remove(group, memberId)
    const memberIds = late.slice(0, LOGGED_MEMBERS)
    this.#world.logger.info({ groupId: group.groupId, count: late.length, memberIds }, 'members that did not sync in time are removed')
    return this.prepare(group, { reason: 'members did not sync in time', memberId: first.memberId, clientId: first.clientId })
  }

  #finished(group: ClassicGroup): void {
    const { rebalance } = group
    if (rebalance === null) return
    group.rebalance = null
    const { startedMonotonicMs, ...start } = rebalance
    this.#world.observer.rebalanced({
      ...start,
      groupId: group.groupId,
      groupType: 'classic',
      durationMs: this.#world.clock.monotonic() - startedMonotonicMs,
      generation: group.generation,
      assignment: assignmentsOf(group),
    })
  }
}

/** What a member is told of the generation it is in; the leader is told of all members besides. */
export const joinAnswer = (group: ClassicGroup, member: ClassicMember): JoinGroupResponseInit => ({
  errorCode: ErrorCode.NONE,
  generationId: group.generation,
  protocolType: group.protocolType,
  protocolName: group.protocolName,
  leader: group.leaderId ?? '',
  skipAssignment: false,
  memberId: member.memberId,
  members: group.isLeader(member.memberId) ? membersOf(group) : [],
})

/** All members with their metadata, for who assigns. */
export const membersOf = (group: ClassicGroup): NonNullable<JoinGroupResponseInit['members']> =>
  Array.from(group.members.values(), member => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: member.metadata(group.protocolName ?? ''),
  }))
