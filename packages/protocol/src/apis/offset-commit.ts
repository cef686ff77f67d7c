import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string, uuid } from '../schema.ts'

/** Stores a group's offsets. */
export const offsetCommitApi = api({
  name: 'OffsetCommit',
  key: 8,
  versions: '2-10',
  flexible: '8+',
  request: {
    groupId: string,
    generationIdOrMemberEpoch: int32.default(-1),
    memberId: string,
    groupInstanceId: string.nullable().default(null).in('7+'),
    retentionTimeMs: int64.default(-1).in('2-4').ignorable(),
    topics: array({
      name: string.in('0-9').ignorable(),
      topicId: uuid.in('10+').ignorable(),
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: int32.default(-1).in('6+').ignorable(),
        committedMetadata: string.nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32.in('3+').ignorable(),
    topics: array({
      name: string.in('0-9').ignorable(),
      topicId: uuid.in('10+').ignorable(),
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
      }),
    }),
  },
})

export interface OffsetCommitRequest extends RequestOf<typeof offsetCommitApi> {}
export interface OffsetCommitRequestInit extends RequestInitOf<typeof offsetCommitApi> {}
export interface OffsetCommitResponse extends ResponseOf<typeof offsetCommitApi> {}
export interface OffsetCommitResponseInit extends ResponseInitOf<typeof offsetCommitApi> {}
