import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bytes, int16, int32, int64, string } from '../schema.ts'

/** Creates a delegation token (KIP-48). */
export const createDelegationTokenApi = api({
  name: 'CreateDelegationToken',
  key: 38,
  versions: '1-3',
  flexible: '2+',
  request: {
    ownerPrincipalType: string.nullable().in('3+'),
    ownerPrincipalName: string.nullable().in('3+'),
    renewers: array({
      principalType: string,
      principalName: string,
    }),
    maxLifetimeMs: int64,
  },
  response: {
    errorCode: int16,
    principalType: string,
    principalName: string,
    tokenRequesterPrincipalType: string.in('3+'),
    tokenRequesterPrincipalName: string.in('3+'),
    issueTimestampMs: int64,
    expiryTimestampMs: int64,
    maxTimestampMs: int64,
    tokenId: string,
    hmac: bytes,
    throttleTimeMs: int32,
  },
})

export interface CreateDelegationTokenRequest extends RequestOf<typeof createDelegationTokenApi> {}
export interface CreateDelegationTokenRequestInit extends RequestInitOf<typeof createDelegationTokenApi> {}
export interface CreateDelegationTokenResponse extends ResponseOf<typeof createDelegationTokenApi> {}
export interface CreateDelegationTokenResponseInit extends ResponseInitOf<typeof createDelegationTokenApi> {}
