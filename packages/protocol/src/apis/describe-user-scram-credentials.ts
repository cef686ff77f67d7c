import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int8, string } from '../schema.ts'

/** Lists SCRAM credentials of users (KIP-554). */
export const describeUserScramCredentialsApi = api({
  name: 'DescribeUserScramCredentials',
  key: 50,
  versions: '0',
  flexible: '0+',
  request: {
    users: array({
      name: string,
    }).nullable(),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable(),
    results: array({
      user: string,
      errorCode: int16,
      errorMessage: string.nullable(),
      credentialInfos: array({
        mechanism: int8,
        iterations: int32,
      }),
    }),
  },
})

export interface DescribeUserScramCredentialsRequest extends RequestOf<typeof describeUserScramCredentialsApi> {}
export interface DescribeUserScramCredentialsRequestInit extends RequestInitOf<typeof describeUserScramCredentialsApi> {}
export interface DescribeUserScramCredentialsResponse extends ResponseOf<typeof describeUserScramCredentialsApi> {}
export interface DescribeUserScramCredentialsResponseInit extends ResponseInitOf<typeof describeUserScramCredentialsApi> {}
