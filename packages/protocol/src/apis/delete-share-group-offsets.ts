import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, string, uuid } from '../schema.ts'

/** Forgets where share partitions begin (KIP-932). */
export const deleteShareGroupOffsetsApi = api({
  name: 'DeleteShareGroupOffsets',
  key: 92,
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string,
    topics: array({
      topicName: string,
    }),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    responses: array({
      topicName: string,
      topicId: uuid,
      errorCode: int16,
      errorMessage: string.nullable().default(null),
    }),
  },
})

export interface DeleteShareGroupOffsetsRequest extends RequestOf<typeof deleteShareGroupOffsetsApi> {}
export interface DeleteShareGroupOffsetsRequestInit extends RequestInitOf<typeof deleteShareGroupOffsetsApi> {}
export interface DeleteShareGroupOffsetsResponse extends ResponseOf<typeof deleteShareGroupOffsetsApi> {}
export interface DeleteShareGroupOffsetsResponseInit extends ResponseInitOf<typeof deleteShareGroupOffsetsApi> {}
