import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int64, int8, string, struct, uuid } from '../schema.ts'

/** Acknowledges records of a share group (KIP-932). */
export const shareAcknowledgeApi = api({
  name: 'ShareAcknowledge',
  key: 79,
  versions: '1-2',
  flexible: '0+',
  request: {
    groupId: string.nullable().default(null),
    memberId: string.nullable(),
    shareSessionEpoch: int32,
    isRenewAck: bool.default(false).in('2+'),
    topics: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        acknowledgementBatches: array({
          firstOffset: int64,
          lastOffset: int64,
          acknowledgeTypes: array(int8),
        }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    acquisitionLockTimeoutMs: int32.in('2+').ignorable(),
    responses: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: string.nullable().default(null),
        currentLeader: struct({
          leaderId: int32,
          leaderEpoch: int32,
        }),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32,
      host: string,
      port: int32,
      rack: string.nullable().default(null),
    }),
  },
})

export interface ShareAcknowledgeRequest extends RequestOf<typeof shareAcknowledgeApi> {}
export interface ShareAcknowledgeRequestInit extends RequestInitOf<typeof shareAcknowledgeApi> {}
export interface ShareAcknowledgeResponse extends ResponseOf<typeof shareAcknowledgeApi> {}
export interface ShareAcknowledgeResponseInit extends ResponseInitOf<typeof shareAcknowledgeApi> {}
