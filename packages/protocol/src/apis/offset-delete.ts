import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, string } from '../schema.ts'

/** Deletes offsets of a group (KIP-496). */
export const offsetDeleteApi = api({
  name: 'OffsetDelete',
  key: 47,
  versions: '0',
  flexible: 'none',
  request: {
    groupId: string,
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
      }),
    }),
  },
  response: {
    errorCode: int16,
    throttleTimeMs: int32,
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
      }),
    }),
  },
})

export interface OffsetDeleteRequest extends RequestOf<typeof offsetDeleteApi> {}
export interface OffsetDeleteRequestInit extends RequestInitOf<typeof offsetDeleteApi> {}
export interface OffsetDeleteResponse extends ResponseOf<typeof offsetDeleteApi> {}
export interface OffsetDeleteResponseInit extends ResponseInitOf<typeof offsetDeleteApi> {}
