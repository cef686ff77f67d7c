import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int8, string, uuid } from '../schema.ts'

/** Creates topics. */
export const createTopicsApi = api({
  name: 'CreateTopics',
  key: 19,
  versions: '2-7',
  flexible: '5+',
  request: {
    topics: array({
      name: string,
      numPartitions: int32,
      replicationFactor: int16,
      assignments: array({
        partitionIndex: int32,
        brokerIds: array(int32),
      }),
      configs: array({
        name: string,
        value: string.nullable(),
      }),
    }),
    timeoutMs: int32.default(60000),
    validateOnly: bool.default(false),
  },
  response: {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      topicId: uuid.in('7+').ignorable(),
      errorCode: int16,
      errorMessage: string.nullable(),
      topicConfigErrorCode: int16.in('5+').tag(0, '5+').ignorable(),
      numPartitions: int32.default(-1).in('5+').ignorable(),
      replicationFactor: int16.default(-1).in('5+').ignorable(),
      configs: array({
        name: string,
        value: string.nullable(),
        readOnly: bool,
        configSource: int8.default(-1),
        isSensitive: bool,
      })
        .nullable()
        .in('5+')
        .ignorable(),
    }),
  },
})

export interface CreateTopicsRequest extends RequestOf<typeof createTopicsApi> {}
export interface CreateTopicsRequestInit extends RequestInitOf<typeof createTopicsApi> {}
export interface CreateTopicsResponse extends ResponseOf<typeof createTopicsApi> {}
export interface CreateTopicsResponseInit extends ResponseInitOf<typeof createTopicsApi> {}
