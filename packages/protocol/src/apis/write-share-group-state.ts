import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, int8, string, uuid } from '../schema.ts'

/** Writes the stored state of share partitions; between brokers (KIP-932). */
export const writeShareGroupStateApi = api({
  name: 'WriteShareGroupState',
  key: 85,
  versions: '0-1',
  flexible: '0+',
  request: {
    groupId: string,
    topics: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        stateEpoch: int32,
        leaderEpoch: int32,
        startOffset: int64,
        deliveryCompleteCount: int32.default(-1).in('1+').ignorable(),
        stateBatches: array({
          firstOffset: int64,
          lastOffset: int64,
          deliveryState: int8,
          deliveryCount: int16,
        }),
      }),
    }),
  },
  response: {
    results: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        errorCode: int16,
        errorMessage: string.nullable().default(null),
      }),
    }),
  },
})

export interface WriteShareGroupStateRequest extends RequestOf<typeof writeShareGroupStateApi> {}
export interface WriteShareGroupStateRequestInit extends RequestInitOf<typeof writeShareGroupStateApi> {}
export interface WriteShareGroupStateResponse extends ResponseOf<typeof writeShareGroupStateApi> {}
export interface WriteShareGroupStateResponseInit extends ResponseInitOf<typeof writeShareGroupStateApi> {}
