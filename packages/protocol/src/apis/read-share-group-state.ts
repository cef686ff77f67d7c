import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, int8, string, uuid } from '../schema.ts'

/** Reads the stored state of share partitions; between brokers (KIP-932). */
export const readShareGroupStateApi = api({
  name: 'ReadShareGroupState',
  key: 84,
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string,
    topics: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        leaderEpoch: int32,
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
        stateEpoch: int32,
        startOffset: int64,
        stateBatches: array({
          firstOffset: int64,
          lastOffset: int64,
          deliveryState: int8,
          deliveryCount: int16,
        }),
      }),
    }),
  },
})

export interface ReadShareGroupStateRequest extends RequestOf<typeof readShareGroupStateApi> {}
export interface ReadShareGroupStateRequestInit extends RequestInitOf<typeof readShareGroupStateApi> {}
export interface ReadShareGroupStateResponse extends ResponseOf<typeof readShareGroupStateApi> {}
export interface ReadShareGroupStateResponseInit extends ResponseInitOf<typeof readShareGroupStateApi> {}
