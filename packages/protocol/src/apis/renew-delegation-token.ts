import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, bytes, int16, int32, int64 } from '../schema.ts'

/** Renews a delegation token (KIP-48). */
export const renewDelegationTokenApi = api({
  name: 'RenewDelegationToken',
  key: 39,
  versions: '1-2',
  flexible: '2+',
  request: {
    hmac: bytes,
    renewPeriodMs: int64,
  },
  response: {
    errorCode: int16,
    expiryTimestampMs: int64,
    throttleTimeMs: int32,
  },
})

export interface RenewDelegationTokenRequest extends RequestOf<typeof renewDelegationTokenApi> {}
export interface RenewDelegationTokenRequestInit extends RequestInitOf<typeof renewDelegationTokenApi> {}
export interface RenewDelegationTokenResponse extends ResponseOf<typeof renewDelegationTokenApi> {}
export interface RenewDelegationTokenResponseInit extends ResponseInitOf<typeof renewDelegationTokenApi> {}
