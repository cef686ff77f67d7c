import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, int8, string } from '../schema.ts'

/** Looks up offsets by timestamp, and the ends of the log by special timestamps. */
export const listOffsetsApi = api({
  name: 'ListOffsets',
  key: 2,
  versions: '1-11',
  flexible: '6+',
  request: {
    replicaId: int32,
    isolationLevel: int8.in('2+'),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        currentLeaderEpoch: int32.default(-1).in('4+').ignorable(),
        timestamp: int64,
      }),
    }),
    timeoutMs: int32.in('10+').ignorable(),
  },
  response: {
    throttleTimeMs: int32.in('2+').ignorable(),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        timestamp: int64.default(-1),
        offset: int64.default(-1),
        leaderEpoch: int32.default(-1).in('4+'),
      }),
    }),
  },
})

export interface ListOffsetsRequest extends RequestOf<typeof listOffsetsApi> {}
export interface ListOffsetsRequestInit extends RequestInitOf<typeof listOffsetsApi> {}
export interface ListOffsetsResponse extends ResponseOf<typeof listOffsetsApi> {}
export interface ListOffsetsResponseInit extends ResponseInitOf<typeof listOffsetsApi> {}
