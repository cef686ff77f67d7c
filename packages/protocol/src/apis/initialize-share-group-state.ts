import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string, uuid } from '../schema.ts'

/** Creates the stored state of share partitions; between brokers (KIP-932). */
export const initializeShareGroupStateApi = api({
  name: 'InitializeShareGroupState',
  key: 83,
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string,
    topics: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        stateEpoch: int32,
        startOffset: int64,
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

export interface InitializeShareGroupStateRequest extends RequestOf<typeof initializeShareGroupStateApi> {}
export interface InitializeShareGroupStateRequestInit extends RequestInitOf<typeof initializeShareGroupStateApi> {}
export interface InitializeShareGroupStateResponse extends ResponseOf<typeof initializeShareGroupStateApi> {}
export interface InitializeShareGroupStateResponseInit extends ResponseInitOf<typeof initializeShareGroupStateApi> {}
