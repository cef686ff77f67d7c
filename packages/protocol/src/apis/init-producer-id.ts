import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, bool, int16, int32, int64, string } from '../schema.ts'

/** Gives a producer its id and epoch (KIP-98). Its newest version is not stable yet. */
export const initProducerIdApi = api({
  name: 'InitProducerId',
  key: 22,
  versions: '0-6',
  flexible: '2+',
  request: {
    transactionalId: string.nullable(),
    transactionTimeoutMs: int32,
    producerId: int64.default(-1).in('3+'),
    producerEpoch: int16.default(-1).in('3+'),
    enable2Pc: bool.default(false).in('6+'),
    keepPreparedTxn: bool.default(false).in('6+'),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: int64.default(-1),
    producerEpoch: int16,
    ongoingTxnProducerId: int64.default(-1).in('6+'),
    ongoingTxnProducerEpoch: int16.default(-1).in('6+'),
  },
})

export interface InitProducerIdRequest extends RequestOf<typeof initProducerIdApi> {}
export interface InitProducerIdRequestInit extends RequestInitOf<typeof initProducerIdApi> {}
export interface InitProducerIdResponse extends ResponseOf<typeof initProducerIdApi> {}
export interface InitProducerIdResponseInit extends ResponseInitOf<typeof initProducerIdApi> {}
