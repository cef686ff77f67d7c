import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, string, struct, uuid } from '../schema.ts'

const topicPartitions = {
  topicId: uuid,
  partitions: array(int32),
}

/** Joins, follows and leaves a share group (KIP-932). */
export const shareGroupHeartbeatApi = api({
  name: 'ShareGroupHeartbeat',
  key: 76,
  versions: '1',
  flexible: '0+',
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    rackId: string.nullable().default(null),
    subscribedTopicNames: array(string).nullable().default(null),
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

export interface ShareGroupHeartbeatRequest extends RequestOf<typeof shareGroupHeartbeatApi> {}
export interface ShareGroupHeartbeatRequestInit extends RequestInitOf<typeof shareGroupHeartbeatApi> {}
export interface ShareGroupHeartbeatResponse extends ResponseOf<typeof shareGroupHeartbeatApi> {}
export interface ShareGroupHeartbeatResponseInit extends ResponseInitOf<typeof shareGroupHeartbeatApi> {}
