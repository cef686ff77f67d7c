// All stored and embedded messages as lists, for tools and tests.
import type { Message } from '../schema.ts'
import type { CoordinatorRecord } from './coordinator-record.ts'
import { consumerGroupCurrentMemberAssignmentRecord } from './consumer-group-current-member-assignment.ts'
import { consumerGroupMemberMetadataRecord } from './consumer-group-member-metadata.ts'
import { consumerGroupMetadataRecord } from './consumer-group-metadata.ts'
import { consumerGroupPartitionMetadataRecord } from './consumer-group-partition-metadata.ts'
import { consumerGroupRegularExpressionRecord } from './consumer-group-regular-expression.ts'
import { consumerGroupTargetAssignmentMemberRecord } from './consumer-group-target-assignment-member.ts'
import { consumerGroupTargetAssignmentMetadataRecord } from './consumer-group-target-assignment-metadata.ts'
import { consumerProtocolAssignment } from './consumer-protocol-assignment.ts'
import { consumerProtocolSubscription } from './consumer-protocol-subscription.ts'
import { controlRecordTypeSchema } from './control-record-type-schema.ts'
import { defaultPrincipalData } from './default-principal-data.ts'
import { endTxnMarker } from './end-txn-marker.ts'
import { groupMetadataRecord } from './group-metadata.ts'
import { kraftVersionRecord } from './k-raft-version-record.ts'
import { leaderChangeMessage } from './leader-change-message.ts'
import { legacyOffsetCommitRecord } from './legacy-offset-commit.ts'
import { offsetCommitRecord } from './offset-commit.ts'
import { producerSnapshot } from './producer-snapshot.ts'
import { quorumStateData } from './quorum-state-data.ts'
import { remoteLogSegmentMetadataRecord } from './remote-log-segment-metadata-record.ts'
import { remoteLogSegmentMetadataSnapshotRecord } from './remote-log-segment-metadata-snapshot-record.ts'
import { remoteLogSegmentMetadataUpdateRecord } from './remote-log-segment-metadata-update-record.ts'
import { remotePartitionDeleteMetadataRecord } from './remote-partition-delete-metadata-record.ts'
import { shareGroupCurrentMemberAssignmentRecord } from './share-group-current-member-assignment.ts'
import { shareGroupMemberMetadataRecord } from './share-group-member-metadata.ts'
import { shareGroupMetadataRecord } from './share-group-metadata.ts'
import { shareGroupStatePartitionMetadataRecord } from './share-group-state-partition-metadata.ts'
import { shareGroupTargetAssignmentMemberRecord } from './share-group-target-assignment-member.ts'
import { shareGroupTargetAssignmentMetadataRecord } from './share-group-target-assignment-metadata.ts'
import { shareSnapshotRecord } from './share-snapshot.ts'
import { shareUpdateRecord } from './share-update.ts'
import { snapshotFooterRecord } from './snapshot-footer-record.ts'
import { snapshotHeaderRecord } from './snapshot-header-record.ts'
import { streamsGroupCurrentMemberAssignmentRecord } from './streams-group-current-member-assignment.ts'
import { streamsGroupMemberMetadataRecord } from './streams-group-member-metadata.ts'
import { streamsGroupMetadataRecord } from './streams-group-metadata.ts'
import { streamsGroupTargetAssignmentMemberRecord } from './streams-group-target-assignment-member.ts'
import { streamsGroupTargetAssignmentMetadataRecord } from './streams-group-target-assignment-metadata.ts'
import { streamsGroupTopologyRecord } from './streams-group-topology.ts'
import { subscriptionInfoData } from './subscription-info-data.ts'
import { transactionLogRecord } from './transaction-log.ts'
import { votersRecord } from './voters-record.ts'

/** Every record type of the coordinators. */
export const coordinatorRecords: readonly CoordinatorRecord[] = [
  legacyOffsetCommitRecord,
  offsetCommitRecord,
  groupMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupPartitionMetadataRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupTargetAssignmentMetadataRecord,
  consumerGroupTargetAssignmentMemberRecord,
  consumerGroupCurrentMemberAssignmentRecord,
  shareGroupMemberMetadataRecord,
  shareGroupMetadataRecord,
  shareGroupTargetAssignmentMetadataRecord,
  shareGroupTargetAssignmentMemberRecord,
  shareGroupCurrentMemberAssignmentRecord,
  shareGroupStatePartitionMetadataRecord,
  consumerGroupRegularExpressionRecord,
  streamsGroupMetadataRecord,
  streamsGroupMemberMetadataRecord,
  streamsGroupTargetAssignmentMetadataRecord,
  streamsGroupTargetAssignmentMemberRecord,
  streamsGroupCurrentMemberAssignmentRecord,
  streamsGroupTopologyRecord,
  shareSnapshotRecord,
  shareUpdateRecord,
  transactionLogRecord,
]

/** Every other stored or embedded message. */
export const storedMessages: readonly Message[] = [
  producerSnapshot,
  remoteLogSegmentMetadataRecord,
  remoteLogSegmentMetadataUpdateRecord,
  remotePartitionDeleteMetadataRecord,
  remoteLogSegmentMetadataSnapshotRecord,
  controlRecordTypeSchema,
  endTxnMarker,
  kraftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
  quorumStateData,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  defaultPrincipalData,
  subscriptionInfoData,
]
