import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, bytes, int16, int32, string } from '../schema.ts'

/** State and members of classic groups. */
export const describeGroupsApi = api({
  name: 'DescribeGroups',
  key: 15,
  versions: '0-6',
  flexible: '5+',
  request: {
    groups: array(string),
    includeAuthorizedOperations: bool.in('3+'),
  },
  response: {
    throttleTimeMs: int32.in('1+').ignorable(),
    groups: array({
      errorCode: int16,
      errorMessage: string.nullable().default(null).in('6+'),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array({
        memberId: string,
        groupInstanceId: string.nullable().default(null).in('4+').ignorable(),
        clientId: string,
        clientHost: string,
        memberMetadata: bytes,
        memberAssignment: bytes,
      }),
      authorizedOperations: int32.default(-2147483648).in('3+'),
    }),
  },
})

export interface DescribeGroupsRequest extends RequestOf<typeof describeGroupsApi> {}
export interface DescribeGroupsRequestInit extends RequestInitOf<typeof describeGroupsApi> {}
export interface DescribeGroupsResponse extends ResponseOf<typeof describeGroupsApi> {}
export interface DescribeGroupsResponseInit extends ResponseInitOf<typeof describeGroupsApi> {}
