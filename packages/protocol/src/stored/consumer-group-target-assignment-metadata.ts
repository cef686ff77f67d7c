import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int32, int64, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const consumerGroupTargetAssignmentMetadataKey = message({
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
  },
})

export const consumerGroupTargetAssignmentMetadataValue = message({
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    assignmentEpoch: int32,
    assignmentTimestamp: int64.default(0).tag(0, '0+'),
  },
})

/** Epoch of the target assignment of a consumer group. */
export const consumerGroupTargetAssignmentMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 6,
  key: consumerGroupTargetAssignmentMetadataKey,
  value: consumerGroupTargetAssignmentMetadataValue,
})

export interface ConsumerGroupTargetAssignmentMetadataKey extends MessageOf<typeof consumerGroupTargetAssignmentMetadataKey> {}
export interface ConsumerGroupTargetAssignmentMetadataKeyInit extends MessageInitOf<typeof consumerGroupTargetAssignmentMetadataKey> {}
export interface ConsumerGroupTargetAssignmentMetadataValue extends MessageOf<typeof consumerGroupTargetAssignmentMetadataValue> {}
export interface ConsumerGroupTargetAssignmentMetadataValueInit extends MessageInitOf<typeof consumerGroupTargetAssignmentMetadataValue> {}
