// The groups of one partition of __consumer_offsets: who takes which request (class GroupCoordinatorShard), and which record changes what.
// Records of share groups and streams groups, which a Kafka broker may have left, are known and passed over.

import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponseInit,
  HeartbeatRequest,
  HeartbeatResponseInit,
  JoinGroupRequest,
  JoinGroupResponseInit,
  LeaveGroupRequest,
  LeaveGroupResponseInit,
  SyncGroupRequest,
  SyncGroupResponseInit,
} from '@ottla/protocol'
import { groupMetadataRecord, legacyOffsetCommitRecord, offsetCommitRecord } from '@ottla/protocol'
import type { Decision } from '../decision.ts'
import type { CoordinatorRecord } from '../record.ts'
import type { CoordinatorState, TransactionalProducer } from '../state.ts'
import { GroupAdministration } from './administration.ts'
import { ClassicGroup } from './classic/classic-group.ts'
import { ClassicRequests } from './classic/classic-requests.ts'
import { ConsumerGroup } from './consumer/consumer-group.ts'
import { ConsumerRequests } from './consumer/consumer-requests.ts'
import type { Group, Groups } from './group.ts'
import { type DeletedTopic, OffsetRequests } from './offsets/index.ts'
import type { Caller, GroupWorld } from './world.ts'

/** What requests may ask of the groups of a partition. Requests that classic groups and consumer groups both know go to what the group is. */
export interface GroupPartition {
  join(request: JoinGroupRequest, caller: Caller): Decision<JoinGroupResponseInit>
  sync(request: SyncGroupRequest, caller: Caller): Decision<SyncGroupResponseInit>
  heartbeat(request: HeartbeatRequest): Decision<HeartbeatResponseInit>
  leave(request: LeaveGroupRequest, caller: Caller): Decision<LeaveGroupResponseInit>
  consumerHeartbeat(request: ConsumerGroupHeartbeatRequest, caller: Caller): Decision<ConsumerGroupHeartbeatResponseInit>
  readonly offsets: Pick<OffsetRequests, 'commit' | 'commitTransactional' | 'fetch' | 'deleteOffsets'>
  readonly administration: Pick<GroupAdministration, 'list' | 'describeClassic' | 'describeConsumer' | 'delete'>
}

/** See the top of the file. */
export class GroupPartitionState implements GroupPartition, CoordinatorState {
  readonly classic: ClassicRequests
  readonly consumer: ConsumerRequests
  readonly offsets: OffsetRequests
  readonly administration: GroupAdministration
  readonly #groups: Groups = new Map()

  constructor(world: GroupWorld) {
    const groups = this.#groups
    this.classic = new ClassicRequests(world, groups)
    this.consumer = new ConsumerRequests(world, groups, this.classic)
    this.offsets = new OffsetRequests(world, groups, groupId => new ClassicGroup(world, groupId))
    this.administration = new GroupAdministration(world, {
      groups,
      offsets: this.offsets,
      describeClassic: group => (group instanceof ClassicGroup ? this.classic.describe(group) : undefined),
      describeConsumer: group => (group instanceof ConsumerGroup ? this.consumer.describe(group) : undefined),
    })
  }

  /** All groups, for reading only. */
  get groups(): ReadonlyMap<string, Group> {
    return this.#groups
  }

  join(request: JoinGroupRequest, caller: Caller): Decision<JoinGroupResponseInit> {
    const group = this.#groups.get(request.groupId)
    // An empty consumer group becomes a classic one.
    const isConsumers = group instanceof ConsumerGroup && group.memberCount > 0
    return isConsumers ? this.consumer.classicJoin(group, request, caller) : this.classic.join(request, caller)
  }

  sync(request: SyncGroupRequest, caller: Caller): Decision<SyncGroupResponseInit> {
    const group = this.#groups.get(request.groupId)
    return group instanceof ConsumerGroup ? this.consumer.classicSync(group, request, caller) : this.classic.sync(request, caller)
  }

  heartbeat(request: HeartbeatRequest): Decision<HeartbeatResponseInit> {
    const group = this.#groups.get(request.groupId)
    return group instanceof ConsumerGroup ? this.consumer.classicHeartbeat(group, request) : this.classic.heartbeat(request)
  }

  leave(request: LeaveGroupRequest, caller: Caller): Decision<LeaveGroupResponseInit> {
    const group = this.#groups.get(request.groupId)
    return group instanceof ConsumerGroup ? this.consumer.classicLeave(group, request, caller) : this.classic.leave(request, caller)
  }

  consumerHeartbeat(request: ConsumerGroupHeartbeatRequest, caller: Caller): Decision<ConsumerGroupHeartbeatResponseInit> {
    return this.consumer.heartbeat(request, caller)
  }

  /** Topics were created, deleted, or have other partitions. */
  topicsChanged(names: Iterable<string>): void {
    this.consumer.topicsChanged(names)
  }

  /** Topics are gone, and what was committed for them. */
  topicsDeleted(topics: Iterable<DeletedTopic>): Decision<void> {
    return this.offsets.topicsDeleted(topics)
  }

  replay(record: CoordinatorRecord, offset: number, producer: TransactionalProducer | null): void {
    switch (record.type) {
      case offsetCommitRecord:
      case legacyOffsetCommitRecord:
        this.offsets.replay(record, offset, producer)
        return
      case groupMetadataRecord:
        this.classic.replay(record)
        return
      default:
        this.consumer.replay(record)
    }
  }

  endTransaction(producer: TransactionalProducer, committed: boolean): void {
    this.offsets.endTransaction(producer, committed)
  }

  loaded(): void {
    this.classic.loaded()
    this.consumer.loaded()
    this.offsets.loaded()
  }

  unloaded(errorCode: number): void {
    this.classic.unloaded(errorCode)
  }
}
