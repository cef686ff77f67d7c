// The records of consumer groups in __consumer_offsets (class GroupCoordinatorRecordHelpers), types 3 to 8 and 16. Kafka writes all of them in
// version 0. Topic names are sorted; partitions lie in the order in which they were assigned.

import {
  consumerGroupCurrentMemberAssignmentRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupPartitionMetadataRecord,
  consumerGroupRegularExpressionRecord,
  consumerGroupTargetAssignmentMemberRecord,
  consumerGroupTargetAssignmentMetadataRecord,
} from '@ottla/protocol'
import type { PartitionsByTopic } from '../../assignors/index.ts'
import { type CoordinatorRecord, recordOf } from '../../record.ts'
import { listed, type OwnedPartitions } from './assignment.ts'
import type { ConsumerGroupMember } from './member.ts'

/** Topics that a pattern matched, as of a revision of the metadata. */
export interface ResolvedPattern {
  readonly topics: ReadonlySet<string>
  readonly version: number
  /** Wall clock, in ms. */
  readonly timestampMs: number
}

/** What a member says of itself. */
export const memberRecord = (groupId: string, member: ConsumerGroupMember): CoordinatorRecord =>
  recordOf(consumerGroupMemberMetadataRecord, {
    key: { groupId, memberId: member.memberId },
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...member.subscribedTopicNames].toSorted(),
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata:
        member.classic === null
          ? null
          : {
              sessionTimeoutMs: member.classic.sessionTimeoutMs,
              supportedProtocols: member.classic.supportedProtocols.map(({ name, metadata }) => ({ name, metadata })),
            },
    },
  })

/** The member is gone. */
export const memberTombstone = (groupId: string, memberId: string): CoordinatorRecord =>
  recordOf(consumerGroupMemberMetadataRecord, { key: { groupId, memberId }, value: null })

/** The group's epoch, and a hash over the topics that it was made for. */
export const epochRecord = (groupId: string, epoch: number, metadataHash: number): CoordinatorRecord =>
  recordOf(consumerGroupMetadataRecord, { key: { groupId }, value: { epoch, metadataHash } })

/** The group is gone. */
export const epochTombstone = (groupId: string): CoordinatorRecord =>
  recordOf(consumerGroupMetadataRecord, { key: { groupId }, value: null })

/** Takes back what Kafka wrote before 4.1. */
export const partitionMetadataTombstone = (groupId: string): CoordinatorRecord =>
  recordOf(consumerGroupPartitionMetadataRecord, { key: { groupId }, value: null })

/** What a member should have. */
export const targetRecord = (groupId: string, memberId: string, partitions: PartitionsByTopic): CoordinatorRecord =>
  recordOf(consumerGroupTargetAssignmentMemberRecord, { key: { groupId, memberId }, value: { topicPartitions: listed(partitions) } })

/** The member should have nothing, as it is gone. */
export const targetTombstone = (groupId: string, memberId: string): CoordinatorRecord =>
  recordOf(consumerGroupTargetAssignmentMemberRecord, { key: { groupId, memberId }, value: null })

/** The group epoch for which the target assignment was made, and when. */
export const targetEpochRecord = (groupId: string, assignmentEpoch: number, assignmentTimestamp: number): CoordinatorRecord =>
  recordOf(consumerGroupTargetAssignmentMetadataRecord, { key: { groupId }, value: { assignmentEpoch, assignmentTimestamp } })

/** There is no target assignment any more. */
export const targetEpochTombstone = (groupId: string): CoordinatorRecord =>
  recordOf(consumerGroupTargetAssignmentMetadataRecord, { key: { groupId }, value: null })

/** What a member has. */
export const currentRecord = (groupId: string, member: ConsumerGroupMember): CoordinatorRecord =>
  recordOf(consumerGroupCurrentMemberAssignmentRecord, {
    key: { groupId, memberId: member.memberId },
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      state: member.state,
      assignedPartitions: withEpochs(member.assignedPartitions),
      partitionsPendingRevocation: withEpochs(member.partitionsPendingRevocation),
    },
  })

const withEpochs = (owned: OwnedPartitions) =>
  Array.from(owned, ([topicId, epochs]) => ({ topicId, partitions: [...epochs.keys()], assignmentEpochs: [...epochs.values()] }))

/** The member has nothing any more. */
export const currentTombstone = (groupId: string, memberId: string): CoordinatorRecord =>
  recordOf(consumerGroupCurrentMemberAssignmentRecord, { key: { groupId, memberId }, value: null })

/** Topics that a pattern of the group matched. */
export const patternRecord = (groupId: string, regularExpression: string, resolved: ResolvedPattern): CoordinatorRecord =>
  recordOf(consumerGroupRegularExpressionRecord, {
    key: { groupId, regularExpression },
    value: { topics: [...resolved.topics].toSorted(), version: resolved.version, timestamp: resolved.timestampMs },
  })

/** Nobody in the group subscribes to the pattern any more. */
export const patternTombstone = (groupId: string, regularExpression: string): CoordinatorRecord =>
  recordOf(consumerGroupRegularExpressionRecord, { key: { groupId, regularExpression }, value: null })

/** A member is gone: three tombstones in Kafka's order. */
export const removalOf = (groupId: string, memberId: string): CoordinatorRecord[] => [
  currentTombstone(groupId, memberId),
  targetTombstone(groupId, memberId),
  memberTombstone(groupId, memberId),
]
