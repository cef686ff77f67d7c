import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, int16, int32, string } from '../schema.ts'

/** Keeps a member of a classic group alive. */
export const heartbeatApi = api({
  name: 'Heartbeat',
  key: 12,
  versions: '0-4',
  flexible: '4+',
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: string.nullable().default(null).in('3+'),
  },
  response: {
    throttleTimeMs: int32.in('1+').ignorable(),
    errorCode: int16,
  },
})

export interface HeartbeatRequest extends RequestOf<typeof heartbeatApi> {}
export interface HeartbeatRequestInit extends RequestInitOf<typeof heartbeatApi> {}
export interface HeartbeatResponse extends ResponseOf<typeof heartbeatApi> {}
export interface HeartbeatResponseInit extends ResponseInitOf<typeof heartbeatApi> {}
