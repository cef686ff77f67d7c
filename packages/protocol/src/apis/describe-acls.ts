import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int8, string } from '../schema.ts'

/** Lists ACLs that match a filter. */
export const describeAclsApi = api({
  name: 'DescribeAcls',
  key: 29,
  versions: '1-3',
  flexible: '2+',
  request: {
    resourceTypeFilter: int8,
    resourceNameFilter: string.nullable(),
    patternTypeFilter: int8.default(3),
    principalFilter: string.nullable(),
    hostFilter: string.nullable(),
    operation: int8,
    permissionType: int8,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable(),
    resources: array({
      resourceType: int8,
      resourceName: string,
      patternType: int8.default(3),
      acls: array({
        principal: string,
        host: string,
        operation: int8,
        permissionType: int8,
      }),
    }),
  },
})

export interface DescribeAclsRequest extends RequestOf<typeof describeAclsApi> {}
export interface DescribeAclsRequestInit extends RequestInitOf<typeof describeAclsApi> {}
export interface DescribeAclsResponse extends ResponseOf<typeof describeAclsApi> {}
export interface DescribeAclsResponseInit extends ResponseInitOf<typeof describeAclsApi> {}
