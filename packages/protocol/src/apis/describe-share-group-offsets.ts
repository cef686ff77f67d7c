import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string, uuid } from '../schema.ts'

/** Where share partitions begin (KIP-932). */
export const describeShareGroupOffsetsApi = api({
  name: 'DescribeShareGroupOffsets',
  key: 90,
  versions: '0-1',
  flexible: '0+',
  request: {
    groups: array({
      groupId: string,
      topics: array({
        topicName: string,
        partitions: array(int32),
      }).nullable(),
    }),
  },
  response: {
    throttleTimeMs: int32,
    groups: array({
      groupId: string,
      topics: array({
        topicName: string,
        topicId: uuid,
        partitions: array({
          partitionIndex: int32,
          startOffset: int64,
          leaderEpoch: int32,
          lag: int64.default(-1).in('1+').ignorable(),
          errorCode: int16,
          errorMessage: string.nullable().default(null),
        }),
      }),
      errorCode: int16,
      errorMessage: string.nullable().default(null),
    }),
  },
})

export interface DescribeShareGroupOffsetsRequest extends RequestOf<typeof describeShareGroupOffsetsApi> {}
export interface DescribeShareGroupOffsetsRequestInit extends RequestInitOf<typeof describeShareGroupOffsetsApi> {}
export interface DescribeShareGroupOffsetsResponse extends ResponseOf<typeof describeShareGroupOffsetsApi> {}
export interface DescribeShareGroupOffsetsResponseInit extends ResponseInitOf<typeof describeShareGroupOffsetsApi> {}
