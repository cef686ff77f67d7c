import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, string } from '../schema.ts'

/** Deletes empty groups (KIP-229). */
export const deleteGroupsApi = api({
  name: 'DeleteGroups',
  key: 42,
  versions: '0-2',
  flexible: '2+',
  request: {
    groupsNames: array(string),
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      groupId: string,
      errorCode: int16,
    }),
  },
})

export interface DeleteGroupsRequest extends RequestOf<typeof deleteGroupsApi> {}
export interface DeleteGroupsRequestInit extends RequestInitOf<typeof deleteGroupsApi> {}
export interface DeleteGroupsResponse extends ResponseOf<typeof deleteGroupsApi> {}
export interface DeleteGroupsResponseInit extends ResponseInitOf<typeof deleteGroupsApi> {}
