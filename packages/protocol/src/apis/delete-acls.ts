import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int8, string } from '../schema.ts'

/** Deletes ACLs that match filters. */
export const deleteAclsApi = api({
  name: 'DeleteAcls',
  key: 31,
  versions: '1-3',
  flexible: '2+',
  request: {
    filters: array({
      resourceTypeFilter: int8,
      resourceNameFilter: string.nullable(),
      patternTypeFilter: int8.default(3),
      principalFilter: string.nullable(),
      hostFilter: string.nullable(),
      operation: int8,
      permissionType: int8,
    }),
  },
  response: {
    throttleTimeMs: int32,
    filterResults: array({
      errorCode: int16,
      errorMessage: string.nullable(),
      matchingAcls: array({
        errorCode: int16,
        errorMessage: string.nullable(),
        resourceType: int8,
        resourceName: string,
        patternType: int8.default(3),
        principal: string,
        host: string,
        operation: int8,
        permissionType: int8,
      }),
    }),
  },
})

export interface DeleteAclsRequest extends RequestOf<typeof deleteAclsApi> {}
export interface DeleteAclsRequestInit extends RequestInitOf<typeof deleteAclsApi> {}
export interface DeleteAclsResponse extends ResponseOf<typeof deleteAclsApi> {}
export interface DeleteAclsResponseInit extends ResponseInitOf<typeof deleteAclsApi> {}
