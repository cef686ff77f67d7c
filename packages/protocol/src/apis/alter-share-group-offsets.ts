import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string, uuid } from '../schema.ts'

/** Moves where share partitions begin (KIP-932). */
export const alterShareGroupOffsetsApi = api({
  name: 'AlterShareGroupOffsets',
  key: 91,
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string,
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        startOffset: int64,
      }),
    }),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    responses: array({
      topicName: string,
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: string.nullable().default(null),
      }),
    }),
  },
})

export interface AlterShareGroupOffsetsRequest extends RequestOf<typeof alterShareGroupOffsetsApi> {}
export interface AlterShareGroupOffsetsRequestInit extends RequestInitOf<typeof alterShareGroupOffsetsApi> {}
export interface AlterShareGroupOffsetsResponse extends ResponseOf<typeof alterShareGroupOffsetsApi> {}
export interface AlterShareGroupOffsetsResponseInit extends ResponseInitOf<typeof alterShareGroupOffsetsApi> {}
