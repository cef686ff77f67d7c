// What a request of one member changes in its group, step by step: the member itself, the group epoch, the target assignment, and what the
// member has. Heartbeats of consumers and joins of classic members take the same steps (GroupMetadataManager, consumerGroupHeartbeat and
// classicGroupJoinToConsumerGroup). Nothing is changed here: the steps read the group and add records, in Kafka's order.

import type { CoordinatorRecord } from '../../record.ts'
import { sameSet, type TopicPartitions } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerGroupMember, isReconciledTo, MemberState, patternOf, sameMember } from './member.ts'
import type { Cause } from './rebalances.ts'
import { reconcile } from './reconciliation.ts'
import { ensureFewTopics } from './request-checks.ts'
import { currentRecord, epochRecord, memberRecord, partitionMetadataTombstone } from './records.ts'
import type { Scope } from './scope.ts'
import { count, isHomogeneous, type SubscriptionCount, tally } from './subscribed-topics.ts'
import { assign, mayAssign, type Target } from './target-assignment.ts'

/** Topics are looked at again when they change; else after 24 days, as in Kafka. */
const METADATA_REFRESH_INTERVAL_MS = 2 ** 31 - 1

/** What an update begins with. */
export interface UpdateStart {
  readonly group: ConsumerGroup
  /** The member as it was; for a static member that is replaced, already with its new id. */
  readonly before: ConsumerGroupMember
  readonly member: ConsumerGroupMember
  /** Why the group epoch goes up, if it does because of the member. */
  readonly cause: Cause
  /** What is to be written before. */
  readonly records: CoordinatorRecord[]
}

/** See the top of the file. */
export class MemberUpdate {
  readonly group: ConsumerGroup
  readonly before: ConsumerGroupMember
  readonly cause: Cause
  readonly records: CoordinatorRecord[]
  /** The member as it will be. */
  member: ConsumerGroupMember
  /** The group epoch as it will be. */
  groupEpoch: number
  readonly #scope: Scope
  #isHomogeneous: boolean | null = null

  constructor(scope: Scope, start: UpdateStart) {
    this.#scope = scope
    this.group = start.group
    this.before = start.before
    this.member = start.member
    this.cause = start.cause
    this.records = start.records
    this.groupEpoch = start.group.groupEpoch
  }

  /** Writes down what is new about the member. Returns whether it subscribes to other names. @throws KafkaError INVALID_REQUEST for too many. */
  recordMember(): boolean {
    if (sameMember(this.member, this.before)) return false
    const hasOtherNames = !sameSet(this.member.subscribedTopicNames, this.before.subscribedTopicNames)
    if (hasOtherNames) ensureFewTopics(this.group, this.member.subscribedTopicNames, this.before.subscribedTopicNames)
    this.records.push(memberRecord(this.group.groupId, this.member))
    return hasOtherNames
  }

  /** Raises the group epoch, if the member asks for it (`isChanged`), or the topics are others than they were. */
  updateMetadata(isChanged: boolean): void {
    const { group, records } = this
    const { world, subscribed, rebalances } = this.#scope
    const nowMs = world.clock.now()
    if (!isChanged && nowMs < group.metadataRefresh.deadlineMs && group.groupEpoch >= group.metadataRefresh.epoch) return
    const topics = this.#subscriptions()
    const metadataHash = subscribed.hashOf(topics.keys())
    if (isChanged || metadataHash !== group.metadataHash) {
      this.groupEpoch++
      records.push(epochRecord(group.groupId, this.groupEpoch, metadataHash))
      rebalances.began(group.groupId, this.groupEpoch, isChanged ? this.cause : topicsChanged)
      this.#isHomogeneous = isHomogeneous(topics, this.#patterns(), this.#memberCount())
    }
    group.metadataRefresh = { deadlineMs: nowMs + METADATA_REFRESH_INTERVAL_MS, epoch: this.groupEpoch }
    if (group.hasPartitionMetadataRecord) records.push(partitionMetadataTombstone(group.groupId))
  }

  /** Makes the target assignment anew, if the group has a newer epoch than it. */
  updateTarget(): Target {
    const { group, member, before, groupEpoch } = this
    const { world, topicIds } = this.#scope
    const nowMs = world.clock.now()
    const isCurrent = group.assignmentEpoch >= groupEpoch
    if (isCurrent || !mayAssign(group, world.settings.consumerAssignmentIntervalMs(group.groupId), nowMs))
      return { assignmentEpoch: group.assignmentEpoch, target: group.targetOf(member) }
    const homogeneous = this.#isHomogeneous ?? isHomogeneous(this.#subscriptions(), this.#patterns(), this.#memberCount())
    const { topics, settings } = world
    const result = assign(group, { groupEpoch, member, before, isHomogeneous: homogeneous }, { topics, settings, topicIds, nowMs })
    for (const record of result.records) this.records.push(record)
    world.logger.debug({ groupId: group.groupId, groupEpoch, assignor: result.assignor }, 'a new target assignment is made')
    return result
  }

  /** Brings the member a step closer to what it should have. */
  reconcile({ assignmentEpoch, target }: Target, reported: readonly TopicPartitions[] | null, hasSubscriptionChanged: boolean): void {
    const { group, member } = this
    if (!hasSubscriptionChanged && isReconciledTo(member, assignmentEpoch)) return
    const { topicIds, timers } = this.#scope
    const next = reconcile(member, {
      assignmentEpoch,
      target,
      hasSubscriptionChanged,
      reported,
      subscribedTopicIds: () => topicIds.subscribedBy(member, group.resolved),
      isOwned: (topicId, partition) => group.ownerOf(topicId, partition) !== undefined,
    })
    if (sameMember(next, member)) return
    this.member = next
    this.records.push(currentRecord(group.groupId, next))
    // Classic members have other timers: for joining and for syncing.
    if (next.classic !== null) return
    if (next.state === MemberState.UNREVOKED_PARTITIONS) timers.rebalance(group.groupId, next)
    else timers.rebalanced(group.groupId, next.memberId)
  }

  /** Subscriptions as they will be. */
  #subscriptions(): ReadonlyMap<string, SubscriptionCount> {
    const { group, before, member } = this
    const pattern = patternOf(before)
    const losesPattern = pattern !== null && pattern !== patternOf(member) && group.patterns.get(pattern) === 1
    const [then, now] = [before.subscribedTopicNames, member.subscribedTopicNames]
    if (then === now && !losesPattern) return group.subscriptions
    const topics = new Map(group.subscriptions)
    for (const topic of now) if (!then.has(topic)) count(topics, topic, { names: 1 })
    for (const topic of then) if (!now.has(topic)) count(topics, topic, { names: -1 })
    if (losesPattern) for (const topic of group.resolved.get(pattern)?.topics ?? []) count(topics, topic, { patterns: -1 })
    return topics
  }

  /** Patterns as they will be. */
  #patterns(): ReadonlyMap<string, number> {
    const before = patternOf(this.before)
    const after = patternOf(this.member)
    if (before === after) return this.group.patterns
    const patterns = new Map(this.group.patterns)
    if (before !== null) tally(patterns, before, -1)
    if (after !== null) tally(patterns, after, 1)
    return patterns
  }

  #memberCount(): number {
    const { group, member } = this
    const isKnown = group.members.has(member.memberId) || (member.instanceId !== null && group.staticMembers.has(member.instanceId))
    return isKnown ? group.memberCount : group.memberCount + 1
  }
}

/** Why a group's epoch goes up when no member did anything. */
export const topicsChanged: Cause = {
  reason: 'topics of the group were created, deleted or got other partitions',
  memberId: '',
  clientId: '',
}
