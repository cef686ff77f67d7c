import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string, uuid } from '../schema.ts'

/** Reads where share partitions begin; between brokers (KIP-932). */
export const readShareGroupStateSummaryApi = api({
  name: 'ReadShareGroupStateSummary',
  key: 87,
  versions: '0-1',
  flexible: '0+',
  request: {
    groupId: string,
    topics: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        leaderEpoch: int32,
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
        stateEpoch: int32,
        leaderEpoch: int32,
        startOffset: int64,
        deliveryCompleteCount: int32.default(-1).in('1+').ignorable(),
      }),
    }),
  },
})

export interface ReadShareGroupStateSummaryRequest extends RequestOf<typeof readShareGroupStateSummaryApi> {}
export interface ReadShareGroupStateSummaryRequestInit extends RequestInitOf<typeof readShareGroupStateSummaryApi> {}
export interface ReadShareGroupStateSummaryResponse extends ResponseOf<typeof readShareGroupStateSummaryApi> {}
export interface ReadShareGroupStateSummaryResponseInit extends ResponseInitOf<typeof readShareGroupStateSummaryApi> {}
