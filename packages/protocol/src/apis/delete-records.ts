import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string } from '../schema.ts'

/** Moves the start of partitions forward (KIP-107). */
export const deleteRecordsApi = api({
  name: 'DeleteRecords',
  key: 21,
  versions: '0-2',
  flexible: '2+',
  request: {
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        offset: int64,
      }),
    }),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        lowWatermark: int64,
        errorCode: int16,
      }),
    }),
  },
})

export interface DeleteRecordsRequest extends RequestOf<typeof deleteRecordsApi> {}
export interface DeleteRecordsRequestInit extends RequestInitOf<typeof deleteRecordsApi> {}
export interface DeleteRecordsResponse extends ResponseOf<typeof deleteRecordsApi> {}
export interface DeleteRecordsResponseInit extends ResponseInitOf<typeof deleteRecordsApi> {}
