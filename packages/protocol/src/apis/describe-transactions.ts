import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string } from '../schema.ts'

/** State of transactions (KIP-664). */
export const describeTransactionsApi = api({
  name: 'DescribeTransactions',
  key: 65,
  versions: '0',
  flexible: '0+',
  request: {
    transactionalIds: array(string),
  },
  response: {
    throttleTimeMs: int32,
    transactionStates: array({
      errorCode: int16,
      transactionalId: string,
      transactionState: string,
      transactionTimeoutMs: int32,
      transactionStartTimeMs: int64,
      producerId: int64,
      producerEpoch: int16,
      topics: array({
        topic: string,
        partitions: array(int32),
      }),
    }),
  },
})

export interface DescribeTransactionsRequest extends RequestOf<typeof describeTransactionsApi> {}
export interface DescribeTransactionsRequestInit extends RequestInitOf<typeof describeTransactionsApi> {}
export interface DescribeTransactionsResponse extends ResponseOf<typeof describeTransactionsApi> {}
export interface DescribeTransactionsResponseInit extends ResponseInitOf<typeof describeTransactionsApi> {}
