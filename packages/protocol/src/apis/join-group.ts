import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, bytes, int16, int32, string } from '../schema.ts'

/** Enters a classic group. */
export const joinGroupApi = api({
  name: 'JoinGroup',
  key: 11,
  versions: '0-9',
  flexible: '6+',
  request: {
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: int32.default(-1).in('1+').ignorable(),
    memberId: string,
    groupInstanceId: string.nullable().default(null).in('5+'),
    protocolType: string,
    protocols: array({
      name: string,
      metadata: bytes,
    }),
    reason: string.nullable().default(null).in('8+').ignorable(),
  },
  response: {
    throttleTimeMs: int32.in('2+').ignorable(),
    errorCode: int16,
    generationId: int32.default(-1),
    protocolType: string.nullable().default(null).in('7+').ignorable(),
    protocolName: string.nullable('7+'),
    leader: string,
    skipAssignment: bool.default(false).in('9+'),
    memberId: string,
    members: array({
      memberId: string,
      groupInstanceId: string.nullable().default(null).in('5+').ignorable(),
      metadata: bytes,
    }),
  },
})

export interface JoinGroupRequest extends RequestOf<typeof joinGroupApi> {}
export interface JoinGroupRequestInit extends RequestInitOf<typeof joinGroupApi> {}
export interface JoinGroupResponse extends ResponseOf<typeof joinGroupApi> {}
export interface JoinGroupResponseInit extends ResponseInitOf<typeof joinGroupApi> {}
