import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, string } from '../schema.ts'

/** Chooses the SASL mechanism. */
export const saslHandshakeApi = api({
  name: 'SaslHandshake',
  key: 17,
  versions: '0-1',
  flexible: 'none',
  request: {
    mechanism: string,
  },
  response: {
    errorCode: int16,
    mechanisms: array(string),
  },
})

export interface SaslHandshakeRequest extends RequestOf<typeof saslHandshakeApi> {}
export interface SaslHandshakeRequestInit extends RequestInitOf<typeof saslHandshakeApi> {}
export interface SaslHandshakeResponse extends ResponseOf<typeof saslHandshakeApi> {}
export interface SaslHandshakeResponseInit extends ResponseInitOf<typeof saslHandshakeApi> {}
