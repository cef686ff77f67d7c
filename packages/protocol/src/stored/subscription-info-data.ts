import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, bytes, int32, int64, int8, message, string, uuid } from '../schema.ts'

const taskId = {
  topicGroupId: int32,
  partition: int32,
}

const partitionToOffsetSum = {
  partition: int32,
  offsetSum: int64,
}

const taskOffsetSum = {
  topicGroupId: int32,
  partition: int32.in('10+'),
  offsetSum: int64.in('10+'),
  namedTopology: string.nullable().in('10+').ignorable(),
  partitionToOffsetSum: array(partitionToOffsetSum).in('7-9'),
}

const clientTag = {
  key: bytes,
  value: bytes,
}

/** Subscription of a classic Kafka Streams client, embedded in its ConsumerProtocolSubscription. */
export const subscriptionInfoData = message({
  name: 'SubscriptionInfoData',
  versions: '1-11',
  flexible: 'none',
  fields: {
    version: int32,
    latestSupportedVersion: int32.default(-1).in('3+'),
    processId: uuid,
    prevTasks: array(taskId).in('1-6'),
    standbyTasks: array(taskId).in('1-6'),
    userEndPoint: bytes.in('2+'),
    taskOffsetSums: array(taskOffsetSum).in('7+'),
    uniqueField: int8.in('8+'),
    errorCode: int32.in('9+'),
    clientTags: array(clientTag).in('11+'),
  },
})

export interface SubscriptionInfoData extends MessageOf<typeof subscriptionInfoData> {}
export interface SubscriptionInfoDataInit extends MessageInitOf<typeof subscriptionInfoData> {}
