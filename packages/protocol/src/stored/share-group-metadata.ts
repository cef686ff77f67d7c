import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int32, int64, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const shareGroupMetadataKey = message({
  name: 'ShareGroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
  },
})

export const shareGroupMetadataValue = message({
  name: 'ShareGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: int32,
    metadataHash: int64,
  },
})

/** Epoch of a share group. */
export const shareGroupMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 11,
  key: shareGroupMetadataKey,
  value: shareGroupMetadataValue,
})

export interface ShareGroupMetadataKey extends MessageOf<typeof shareGroupMetadataKey> {}
export interface ShareGroupMetadataKeyInit extends MessageInitOf<typeof shareGroupMetadataKey> {}
export interface ShareGroupMetadataValue extends MessageOf<typeof shareGroupMetadataValue> {}
export interface ShareGroupMetadataValueInit extends MessageInitOf<typeof shareGroupMetadataValue> {}
