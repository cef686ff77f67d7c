// The groups of one partition of __consumer_offsets: who takes which request (class GroupCoordinatorShard), and which record changes what.

import type {
  ConsumerGroupDescribeResponseInit,
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponseInit,
  DeleteGroupsResponseInit,
  DescribeGroupsResponseInit,
  HeartbeatRequest,
  HeartbeatResponseInit,
  JoinGroupRequest,
  JoinGroupResponseInit,
  LeaveGroupRequest,
  LeaveGroupResponseInit,
  ListGroupsRequest,
  ListGroupsResponseInit,
  OffsetCommitRequest,
  OffsetCommitResponseInit,
  OffsetDeleteRequest,
  OffsetDeleteResponseInit,
  OffsetFetchRequest,
  OffsetFetchResponseInit,
  SyncGroupRequest,
  SyncGroupResponseInit,
} from '@ottla/protocol'
import type { Decision } from '../decision.ts'
import type { Caller } from './world.ts'

/** Requests that classic groups and consumer groups both know, sent to the one that the group is. */
export interface MembershipRequests {
  join(request: JoinGroupRequest, caller: Caller): Decision<JoinGroupResponseInit>
  sync(request: SyncGroupRequest, caller: Caller): Decision<SyncGroupResponseInit>
  heartbeat(request: HeartbeatRequest, caller: Caller): Decision<HeartbeatResponseInit>
  leave(request: LeaveGroupRequest, caller: Caller): Decision<LeaveGroupResponseInit>
  consumerHeartbeat(request: ConsumerGroupHeartbeatRequest, caller: Caller): Decision<ConsumerGroupHeartbeatResponseInit>
}

/** What a partition of groups takes requests with. */
export interface GroupPartition extends MembershipRequests {
  readonly offsets: {
    commit(request: OffsetCommitRequest, caller: Caller): Decision<OffsetCommitResponseInit>
    fetch(
      group: OffsetFetchRequest['groups'][number],
      caller: Caller,
      requireStable: boolean,
    ): Decision<NonNullable<OffsetFetchResponseInit['groups']>[number]>
    deleteOffsets(request: OffsetDeleteRequest, caller: Caller): Decision<OffsetDeleteResponseInit>
  }
  readonly administration: {
    list(filters: ListGroupsRequest): Decision<ListGroupsResponseInit['groups']>
    describeClassic(groupIds: readonly string[]): Decision<DescribeGroupsResponseInit['groups']>
    describeConsumer(groupIds: readonly string[]): Decision<ConsumerGroupDescribeResponseInit['groups']>
    delete(groupIds: readonly string[]): Decision<DeleteGroupsResponseInit['results']>
  }
}
