import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, string } from '../schema.ts'

/** Reassignments that are going on (KIP-455). */
export const listPartitionReassignmentsApi = api({
  name: 'ListPartitionReassignments',
  key: 46,
  versions: '0',
  flexible: '0+',
  request: {
    timeoutMs: int32.default(60000),
    topics: array({
      name: string,
      partitionIndexes: array(int32),
    })
      .nullable()
      .default(null),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable(),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        replicas: array(int32),
        addingReplicas: array(int32),
        removingReplicas: array(int32),
      }),
    }),
  },
})

export interface ListPartitionReassignmentsRequest extends RequestOf<typeof listPartitionReassignmentsApi> {}
export interface ListPartitionReassignmentsRequestInit extends RequestInitOf<typeof listPartitionReassignmentsApi> {}
export interface ListPartitionReassignmentsResponse extends ResponseOf<typeof listPartitionReassignmentsApi> {}
export interface ListPartitionReassignmentsResponseInit extends ResponseInitOf<typeof listPartitionReassignmentsApi> {}
