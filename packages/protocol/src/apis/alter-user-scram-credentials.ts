import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bytes, int16, int32, int8, string } from '../schema.ts'

/** Changes SCRAM credentials of users (KIP-554). */
export const alterUserScramCredentialsApi = api({
  name: 'AlterUserScramCredentials',
  key: 51,
  versions: '0',
  flexible: '0+',
  request: {
    deletions: array({
      name: string,
      mechanism: int8,
    }),
    upsertions: array({
      name: string,
      mechanism: int8,
      iterations: int32,
      salt: bytes,
      saltedPassword: bytes,
    }),
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      user: string,
      errorCode: int16,
      errorMessage: string.nullable(),
    }),
  },
})

export interface AlterUserScramCredentialsRequest extends RequestOf<typeof alterUserScramCredentialsApi> {}
export interface AlterUserScramCredentialsRequestInit extends RequestInitOf<typeof alterUserScramCredentialsApi> {}
export interface AlterUserScramCredentialsResponse extends ResponseOf<typeof alterUserScramCredentialsApi> {}
export interface AlterUserScramCredentialsResponseInit extends ResponseInitOf<typeof alterUserScramCredentialsApi> {}
