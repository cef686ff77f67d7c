import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, int16, int32, int64, string } from '../schema.ts'

/** Adds a group's offsets to a transaction (KIP-98). */
export const addOffsetsToTxnApi = api({
  name: 'AddOffsetsToTxn',
  key: 25,
  versions: '0-4',
  flexible: '3+',
  request: {
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    groupId: string,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
  },
})

export interface AddOffsetsToTxnRequest extends RequestOf<typeof addOffsetsToTxnApi> {}
export interface AddOffsetsToTxnRequestInit extends RequestInitOf<typeof addOffsetsToTxnApi> {}
export interface AddOffsetsToTxnResponse extends ResponseOf<typeof addOffsetsToTxnApi> {}
export interface AddOffsetsToTxnResponseInit extends ResponseInitOf<typeof addOffsetsToTxnApi> {}
