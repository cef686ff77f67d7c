import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, string } from '../schema.ts'

/** Adds partitions to topics. */
export const createPartitionsApi = api({
  name: 'CreatePartitions',
  key: 37,
  versions: '0-3',
  flexible: '2+',
  request: {
    topics: array({
      name: string,
      count: int32,
      assignments: array({
        brokerIds: array(int32),
      }).nullable(),
    }),
    timeoutMs: int32,
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      name: string,
      errorCode: int16,
      errorMessage: string.nullable().default(null),
    }),
  },
})

export interface CreatePartitionsRequest extends RequestOf<typeof createPartitionsApi> {}
export interface CreatePartitionsRequestInit extends RequestInitOf<typeof createPartitionsApi> {}
export interface CreatePartitionsResponse extends ResponseOf<typeof createPartitionsApi> {}
export interface CreatePartitionsResponseInit extends ResponseInitOf<typeof createPartitionsApi> {}
