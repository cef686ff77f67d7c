import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int32, int64, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const streamsGroupTargetAssignmentMetadataKey = message({
  name: 'StreamsGroupTargetAssignmentMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
  },
})

export const streamsGroupTargetAssignmentMetadataValue = message({
  name: 'StreamsGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    assignmentEpoch: int32,
    assignmentTimestamp: int64.default(0).tag(0, '0+'),
  },
})

/** Epoch of the target assignment of a streams group. */
export const streamsGroupTargetAssignmentMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 20,
  key: streamsGroupTargetAssignmentMetadataKey,
  value: streamsGroupTargetAssignmentMetadataValue,
})

export interface StreamsGroupTargetAssignmentMetadataKey extends MessageOf<typeof streamsGroupTargetAssignmentMetadataKey> {}
export interface StreamsGroupTargetAssignmentMetadataKeyInit extends MessageInitOf<typeof streamsGroupTargetAssignmentMetadataKey> {}
export interface StreamsGroupTargetAssignmentMetadataValue extends MessageOf<typeof streamsGroupTargetAssignmentMetadataValue> {}
export interface StreamsGroupTargetAssignmentMetadataValueInit extends MessageInitOf<typeof streamsGroupTargetAssignmentMetadataValue> {}
