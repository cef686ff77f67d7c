import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int32, int64, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const consumerGroupMetadataKey = message({
  name: 'ConsumerGroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
  },
})

export const consumerGroupMetadataValue = message({
  name: 'ConsumerGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: int32,
    metadataHash: int64.default(0).tag(0, '0+'),
  },
})

/** Epoch of a consumer group. */
export const consumerGroupMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 3,
  key: consumerGroupMetadataKey,
  value: consumerGroupMetadataValue,
})

export interface ConsumerGroupMetadataKey extends MessageOf<typeof consumerGroupMetadataKey> {}
export interface ConsumerGroupMetadataKeyInit extends MessageInitOf<typeof consumerGroupMetadataKey> {}
export interface ConsumerGroupMetadataValue extends MessageOf<typeof consumerGroupMetadataValue> {}
export interface ConsumerGroupMetadataValueInit extends MessageInitOf<typeof consumerGroupMetadataValue> {}
