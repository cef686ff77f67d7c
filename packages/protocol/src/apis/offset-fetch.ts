import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int64, string, uuid } from '../schema.ts'

/** Reads a group's offsets; several groups at once from version 8 on (KIP-709). */
export const offsetFetchApi = api({
  name: 'OffsetFetch',
  key: 9,
  versions: '1-10',
  flexible: '6+',
  request: {
    groupId: string.in('0-7'),
    topics: array({
      name: string,
      partitionIndexes: array(int32),
    })
      .nullable('2-7')
      .in('0-7'),
    groups: array({
      groupId: string,
      memberId: string.nullable().default(null).in('9+').ignorable(),
      memberEpoch: int32.default(-1).in('9+').ignorable(),
      topics: array({
        name: string.in('8-9').ignorable(),
        topicId: uuid.in('10+').ignorable(),
        partitionIndexes: array(int32),
      }).nullable(),
    }).in('8+'),
    requireStable: bool.default(false).in('7+'),
  },
  response: {
    throttleTimeMs: int32.in('3+').ignorable(),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: int32.default(-1).in('5-7').ignorable(),
        metadata: string.nullable(),
        errorCode: int16,
      }),
    }).in('0-7'),
    errorCode: int16.default(0).in('2-7').ignorable(),
    groups: array({
      groupId: string,
      topics: array({
        name: string.in('8-9').ignorable(),
        topicId: uuid.in('10+').ignorable(),
        partitions: array({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: int32.default(-1),
          metadata: string.nullable(),
          errorCode: int16,
        }),
      }),
      errorCode: int16.default(0),
    }).in('8+'),
  },
})

export interface OffsetFetchRequest extends RequestOf<typeof offsetFetchApi> {}
export interface OffsetFetchRequestInit extends RequestInitOf<typeof offsetFetchApi> {}
export interface OffsetFetchResponse extends ResponseOf<typeof offsetFetchApi> {}
export interface OffsetFetchResponseInit extends ResponseInitOf<typeof offsetFetchApi> {}
