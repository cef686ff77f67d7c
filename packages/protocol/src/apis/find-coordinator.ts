import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int8, string } from '../schema.ts'

/** Says which broker coordinates a group, a transactional id or a share group; several keys from version 4 on (KIP-699). */
export const findCoordinatorApi = api({
  name: 'FindCoordinator',
  key: 10,
  versions: '0-6',
  flexible: '3+',
  request: {
    key: string.in('0-3'),
    keyType: int8.default(0).in('1+'),
    coordinatorKeys: array(string).in('4+'),
  },
  response: {
    throttleTimeMs: int32.in('1+').ignorable(),
    errorCode: int16.in('0-3'),
    errorMessage: string.nullable().in('1-3').ignorable(),
    nodeId: int32.in('0-3'),
    host: string.in('0-3'),
    port: int32.in('0-3'),
    coordinators: array({
      key: string,
      nodeId: int32,
      host: string,
      port: int32,
      errorCode: int16,
      errorMessage: string.nullable(),
    }).in('4+'),
  },
})

export interface FindCoordinatorRequest extends RequestOf<typeof findCoordinatorApi> {}
export interface FindCoordinatorRequestInit extends RequestInitOf<typeof findCoordinatorApi> {}
export interface FindCoordinatorResponse extends ResponseOf<typeof findCoordinatorApi> {}
export interface FindCoordinatorResponseInit extends ResponseInitOf<typeof findCoordinatorApi> {}
