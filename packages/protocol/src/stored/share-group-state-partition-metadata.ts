import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int32, message, string, uuid } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

const topicPartitionsInfo = {
  topicId: uuid,
  topicName: string,
  partitions: array(int32),
}

const topicInfo = {
  topicId: uuid,
  topicName: string,
}

export const shareGroupStatePartitionMetadataKey = message({
  name: 'ShareGroupStatePartitionMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
  },
})

export const shareGroupStatePartitionMetadataValue = message({
  name: 'ShareGroupStatePartitionMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    initializingTopics: array(topicPartitionsInfo),
    initializedTopics: array(topicPartitionsInfo),
    deletingTopics: array(topicInfo),
  },
})

/** Partitions whose share state is created or being deleted. */
export const shareGroupStatePartitionMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 15,
  key: shareGroupStatePartitionMetadataKey,
  value: shareGroupStatePartitionMetadataValue,
})

export interface ShareGroupStatePartitionMetadataKey extends MessageOf<typeof shareGroupStatePartitionMetadataKey> {}
export interface ShareGroupStatePartitionMetadataKeyInit extends MessageInitOf<typeof shareGroupStatePartitionMetadataKey> {}
export interface ShareGroupStatePartitionMetadataValue extends MessageOf<typeof shareGroupStatePartitionMetadataValue> {}
export interface ShareGroupStatePartitionMetadataValueInit extends MessageInitOf<typeof shareGroupStatePartitionMetadataValue> {}
