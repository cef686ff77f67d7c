import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, int16, int32, string } from '../schema.ts'

/** Removes a broker's registration (KIP-500). */
export const unregisterBrokerApi = api({
  name: 'UnregisterBroker',
  key: 64,
  versions: '0',
  flexible: '0+',
  request: {
    brokerId: int32,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable(),
  },
})

export interface UnregisterBrokerRequest extends RequestOf<typeof unregisterBrokerApi> {}
export interface UnregisterBrokerRequestInit extends RequestInitOf<typeof unregisterBrokerApi> {}
export interface UnregisterBrokerResponse extends ResponseOf<typeof unregisterBrokerApi> {}
export interface UnregisterBrokerResponseInit extends ResponseInitOf<typeof unregisterBrokerApi> {}
