import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int32, int64, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const shareGroupTargetAssignmentMetadataKey = message({
  name: 'ShareGroupTargetAssignmentMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
  },
})

export const shareGroupTargetAssignmentMetadataValue = message({
  name: 'ShareGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    assignmentEpoch: int32,
    assignmentTimestamp: int64.default(0).tag(0, '0+'),
  },
})

/** Epoch of the target assignment of a share group. */
export const shareGroupTargetAssignmentMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 12,
  key: shareGroupTargetAssignmentMetadataKey,
  value: shareGroupTargetAssignmentMetadataValue,
})

export interface ShareGroupTargetAssignmentMetadataKey extends MessageOf<typeof shareGroupTargetAssignmentMetadataKey> {}
export interface ShareGroupTargetAssignmentMetadataKeyInit extends MessageInitOf<typeof shareGroupTargetAssignmentMetadataKey> {}
export interface ShareGroupTargetAssignmentMetadataValue extends MessageOf<typeof shareGroupTargetAssignmentMetadataValue> {}
export interface ShareGroupTargetAssignmentMetadataValueInit extends MessageInitOf<typeof shareGroupTargetAssignmentMetadataValue> {}
