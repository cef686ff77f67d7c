import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, string } from '../schema.ts'

/** All groups of a broker, by state (KIP-518) and type (KIP-848). */
export const listGroupsApi = api({
  name: 'ListGroups',
  key: 16,
  versions: '0-5',
  flexible: '3+',
  request: {
    statesFilter: array(string).in('4+'),
    typesFilter: array(string).in('5+'),
  },
  response: {
    throttleTimeMs: int32.in('1+').ignorable(),
    errorCode: int16,
    groups: array({
      groupId: string,
      protocolType: string,
      groupState: string.in('4+').ignorable(),
      groupType: string.in('5+').ignorable(),
    }),
  },
})

export interface ListGroupsRequest extends RequestOf<typeof listGroupsApi> {}
export interface ListGroupsRequestInit extends RequestInitOf<typeof listGroupsApi> {}
export interface ListGroupsResponse extends ResponseOf<typeof listGroupsApi> {}
export interface ListGroupsResponseInit extends ResponseInitOf<typeof listGroupsApi> {}
