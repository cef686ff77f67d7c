// The consumer groups of one coordinator partition: takes requests, records, and news of topics (KIP-848; the part of GroupMetadataManager that is
// about consumer groups). The verbs are in the files beside this one.

import { type ConsumerGroupHeartbeatRequest, type ConsumerGroupHeartbeatResponseInit, ErrorCode, KafkaError } from '@ottla/protocol'
import type { Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import type { Groups } from '../group.ts'
import type { Caller, GroupWorld } from '../world.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { type DescribedConsumerGroup, describe } from './describe.ts'
import { type Addressed, heartbeat } from './heartbeat.ts'
import { fenceLate, leave } from './leaving.ts'
import { MemberState } from './member.ts'
import { MemberTimers } from './member-timers.ts'
import { PatternResolution } from './pattern-resolution.ts'
import { Rebalances } from './rebalances.ts'
import { replay } from './replay.ts'
import { ensureValid } from './request-checks.ts'
import { isConsumerGroup, type Scope } from './scope.ts'
import { SubscribedTopics } from './subscribed-topics.ts'
import { TopicIds } from './topic-ids.ts'

/** See the top of the file. */
export class ConsumerRequests {
  readonly #scope: Scope

  constructor(world: GroupWorld, groups: Groups) {
    const subscribed = new SubscribedTopics(world.topics)
    const rebalances = new Rebalances(world)
    const scope: Scope = {
      world,
      groups,
      subscribed,
      rebalances,
      topicIds: new TopicIds(world.topics),
      timers: new MemberTimers(world.timers, late => fenceLate(scope, late)),
      patterns: new PatternResolution(world, groups, { subscribed, rebalances }),
    }
    this.#scope = scope
  }

  /**
   * Joins, stays and leaves.
   * @throws KafkaError INVALID_REQUEST, UNSUPPORTED_ASSIGNOR, GROUP_ID_NOT_FOUND, GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID,
   * FENCED_MEMBER_EPOCH, FENCED_INSTANCE_ID, UNRELEASED_INSTANCE_ID, INVALID_REGULAR_EXPRESSION
   */
  heartbeat(request: ConsumerGroupHeartbeatRequest, caller: Caller): Decision<ConsumerGroupHeartbeatResponseInit> {
    ensureValid(request, caller.apiVersion, this.#scope.world.settings)
    if (request.memberEpoch < 0) return leave(this.#scope, request)
    return heartbeat(this.#scope, this.#addressed(request.groupId, request.memberEpoch === 0), { request, caller })
  }

  /** A group as ConsumerGroupDescribe shows it. */
  describe(group: ConsumerGroup): DescribedConsumerGroup {
    const { topics, settings } = this.#scope.world
    return describe(group, topics, settings)
  }

  /** Takes a record; those of other kinds are passed over. */
  replay(record: CoordinatorRecord): void {
    replay(this.#scope, record)
  }

  /** All records are replayed: members have their whole session time from now on. */
  loaded(): void {
    const { groups, timers, rebalances, world } = this.#scope
    for (const group of groups.values()) {
      if (!isConsumerGroup(group)) continue
      const sessionMs = world.settings.consumerSessionTimeoutMs(group.groupId)
      for (const member of group.members.values()) {
        timers.session(group.groupId, member.memberId, sessionMs)
        if (member.state === MemberState.UNREVOKED_PARTITIONS) timers.rebalance(group.groupId, member)
      }
      const { state } = group
      if (state === 'Assigning' || state === 'Reconciling') rebalances.loaded(group.groupId, group.groupEpoch)
    }
  }

  /** Topics were created, deleted, or have other partitions or racks: groups look at them again with their next heartbeat. */
  topicsChanged(names: Iterable<string>): void {
    const { groups, subscribed, patterns } = this.#scope
    const changed = [...names]
    for (const name of changed) {
      for (const groupId of subscribed.changed(name)) {
        const group = groups.get(groupId)
        if (isConsumerGroup(group)) group.metadataRefresh = { deadlineMs: 0, epoch: 0 }
      }
    }
    patterns.topicsChanged(changed)
  }

  #addressed(groupId: string, joins: boolean): Addressed {
    const { groups, subscribed } = this.#scope
    const group = groups.get(groupId)
    if (isConsumerGroup(group)) return { group, records: [] }
    if (!joins)
      throw new KafkaError(
        ErrorCode.GROUP_ID_NOT_FOUND,
        group === undefined ? `Consumer group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`,
      )
    // Nothing keeps an empty group of another kind from becoming a consumer group.
    if (group === undefined || group.state === 'Empty')
      return { group: new ConsumerGroup(groupId, subscribed), records: group?.tombstones() ?? [] }
    throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`)
  }
}
