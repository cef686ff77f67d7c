import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, string, uuid } from '../schema.ts'

/** Deletes the stored state of share partitions; between brokers (KIP-932). */
export const deleteShareGroupStateApi = api({
  name: 'DeleteShareGroupState',
  key: 86,
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string,
    topics: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
      }),
    }),
  },
  response: {
    results: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        errorCode: int16,
        errorMessage: string.nullable().default(null),
      }),
    }),
  },
})

export interface DeleteShareGroupStateRequest extends RequestOf<typeof deleteShareGroupStateApi> {}
export interface DeleteShareGroupStateRequestInit extends RequestInitOf<typeof deleteShareGroupStateApi> {}
export interface DeleteShareGroupStateResponse extends ResponseOf<typeof deleteShareGroupStateApi> {}
export interface DeleteShareGroupStateResponseInit extends ResponseInitOf<typeof deleteShareGroupStateApi> {}
