import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int64, int8, string } from '../schema.ts'

/** Lets a broker write the end of transactions into its partitions; between brokers. */
export const writeTxnMarkersApi = api({
  name: 'WriteTxnMarkers',
  key: 27,
  versions: '1-2',
  flexible: '1+',
  request: {
    markers: array({
      producerId: int64,
      producerEpoch: int16,
      transactionResult: bool,
      topics: array({
        name: string,
        partitionIndexes: array(int32),
      }),
      coordinatorEpoch: int32,
      transactionVersion: int8.default(0).in('2+').ignorable(),
    }),
  },
  response: {
    markers: array({
      producerId: int64,
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          errorCode: int16,
        }),
      }),
    }),
  },
})

export interface WriteTxnMarkersRequest extends RequestOf<typeof writeTxnMarkersApi> {}
export interface WriteTxnMarkersRequestInit extends RequestInitOf<typeof writeTxnMarkersApi> {}
export interface WriteTxnMarkersResponse extends ResponseOf<typeof writeTxnMarkersApi> {}
export interface WriteTxnMarkersResponseInit extends ResponseInitOf<typeof writeTxnMarkersApi> {}
