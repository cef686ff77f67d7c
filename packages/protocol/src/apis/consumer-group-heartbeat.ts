import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, string, struct, uuid } from '../schema.ts'

const topicPartitions = {
  topicId: uuid,
  partitions: array(int32),
}

/** Joins, follows and leaves a consumer group of the new protocol (KIP-848). */
export const consumerGroupHeartbeatApi = api({
  name: 'ConsumerGroupHeartbeat',
  key: 68,
  versions: '0-1',
  flexible: '0+',
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    instanceId: string.nullable().default(null),
    rackId: string.nullable().default(null),
    rebalanceTimeoutMs: int32.default(-1),
    subscribedTopicNames: array(string).nullable().default(null),
    subscribedTopicRegex: string.nullable().default(null).in('1+'),
    serverAssignor: string.nullable().default(null),
    topicPartitions: array({
      topicId: uuid,
      partitions: array(int32),
    })
      .nullable()
      .default(null),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    memberId: string.nullable().default(null),
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    assignment: struct({
      topicPartitions: array(topicPartitions),
    })
      .nullable()
      .default(null),
  },
})

export interface ConsumerGroupHeartbeatRequest extends RequestOf<typeof consumerGroupHeartbeatApi> {}
export interface ConsumerGroupHeartbeatRequestInit extends RequestInitOf<typeof consumerGroupHeartbeatApi> {}
export interface ConsumerGroupHeartbeatResponse extends ResponseOf<typeof consumerGroupHeartbeatApi> {}
export interface ConsumerGroupHeartbeatResponseInit extends ResponseInitOf<typeof consumerGroupHeartbeatApi> {}
