// A group of the classic protocol: its members and the state it is in (class ClassicGroup of Kafka).
//
// Unlike what other records describe, such a group holds more than its record says: who waits for an answer, who was given an id, how far a
// rebalance is. So requests change it at once, and its record is replayed only when a partition is loaded.
//
//   Empty -> PreparingRebalance (joining) -> CompletingRebalance (waiting for the leader's assignment) -> Stable -> PreparingRebalance ...
//   PreparingRebalance -> Empty when nobody is left; any -> Dead when the group is given up.

import { ErrorCode, groupMetadataRecord, type JoinGroupResponseInit, KafkaError, type SyncGroupResponseInit } from '@ottla/protocol'
import { type CoordinatorRecord, recordOf } from '../../record.ts'
import { CONSUMER_PROTOCOL_TYPE } from '../consumer-protocol.ts'
import type { Group, OffsetCaller } from '../group.ts'
import type { GroupWorld } from '../world.ts'
import { bytesOf, ClassicMember, type MemberIdentity, type MemberProtocol, type MemberTerms } from './classic-member.ts'
import { PendingMembers } from './pending-members.ts'
import { ProtocolVotes } from './protocol-votes.ts'
import { joinError, syncError, type WaitingJoin } from './waiting.ts'

/** States in the order of a rebalance, as at the top of the file. */
export type ClassicGroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

/** Where a rebalance came from; kept until the group is stable again. */
export interface RebalanceStart {
  readonly startedAtMs: number
  readonly startedMonotonicMs: number
  readonly memberId: string
  readonly clientId: string
  readonly reason: string
}

/** What a group begins with, when it is not new. */
export interface ClassicGroupContent {
  readonly state: 'Empty' | 'Stable'
  readonly generation: number
  readonly protocolType: string
  readonly protocolName: string | null
  readonly leaderId: string | null
  /** Wall clock; null in records of old versions, which do not say. */
  readonly stateSinceMs: number | null
}

/** See the top of the file. */
export class ClassicGroup implements Group {
  readonly kind = 'classic'
  readonly groupId: string
  generation: number
  /** Empty for a group that never had members. */
  protocolType: string
  /** Null while nothing is chosen. */
  protocolName: string | null
  leaderId: string | null
  /** Topics that consumers subscribe to; null when they cannot be known. */
  subscribedTopics: ReadonlySet<string> | null = null
  readonly pending = new PendingMembers()
  /** Members of this generation that have not sent their SyncGroup yet. */
  readonly unsynced = new Set<string>()
  /** Whether somebody joined while the first rebalance waits for more. */
  hasNewcomers = false
  /** Whether the leader's assignment is on its way into the log. */
  isStoring = false
  rebalance: RebalanceStart | null = null
  readonly #world: Pick<GroupWorld, 'clock' | 'timers'>
  readonly #members = new Map<string, ClassicMember>()
  readonly #staticMembers = new Map<string, string>()
  readonly #votes = new ProtocolVotes()
  #state: ClassicGroupState
  #previousState: ClassicGroupState = 'Dead'
  #stateSinceMs: number | null
  #waitingJoins = 0
  #memberBytes = 0

  constructor(world: Pick<GroupWorld, 'clock' | 'timers'>, groupId: string, content?: ClassicGroupContent) {
    this.#world = world
    this.groupId = groupId
    this.#state = content?.state ?? 'Empty'
    this.generation = content?.generation ?? 0
    this.protocolType = content?.protocolType ?? ''
    this.protocolName = content?.protocolName ?? null
    this.leaderId = content?.leaderId ?? null
    this.#stateSinceMs = content === undefined ? world.clock.now() : content.stateSinceMs
  }

  get state(): ClassicGroupState {
    return this.#state
  }

  get previousState(): ClassicGroupState {
    return this.#previousState
  }

  /** Wall clock; null when an old record did not say. */
  get stateSinceMs(): number | null {
    return this.#stateSinceMs
  }

  get memberCount(): number {
    return this.#members.size
  }

  get members(): ReadonlyMap<string, ClassicMember> {
    return this.#members
  }

  get staticMemberCount(): number {
    return this.#staticMembers.size
  }

  get waitingJoins(): number {
    return this.#waitingJoins
  }

  /** What the members' protocols and names take. */
  get memberBytes(): number {
    return this.#memberBytes
  }

  get haveAllJoined(): boolean {
    return this.#members.size === this.#waitingJoins && this.pending.size === 0
  }

  get mayRebalance(): boolean {
    return this.#state === 'Empty' || this.#state === 'Stable' || this.#state === 'CompletingRebalance'
  }

  /** The longest that a member wants to be waited for. */
  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const { terms } of this.#members.values()) longest = Math.max(longest, terms.rebalanceTimeoutMs)
    return longest
  }

  /** Member id that bears this instance id. */
  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#staticMembers.get(groupInstanceId)
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId
  }

  /** Name of a member's session timer. Lengths keep two ids from running into one another. */
  sessionKey(memberId: string): string {
    return `classic-session/${this.groupId.length}/${this.groupId}/${memberId}`
  }

  moveTo(state: ClassicGroupState): void {
    this.#previousState = this.#state
    this.#state = state
    this.#stateSinceMs = this.#world.clock.now()
  }

  /** Whether somebody with these protocols may be of this group. */
  supports(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.#state === 'Empty') return protocolType !== '' && protocols.length > 0
    return this.protocolType === protocolType && this.#votes.areShared(protocols, this.#members.size)
  }

  /** Protocol that the members as they are now would choose. */
  electProtocol(): string {
    return this.#votes.elect(this.#members.values(), this.#members.size)
  }

  add(identity: MemberIdentity, terms: MemberTerms, waiting: WaitingJoin | null = null): ClassicMember {
    const member = new ClassicMember(identity, terms, this.sessionKey(identity.memberId))
    if (this.#members.size === 0) this.protocolType = identity.protocolType
    this.leaderId ??= identity.memberId
    if (identity.groupInstanceId !== null) this.#staticMembers.set(identity.groupInstanceId, identity.memberId)
    this.#members.set(identity.memberId, member)
    this.#votes.add(terms.protocols)
    this.#memberBytes += bytesOf(member, terms)
    this.pending.remove(identity.memberId)
    this.waitForJoin(member, waiting)
    return member
  }

  /** Takes a member out, or one that was only given an id. If it waits for an answer, it hears that nobody knows it. */
  remove(memberId: string): void {
    this.pending.remove(memberId)
    this.unsynced.delete(memberId)
    const member = this.#members.get(memberId)
    if (member === undefined) return
    this.answerJoin(member, joinError(ErrorCode.UNKNOWN_MEMBER_ID, ''))
    this.answerSync(member, syncError(ErrorCode.UNKNOWN_MEMBER_ID))
    this.#members.delete(memberId)
    this.#votes.remove(member.terms.protocols)
    this.#memberBytes -= bytesOf(member, member.terms)
    if (member.groupInstanceId !== null) this.#staticMembers.delete(member.groupInstanceId)
    if (this.isLeader(memberId)) this.leaderId = this.#members.keys().next().value ?? null
  }

  update(member: ClassicMember, terms: MemberTerms): void {
    this.#votes.remove(member.terms.protocols)
    this.#memberBytes += bytesOf(member, terms) - bytesOf(member, member.terms)
    member.terms = terms
    this.#votes.add(terms.protocols)
  }

  /** Lets a member wait for the end of the joining. A JoinGroup of it that waits already will not be waited for any more: it is told to ask again. */
  waitForJoin(member: ClassicMember, waiting: WaitingJoin | null): void {
    if (member.waitingJoin !== null) {
      member.waitingJoin.answer(joinError(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId))
      this.#waitingJoins--
    }
    member.waitingJoin = waiting
    if (waiting !== null) this.#waitingJoins++
  }

  /** Answers a member's JoinGroup, if one waits. */
  answerJoin(member: ClassicMember, answer: JoinGroupResponseInit): void {
    const waiting = member.waitingJoin
    if (waiting === null) return
    member.waitingJoin = null
    this.#waitingJoins--
    waiting.answer(answer)
  }

  /** Answers a member's SyncGroup; false if none waits. */
  answerSync(member: ClassicMember, answer: SyncGroupResponseInit): boolean {
    const waiting = member.waitingSync
    if (waiting === null) return false
    member.waitingSync = null
    waiting.answer(answer)
    return true
  }

  /** Gives an instance id to a new member id: the former one is told that it is fenced. The new one has its place, terms and assignment. */
  replaceStatic(former: ClassicMember, memberId: string): ClassicMember {
    this.answerJoin(former, joinError(ErrorCode.FENCED_INSTANCE_ID, former.memberId))
    this.answerSync(former, syncError(ErrorCode.FENCED_INSTANCE_ID))
    const wasLeader = this.isLeader(former.memberId)
    const wasUnsynced = this.unsynced.has(former.memberId)
    // The leader has to be in the group all the time, or another one would be chosen.
    if (wasLeader) this.leaderId = memberId
    this.remove(former.memberId)
    const member = this.add({ ...identityOf(former), memberId }, former.terms)
    member.assignment = former.assignment
    if (wasUnsynced) this.unsynced.add(memberId)
    return member
  }

  /** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
  ensureMember(memberId: string, groupInstanceId: string | null): ClassicMember {
    const code = this.memberError(memberId, groupInstanceId)
    if (code !== ErrorCode.NONE) throw new KafkaError(code)
    return this.#members.get(memberId) ?? unknownMember()
  }

  /** What is wrong with who says to be a member. */
  memberError(memberId: string, groupInstanceId: string | null): number {
    if (groupInstanceId !== null) {
      const holder = this.#staticMembers.get(groupInstanceId)
      if (holder === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
      if (holder !== memberId) return ErrorCode.FENCED_INSTANCE_ID
    }
    return this.#members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
  }

  ensureMayCommit(caller: OffsetCaller, isTransactional: boolean): void {
    if (this.#state === 'Dead') throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = caller
    // Administrators and consumers that assign their partitions themselves: nobody else may use the group.
    if (generation < 0 && this.#state === 'Empty') return
    if (generation >= 0 || memberId !== '' || groupInstanceId !== null) {
      this.ensureMember(memberId, groupInstanceId)
      if (generation !== this.generation) throw new KafkaError(ErrorCode.ILLEGAL_GENERATION)
    } else if (!isTransactional && this.#state !== 'Empty') {
      throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
    }
    if (!isTransactional && this.#state === 'CompletingRebalance') throw new KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)
  }

  committedBy(caller: OffsetCaller): void {
    if (this.#state !== 'Stable' && this.#state !== 'PreparingRebalance') return
    const member = this.#members.get(caller.memberId)
    if (member !== undefined) this.renewSession(member)
  }

  /** A member shows that it lives. */
  renewSession(member: ClassicMember, timeoutMs: number = member.terms.sessionTimeoutMs): void {
    this.#world.timers.set(member.sessionKey, timeoutMs, member.expired)
  }

  ensureMayFetch(): void {
    this.#ensureAlive()
  }

  ensureMayBeDeleted(): void {
    this.#ensureAlive()
    if (this.#state !== 'Empty') throw new KafkaError(ErrorCode.NON_EMPTY_GROUP)
  }

  ensureOffsetsMayBeDeleted(): void {
    this.#ensureAlive()
    if (this.#state !== 'Empty' && this.protocolType !== CONSUMER_PROTOCOL_TYPE) throw new KafkaError(ErrorCode.NON_EMPTY_GROUP)
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics === null ? this.protocolType === CONSUMER_PROTOCOL_TYPE : this.subscribedTopics.has(topic)
  }

  tombstones(): readonly CoordinatorRecord[] {
    return [recordOf(groupMetadataRecord, { key: { group: this.groupId }, value: null })]
  }

  unusedSinceMs(commitTimestampMs: number): number | null {
    if (this.protocolType === '') return commitTimestampMs
    if (this.#state === 'Empty') return this.#stateSinceMs ?? commitTimestampMs
    const knowsTopics = this.protocolType === CONSUMER_PROTOCOL_TYPE && this.subscribedTopics !== null
    return knowsTopics && this.#state === 'Stable' ? commitTimestampMs : null
  }

  get mayExpire(): boolean {
    return true
  }

  #ensureAlive(): void {
    if (this.#state === 'Dead') throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${this.groupId} is in dead state.`)
  }
}

const identityOf = ({ memberId, groupInstanceId, clientId, clientHost, protocolType }: ClassicMember): MemberIdentity => ({
  memberId,
  groupInstanceId,
  clientId,
  clientHost,
  protocolType,
})

const unknownMember = (): never => {
  throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
}
