import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string } from '../schema.ts'

/** Stores a group's offsets within a transaction. */
export const txnOffsetCommitApi = api({
  name: 'TxnOffsetCommit',
  key: 28,
  versions: '0-5',
  flexible: '3+',
  request: {
    transactionalId: string,
    groupId: string,
    producerId: int64,
    producerEpoch: int16,
    generationId: int32.default(-1).in('3+'),
    memberId: string.default('').in('3+'),
    groupInstanceId: string.nullable().default(null).in('3+'),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: int32.default(-1).in('2+').ignorable(),
        committedMetadata: string.nullable(),
      }),
    }),
  },
  response: {
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

export interface TxnOffsetCommitRequest extends RequestOf<typeof txnOffsetCommitApi> {}
export interface TxnOffsetCommitRequestInit extends RequestInitOf<typeof txnOffsetCommitApi> {}
export interface TxnOffsetCommitResponse extends ResponseOf<typeof txnOffsetCommitApi> {}
export interface TxnOffsetCommitResponseInit extends ResponseInitOf<typeof txnOffsetCommitApi> {}
