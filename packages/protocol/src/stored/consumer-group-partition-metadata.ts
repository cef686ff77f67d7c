import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int32, message, string, uuid } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const consumerGroupPartitionMetadataKey = message({
  name: 'ConsumerGroupPartitionMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
  },
})

export const consumerGroupPartitionMetadataValue = message({
  name: 'ConsumerGroupPartitionMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    topics: array({
      topicId: uuid,
      topicName: string,
      numPartitions: int32,
      partitionMetadata: array({
        partition: int32,
        racks: array(string),
      }),
    }),
  },
})

/** Partitions of the topics that a consumer group subscribes to; only deleted nowadays. */
export const consumerGroupPartitionMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 4,
  key: consumerGroupPartitionMetadataKey,
  value: consumerGroupPartitionMetadataValue,
})

export interface ConsumerGroupPartitionMetadataKey extends MessageOf<typeof consumerGroupPartitionMetadataKey> {}
export interface ConsumerGroupPartitionMetadataKeyInit extends MessageInitOf<typeof consumerGroupPartitionMetadataKey> {}
export interface ConsumerGroupPartitionMetadataValue extends MessageOf<typeof consumerGroupPartitionMetadataValue> {}
export interface ConsumerGroupPartitionMetadataValueInit extends MessageInitOf<typeof consumerGroupPartitionMetadataValue> {}
