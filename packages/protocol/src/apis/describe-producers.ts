import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string } from '../schema.ts'

/** Active producers of partitions (KIP-664). */
export const describeProducersApi = api({
  name: 'DescribeProducers',
  key: 61,
  versions: '0',
  flexible: '0+',
  request: {
    topics: array({
      name: string,
      partitionIndexes: array(int32),
    }),
  },
  response: {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: string.nullable().default(null),
        activeProducers: array({
          producerId: int64,
          producerEpoch: int32,
          lastSequence: int32.default(-1),
          lastTimestamp: int64.default(-1),
          coordinatorEpoch: int32,
          currentTxnStartOffset: int64.default(-1),
        }),
      }),
    }),
  },
})

export interface DescribeProducersRequest extends RequestOf<typeof describeProducersApi> {}
export interface DescribeProducersRequestInit extends RequestInitOf<typeof describeProducersApi> {}
export interface DescribeProducersResponse extends ResponseOf<typeof describeProducersApi> {}
export interface DescribeProducersResponseInit extends ResponseInitOf<typeof describeProducersApi> {}
