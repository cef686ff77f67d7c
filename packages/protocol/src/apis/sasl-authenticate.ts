import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, bytes, int16, int64, string } from '../schema.ts'

/** Carries the messages of a SASL mechanism. */
export const saslAuthenticateApi = api({
  name: 'SaslAuthenticate',
  key: 36,
  versions: '0-2',
  flexible: '2+',
  request: {
    authBytes: bytes,
  },
  response: {
    errorCode: int16,
    errorMessage: string.nullable(),
    authBytes: bytes,
    sessionLifetimeMs: int64.default(0).in('1+').ignorable(),
  },
})

export interface SaslAuthenticateRequest extends RequestOf<typeof saslAuthenticateApi> {}
export interface SaslAuthenticateRequestInit extends RequestInitOf<typeof saslAuthenticateApi> {}
export interface SaslAuthenticateResponse extends ResponseOf<typeof saslAuthenticateApi> {}
export interface SaslAuthenticateResponseInit extends ResponseInitOf<typeof saslAuthenticateApi> {}
