// A consumer group of KIP-848 (classes ModernGroup and ConsumerGroup): the state that its records say, and what is counted along with it so
// that no request has to look through all members or partitions. Only `replay.ts` and conversions change it.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { PartitionsByTopic } from '../../assignors/index.ts'
import type { CoordinatorRecord } from '../../record.ts'
import type { Group, GroupState, OffsetCaller } from '../group.ts'
import { NO_TARGET, sameSet } from './assignment.ts'
import { type ConsumerGroupMember, MemberState, patternOf } from './member.ts'
import { ensureMayCommit, ensureMayFetch } from './offset-rules.ts'
import { PartitionOwners } from './partition-owners.ts'
import type { ResolvedPattern } from './records.ts'
import { count, type SubscribedTopics, type SubscriptionCount, type SubscriptionCounts, tally } from './subscribed-topics.ts'
import { tombstonesOf } from './tombstones.ts'

const oneMore = { names: 1 } as const
const oneLess = { names: -1 } as const

/** A consumer group. */
export class ConsumerGroup implements Group {
  readonly kind = 'consumer'
  readonly protocolType = 'consumer'
  readonly groupId: string

  /** Goes up with every change that needs another target assignment. */
  groupEpoch = 1
  /** Hash over the topics that the group epoch was made for. */
  metadataHash = 0
  /** The group epoch that the target assignment was made for; -1 once the assignment is deleted. */
  assignmentEpoch = 1
  /** Wall clock; 0 for not known. */
  assignmentTimestampMs = 0
  /** Whether a record from before Kafka 4.1 is to be deleted with the next change. */
  hasPartitionMetadataRecord = false

  /** Not in any record: until when the topics need not be looked at again, and the group epoch for which this was said. */
  metadataRefresh: { readonly deadlineMs: number; readonly epoch: number } = { deadlineMs: 0, epoch: 0 }
  /** Not in any record: whether topics appeared that the patterns may match; null when nobody looked since the group was loaded. */
  hasStalePatterns: boolean | null = null
  /** Not in any record: when the topics of the patterns could not be written down. */
  patternsFailedAtMs = Number.NEGATIVE_INFINITY

  readonly #topics: SubscribedTopics
  readonly #members = new Map<string, ConsumerGroupMember>()
  readonly #staticMembers = new Map<string, string>()
  readonly #targets = new Map<string, PartitionsByTopic>()
  readonly #targetOwners = new PartitionOwners()
  readonly #owners = new PartitionOwners()
  readonly #subscriptions = new Map<string, SubscriptionCount>()
  readonly #patterns = new Map<string, number>()
  readonly #resolved = new Map<string, ResolvedPattern>()
  readonly #assignorVotes = new Map<string, number>()
  readonly #classicProtocols = new Map<string, number>()
  #classicMemberCount = 0
  /** Members that have all that they should have at their epoch, by that epoch. */
  readonly #settled = new Map<number, number>()
  /** Names that the last member subscribed to: members with the same names share one set. */
  #sharedNames: ReadonlySet<string> = new Set()

  constructor(groupId: string, topics: SubscribedTopics) {
    this.groupId = groupId
    this.#topics = topics
  }

  get state(): GroupState {
    if (this.#members.size === 0) return 'Empty'
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning'
    return (this.#settled.get(this.assignmentEpoch) ?? 0) === this.#members.size ? 'Stable' : 'Reconciling'
  }

  get memberCount(): number {
    return this.#members.size
  }
  get members(): ReadonlyMap<string, ConsumerGroupMember> {
    return this.#members
  }
  /** Member ids by instance id. */
  get staticMembers(): ReadonlyMap<string, string> {
    return this.#staticMembers
  }
  /** What each member should have. */
  get targets(): ReadonlyMap<string, PartitionsByTopic> {
    return this.#targets
  }
  get subscriptions(): SubscriptionCounts {
    return this.#subscriptions
  }
  /** Patterns by the number of members that subscribe to them. */
  get patterns(): ReadonlyMap<string, number> {
    return this.#patterns
  }
  get resolved(): ReadonlyMap<string, ResolvedPattern> {
    return this.#resolved
  }
  /** Members that ask for an assignor, by its name. */
  get assignorVotes(): ReadonlyMap<string, number> {
    return this.#assignorVotes
  }
  get classicMemberCount(): number {
    return this.#classicMemberCount
  }
  /** Members of the classic protocol that can use a client-side assignor, by its name. */
  get classicProtocols(): ReadonlyMap<string, number> {
    return this.#classicProtocols
  }

  /** @throws KafkaError UNKNOWN_MEMBER_ID */
  memberOf(memberId: string): ConsumerGroupMember {
    const member = this.#members.get(memberId)
    if (member === undefined)
      throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${this.groupId}.`)
    return member
  }

  /** The static member with this instance id. */
  staticMember(instanceId: string): ConsumerGroupMember | undefined {
    const memberId = this.#staticMembers.get(instanceId)
    return memberId === undefined ? undefined : this.#members.get(memberId)
  }

  /** What a member should have. A static member gets what the one had that it replaces. */
  targetOf(member: ConsumerGroupMember): PartitionsByTopic {
    const memberId = member.instanceId === null ? member.memberId : this.#staticMembers.get(member.instanceId)
    return (memberId === undefined ? undefined : this.#targets.get(memberId)) ?? NO_TARGET
  }

  /** Whether any member should have the partition. */
  isTargeted(topicId: string, partition: number): boolean {
    return this.#targetOwners.ownerOf(topicId, partition) !== undefined
  }

  /** The member that has the partition, or has not said yet that it gave it up. */
  ownerOf(topicId: string, partition: number): string | undefined {
    return this.#owners.ownerOf(topicId, partition)
  }

  /** Puts a member in the place of what was known of it. */
  update(changed: ConsumerGroupMember): void {
    const before = this.#members.get(changed.memberId)
    const member = this.#shareNames(changed, before)
    this.#members.set(member.memberId, member)
    this.#countMember(before, member)
    if (
      before?.assignedPartitions !== member.assignedPartitions ||
      before.partitionsPendingRevocation !== member.partitionsPendingRevocation
    )
      this.#own(before, member)
    if (member.instanceId !== null) this.#staticMembers.set(member.instanceId, member.memberId)
  }

  /** Forgets a member. */
  remove(memberId: string): void {
    const before = this.#members.get(memberId)
    if (before === undefined) return
    this.#members.delete(memberId)
    this.#countMember(before, undefined)
    this.#own(before, undefined)
    if (before.instanceId !== null && this.#staticMembers.get(before.instanceId) === memberId) this.#staticMembers.delete(before.instanceId)
  }

  /** Sets what a member should have; null when it is gone. */
  setTarget(memberId: string, partitions: PartitionsByTopic | null): void {
    this.#targetOwners.remove(memberId, this.#targets.get(memberId) ?? NO_TARGET)
    if (partitions === null) {
      this.#targets.delete(memberId)
      return
    }
    this.#targets.set(memberId, partitions)
    this.#targetOwners.add(memberId, partitions)
  }

  /** Sets the topics that a pattern matches; null when nobody subscribes to it any more. */
  setResolved(pattern: string, resolved: ResolvedPattern | null): void {
    for (const topic of this.#resolved.get(pattern)?.topics ?? []) this.#subscribe(topic, { patterns: -1 })
    this.#resolved.delete(pattern)
    if (resolved === null) return
    this.#resolved.set(pattern, resolved)
    for (const topic of resolved.topics) this.#subscribe(topic, { patterns: 1 })
  }

  /** The group is gone: nobody has to tell it of topics any more. */
  dispose(): void {
    for (const topic of this.#subscriptions.keys()) this.#topics.remove(topic, this.groupId)
    this.#subscriptions.clear()
  }

  ensureMayCommit(caller: OffsetCaller, isTransactional: boolean): void {
    ensureMayCommit(this, caller, isTransactional)
  }
  committedBy(): void {
    // Members of consumer groups live by their heartbeats alone.
  }
  ensureMayFetch(memberId: string, memberEpoch: number): void {
    ensureMayFetch(this, memberId, memberEpoch)
  }
  ensureMayBeDeleted(): void {
    if (this.#members.size > 0) throw new KafkaError(ErrorCode.NON_EMPTY_GROUP)
  }
  ensureOffsetsMayBeDeleted(): void {
    // Always: `isSubscribedTo` tells which are in use.
  }
  isSubscribedTo(topic: string): boolean {
    return this.#subscriptions.has(topic)
  }
  tombstones(): readonly CoordinatorRecord[] {
    return tombstonesOf(this)
  }
  unusedSinceMs(commitTimestampMs: number): number {
    return commitTimestampMs
  }
  get mayExpire(): boolean {
    return this.#members.size === 0
  }

  #shareNames(member: ConsumerGroupMember, before: ConsumerGroupMember | undefined): ConsumerGroupMember {
    const names = member.subscribedTopicNames
    if (names === before?.subscribedTopicNames || names === this.#sharedNames) return member
    if (before !== undefined && sameSet(names, before.subscribedTopicNames))
      return { ...member, subscribedTopicNames: before.subscribedTopicNames }
    if (sameSet(names, this.#sharedNames)) return { ...member, subscribedTopicNames: this.#sharedNames }
    this.#sharedNames = names
    return member
  }

  #countMember(before: ConsumerGroupMember | undefined, after: ConsumerGroupMember | undefined): void {
    if (before?.subscribedTopicNames !== after?.subscribedTopicNames) {
      const [then, now] = [before?.subscribedTopicNames, after?.subscribedTopicNames]
      for (const topic of now ?? []) if (!then?.has(topic)) this.#subscribe(topic, oneMore)
      for (const topic of then ?? []) if (!now?.has(topic)) this.#subscribe(topic, oneLess)
    }
    for (const [member, added] of [
      [before, -1],
      [after, 1],
    ] as const) {
      if (member === undefined) continue
      const pattern = patternOf(member)
      if (pattern !== null) tally(this.#patterns, pattern, added)
      if (member.serverAssignor !== null) tally(this.#assignorVotes, member.serverAssignor, added)
      if (member.state === MemberState.STABLE) this.#settle(member.memberEpoch, added)
      if (member.classic === null) continue
      this.#classicMemberCount += added
      for (const { name } of member.classic.supportedProtocols) tally(this.#classicProtocols, name, added)
    }
  }

  #settle(epoch: number, added: number): void {
    const now = (this.#settled.get(epoch) ?? 0) + added
    if (now <= 0) this.#settled.delete(epoch)
    else this.#settled.set(epoch, now)
  }

  #subscribe(topic: string, added: Partial<SubscriptionCount>): void {
    const wasSubscribed = this.#subscriptions.has(topic)
    const isSubscribed = count(this.#subscriptions, topic, added)
    if (isSubscribed && !wasSubscribed) this.#topics.add(topic, this.groupId)
    else if (wasSubscribed && !isSubscribed) this.#topics.remove(topic, this.groupId)
  }

  #own(before: ConsumerGroupMember | undefined, after: ConsumerGroupMember | undefined): void {
    if (before !== undefined) {
      this.#owners.remove(before.memberId, before.assignedPartitions)
      this.#owners.remove(before.memberId, before.partitionsPendingRevocation)
    }
    if (after !== undefined) {
      this.#owners.add(after.memberId, after.assignedPartitions)
      this.#owners.add(after.memberId, after.partitionsPendingRevocation)
    }
  }
}

/** Whether a group is one of KIP-848. */
export const isConsumerGroup = (group: Group | undefined): group is ConsumerGroup => group instanceof ConsumerGroup
