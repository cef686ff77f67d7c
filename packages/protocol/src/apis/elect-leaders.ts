import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int8, string } from '../schema.ts'

/** Elects preferred or unclean leaders (KIP-460). */
export const electLeadersApi = api({
  name: 'ElectLeaders',
  key: 43,
  versions: '0-2',
  flexible: '2+',
  request: {
    electionType: int8.in('1+'),
    topicPartitions: array({
      topic: string,
      partitions: array(int32),
    }).nullable(),
    timeoutMs: int32.default(60000),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16.in('1+'),
    replicaElectionResults: array({
      topic: string,
      partitionResult: array({
        partitionId: int32,
        errorCode: int16,
        errorMessage: string.nullable(),
      }),
    }),
  },
})

export interface ElectLeadersRequest extends RequestOf<typeof electLeadersApi> {}
export interface ElectLeadersRequestInit extends RequestInitOf<typeof electLeadersApi> {}
export interface ElectLeadersResponse extends ResponseOf<typeof electLeadersApi> {}
export interface ElectLeadersResponseInit extends ResponseInitOf<typeof electLeadersApi> {}
