import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string } from '../schema.ts'

/** Says where a leader epoch ended (KIP-101, KIP-320). */
export const offsetForLeaderEpochApi = api({
  name: 'OffsetForLeaderEpoch',
  key: 23,
  versions: '2-4',
  flexible: '4+',
  request: {
    replicaId: int32.default(-2).in('3+').ignorable(),
    topics: array({
      topic: string,
      partitions: array({
        partition: int32,
        currentLeaderEpoch: int32.default(-1),
        leaderEpoch: int32,
      }),
    }),
  },
  response: {
    throttleTimeMs: int32,
    topics: array({
      topic: string,
      partitions: array({
        errorCode: int16,
        partition: int32,
        leaderEpoch: int32.default(-1),
        endOffset: int64.default(-1),
      }),
    }),
  },
})

export interface OffsetForLeaderEpochRequest extends RequestOf<typeof offsetForLeaderEpochApi> {}
export interface OffsetForLeaderEpochRequestInit extends RequestInitOf<typeof offsetForLeaderEpochApi> {}
export interface OffsetForLeaderEpochResponse extends ResponseOf<typeof offsetForLeaderEpochApi> {}
export interface OffsetForLeaderEpochResponseInit extends ResponseInitOf<typeof offsetForLeaderEpochApi> {}
