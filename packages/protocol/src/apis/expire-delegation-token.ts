import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, bytes, int16, int32, int64 } from '../schema.ts'

/** Lets a delegation token expire (KIP-48). */
export const expireDelegationTokenApi = api({
  name: 'ExpireDelegationToken',
  key: 40,
  versions: '1-2',
  flexible: '2+',
  request: {
    hmac: bytes,
    expiryTimePeriodMs: int64,
  },
  response: {
    errorCode: int16,
    expiryTimestampMs: int64,
    throttleTimeMs: int32,
  },
})

export interface ExpireDelegationTokenRequest extends RequestOf<typeof expireDelegationTokenApi> {}
export interface ExpireDelegationTokenRequestInit extends RequestInitOf<typeof expireDelegationTokenApi> {}
export interface ExpireDelegationTokenResponse extends ResponseOf<typeof expireDelegationTokenApi> {}
export interface ExpireDelegationTokenResponseInit extends ResponseInitOf<typeof expireDelegationTokenApi> {}
