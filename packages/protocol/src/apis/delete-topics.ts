import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, string, uuid } from '../schema.ts'

/** Deletes topics, by id from version 6 on (KIP-516). */
export const deleteTopicsApi = api({
  name: 'DeleteTopics',
  key: 20,
  versions: '1-6',
  flexible: '4+',
  request: {
    topics: array({
      name: string.nullable().default(null),
      topicId: uuid,
    }).in('6+'),
    topicNames: array(string).in('0-5').ignorable(),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: int32,
    responses: array({
      name: string.nullable('6+'),
      topicId: uuid.in('6+').ignorable(),
      errorCode: int16,
      errorMessage: string.nullable().default(null).in('5+').ignorable(),
    }),
  },
})

export interface DeleteTopicsRequest extends RequestOf<typeof deleteTopicsApi> {}
export interface DeleteTopicsRequestInit extends RequestInitOf<typeof deleteTopicsApi> {}
export interface DeleteTopicsResponse extends ResponseOf<typeof deleteTopicsApi> {}
export interface DeleteTopicsResponseInit extends ResponseInitOf<typeof deleteTopicsApi> {}
