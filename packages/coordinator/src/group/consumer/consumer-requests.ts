// The consumer groups of one coordinator partition: takes requests, records, and news of topics (KIP-848; the part of GroupMetadataManager that is
// about consumer groups). The verbs are in the files beside this one.

import {
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponseInit,
  ErrorCode,
  type HeartbeatRequest,
  type HeartbeatResponseInit,
  type JoinGroupRequest,
  type JoinGroupResponseInit,
  KafkaError,
  type LeaveGroupRequest,
  type LeaveGroupResponseInit,
  type SyncGroupRequest,
  type SyncGroupResponseInit,
} from '@ottla/protocol'
import { answered, type Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import { ClassicGroup } from '../classic/classic-group.ts'
import { joinRefusal } from '../classic/join.ts'
import { syncRefusal } from '../classic/sync.ts'
import { inVersion, joinError, syncError } from '../classic/waiting.ts'
import type { Group, Groups } from '../group.ts'
import type { Caller, GroupWorld } from '../world.ts'
import { classicJoin } from './classic-join.ts'
import { classicHeartbeat, classicLeave, classicSync } from './classic-membership.ts'
import { ConsumerGroup, isConsumerGroup } from './consumer-group.ts'
import { type DescribedConsumerGroup, describe } from './describe.ts'
import { type Addressed, heartbeat } from './heartbeat.ts'
import { codeOf, fenceLate, leave } from './leaving.ts'
import { MemberState } from './member.ts'
import { MemberTimers } from './member-timers.ts'
import { PatternResolution } from './pattern-resolution.ts'
import { Rebalances } from './rebalances.ts'
import { replay } from './replay.ts'
import { ensureValid } from './request-checks.ts'
import type { ClassicGroups, Scope } from './scope.ts'
import { SubscribedTopics } from './subscribed-topics.ts'
import { TopicIds } from './topic-ids.ts'
import { upgrade, watchClassicMembers } from './upgrade.ts'

/** See the top of the file. */
export class ConsumerRequests {
  readonly #scope: Scope

  /** Without `classic` groups do not change their kind, but for empty ones. */
  constructor(world: GroupWorld, groups: Groups, classic: ClassicGroups | null = null) {
    const subscribed = new SubscribedTopics(world.topics)
    const rebalances = new Rebalances(world)
    const scope: Scope = {
      world,
      groups,
      subscribed,
      rebalances,
      classic,
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
    const group = this.#scope.groups.get(request.groupId)
    if (request.memberEpoch === 0 && group instanceof ClassicGroup && group.state !== 'Empty') return this.#upgraded(group, request, caller)
    return heartbeat(this.#scope, this.#addressed(group, request), { request, caller })
  }

  /** JoinGroup of a classic member to a consumer group that has members; to an empty one it is for `ClassicRequests`. */
  classicJoin(group: ConsumerGroup, request: JoinGroupRequest, caller: Caller): Decision<JoinGroupResponseInit> {
    const refusal = joinRefusal(this.#scope.world, request)
    if (refusal !== null) return answered(inVersion(refusal, caller.apiVersion))
    return orRefused(
      () => classicJoin(this.#scope, group, { request, caller }),
      code => inVersion(joinError(code, ''), caller.apiVersion),
    )
  }

  /** SyncGroup of a classic member of a consumer group. */
  classicSync(group: ConsumerGroup, request: SyncGroupRequest, caller: Caller): Decision<SyncGroupResponseInit> {
    const refusal = syncRefusal(request, caller)
    return refusal === null ? orRefused(() => classicSync(this.#scope, group, request), syncError) : answered(refusal)
  }

  /** Heartbeat of a classic member of a consumer group. */
  classicHeartbeat(group: ConsumerGroup, request: HeartbeatRequest): Decision<HeartbeatResponseInit> {
    return orRefused(
      () => classicHeartbeat(this.#scope, group, request),
      errorCode => ({ errorCode }),
    )
  }

  /** LeaveGroup, for members of a consumer group. */
  classicLeave(group: ConsumerGroup, request: LeaveGroupRequest, caller: Caller): Decision<LeaveGroupResponseInit> {
    return orRefused(
      () => classicLeave(this.#scope, group, { request, caller }),
      errorCode => ({ errorCode, members: [] }),
    )
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

  #addressed(group: Group | undefined, { groupId, memberEpoch }: ConsumerGroupHeartbeatRequest): Addressed {
    if (isConsumerGroup(group)) return { group, records: [] }
    // Nothing keeps an empty group of another kind from becoming a consumer group.
    if (memberEpoch === 0 && (group === undefined || group.state === 'Empty'))
      return { group: new ConsumerGroup(groupId, this.#scope.subscribed), records: group?.tombstones() ?? [] }
    const message = group === undefined ? `Consumer group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`
    throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, message)
  }

  #upgraded(classic: ClassicGroup, request: ConsumerGroupHeartbeatRequest, caller: Caller): Decision<ConsumerGroupHeartbeatResponseInit> {
    const scope = this.#scope
    const upgraded = upgrade(scope, classic)
    const decision = heartbeat(scope, upgraded, { request, caller })
    // It is certain only now that there is something to be written: who waits is told to join again.
    scope.classic?.release(classic)
    watchClassicMembers(scope, upgraded.group)
    scope.world.logger.info({ groupId: classic.groupId, generation: classic.generation }, 'a classic group becomes a consumer group')
    return {
      ...decision,
      settled: error => {
        if (error !== null && scope.groups.get(classic.groupId) === classic) scope.classic?.adopt(classic, null)
      },
    }
  }
}

/** A decision, or the answer for the error by which it was refused. */
const orRefused = <R>(decide: () => Decision<R>, refused: (errorCode: number) => R): Decision<R> => {
  try {
    return decide()
  } catch (error) {
    return answered(refused(codeOf(error)))
  }
}
