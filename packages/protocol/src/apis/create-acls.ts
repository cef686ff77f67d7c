import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int8, string } from '../schema.ts'

/** Creates ACLs. */
export const createAclsApi = api({
  name: 'CreateAcls',
  key: 30,
  versions: '1-3',
  flexible: '2+',
  request: {
    creations: array({
      resourceType: int8,
      resourceName: string,
      resourcePatternType: int8.default(3),
      principal: string,
      host: string,
      operation: int8,
      permissionType: int8,
    }),
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      errorCode: int16,
      errorMessage: string.nullable(),
    }),
  },
})

export interface CreateAclsRequest extends RequestOf<typeof createAclsApi> {}
export interface CreateAclsRequestInit extends RequestInitOf<typeof createAclsApi> {}
export interface CreateAclsResponse extends ResponseOf<typeof createAclsApi> {}
export interface CreateAclsResponseInit extends ResponseInitOf<typeof createAclsApi> {}
