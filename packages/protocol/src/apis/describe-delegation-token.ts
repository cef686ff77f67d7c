import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bytes, int16, int32, int64, string } from '../schema.ts'

/** Lists delegation tokens (KIP-48). */
export const describeDelegationTokenApi = api({
  name: 'DescribeDelegationToken',
  key: 41,
  versions: '1-3',
  flexible: '2+',
  request: {
    owners: array({
      principalType: string,
      principalName: string,
    }).nullable(),
  },
  response: {
    errorCode: int16,
    tokens: array({
      principalType: string,
      principalName: string,
      tokenRequesterPrincipalType: string.in('3+'),
      tokenRequesterPrincipalName: string.in('3+'),
      issueTimestamp: int64,
      expiryTimestamp: int64,
      maxTimestamp: int64,
      tokenId: string,
      hmac: bytes,
      renewers: array({
        principalType: string,
        principalName: string,
      }),
    }),
    throttleTimeMs: int32,
  },
})

export interface DescribeDelegationTokenRequest extends RequestOf<typeof describeDelegationTokenApi> {}
export interface DescribeDelegationTokenRequestInit extends RequestInitOf<typeof describeDelegationTokenApi> {}
export interface DescribeDelegationTokenResponse extends ResponseOf<typeof describeDelegationTokenApi> {}
export interface DescribeDelegationTokenResponseInit extends ResponseInitOf<typeof describeDelegationTokenApi> {}
