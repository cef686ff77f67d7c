import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, bool, int16, int32, int64, string } from '../schema.ts'

/** Commits or aborts a transaction. */
export const endTxnApi = api({
  name: 'EndTxn',
  key: 26,
  versions: '0-5',
  flexible: '3+',
  request: {
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    committed: bool,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: int64.default(-1).in('5+').ignorable(),
    producerEpoch: int16.default(-1).in('5+').ignorable(),
  },
})

export interface EndTxnRequest extends RequestOf<typeof endTxnApi> {}
export interface EndTxnRequestInit extends RequestInitOf<typeof endTxnApi> {}
export interface EndTxnResponse extends ResponseOf<typeof endTxnApi> {}
export interface EndTxnResponseInit extends ResponseInitOf<typeof endTxnApi> {}
