import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bytes, int16, int32, string } from '../schema.ts'

/** Hands out the assignment of a classic group. */
export const syncGroupApi = api({
  name: 'SyncGroup',
  key: 14,
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: string.nullable().default(null).in('3+'),
    protocolType: string.nullable().default(null).in('5+').ignorable(),
    protocolName: string.nullable().default(null).in('5+').ignorable(),
    assignments: array({
      memberId: string,
      assignment: bytes,
    }),
  },
  response: {
    throttleTimeMs: int32.in('1+').ignorable(),
    errorCode: int16,
    protocolType: string.nullable().default(null).in('5+').ignorable(),
    protocolName: string.nullable().default(null).in('5+').ignorable(),
    assignment: bytes,
  },
})

export interface SyncGroupRequest extends RequestOf<typeof syncGroupApi> {}
export interface SyncGroupRequestInit extends RequestInitOf<typeof syncGroupApi> {}
export interface SyncGroupResponse extends ResponseOf<typeof syncGroupApi> {}
export interface SyncGroupResponseInit extends ResponseInitOf<typeof syncGroupApi> {}
