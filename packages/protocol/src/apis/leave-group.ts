import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, string } from '../schema.ts'

/** Takes members out of a classic group; several from version 3 on (KIP-345). */
export const leaveGroupApi = api({
  name: 'LeaveGroup',
  key: 13,
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string,
    memberId: string.in('0-2'),
    members: array({
      memberId: string,
      groupInstanceId: string.nullable().default(null),
      reason: string.nullable().default(null).in('5+').ignorable(),
    }).in('3+'),
  },
  response: {
    throttleTimeMs: int32.in('1+').ignorable(),
    errorCode: int16,
    members: array({
      memberId: string,
      groupInstanceId: string.nullable(),
      errorCode: int16,
    }).in('3+'),
  },
})

export interface LeaveGroupRequest extends RequestOf<typeof leaveGroupApi> {}
export interface LeaveGroupRequestInit extends RequestInitOf<typeof leaveGroupApi> {}
export interface LeaveGroupResponse extends ResponseOf<typeof leaveGroupApi> {}
export interface LeaveGroupResponseInit extends ResponseInitOf<typeof leaveGroupApi> {}
