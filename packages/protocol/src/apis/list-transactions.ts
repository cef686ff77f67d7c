import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string } from '../schema.ts'

/** All transactions of a coordinator (KIP-664). */
export const listTransactionsApi = api({
  name: 'ListTransactions',
  key: 66,
  versions: '0-2',
  flexible: '0+',
  request: {
    stateFilters: array(string),
    producerIdFilters: array(int64),
    durationFilter: int64.default(-1).in('1+'),
    transactionalIdPattern: string.nullable().default(null).in('2+'),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    unknownStateFilters: array(string),
    transactionStates: array({
      transactionalId: string,
      producerId: int64,
      transactionState: string,
    }),
  },
})

export interface ListTransactionsRequest extends RequestOf<typeof listTransactionsApi> {}
export interface ListTransactionsRequestInit extends RequestInitOf<typeof listTransactionsApi> {}
export interface ListTransactionsResponse extends ResponseOf<typeof listTransactionsApi> {}
export interface ListTransactionsResponseInit extends ResponseInitOf<typeof listTransactionsApi> {}
