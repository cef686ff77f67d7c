import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, string } from '../schema.ts'

/** Starts and cancels reassignments (KIP-455). */
export const alterPartitionReassignmentsApi = api({
  name: 'AlterPartitionReassignments',
  key: 45,
  versions: '0-1',
  flexible: '0+',
  request: {
    timeoutMs: int32.default(60000),
    allowReplicationFactorChange: bool.default(true).in('1+'),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        replicas: array(int32).nullable().default(null),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32,
    allowReplicationFactorChange: bool.default(true).in('1+').ignorable(),
    errorCode: int16,
    errorMessage: string.nullable(),
    responses: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: string.nullable(),
      }),
    }),
  },
})

export interface AlterPartitionReassignmentsRequest extends RequestOf<typeof alterPartitionReassignmentsApi> {}
export interface AlterPartitionReassignmentsRequestInit extends RequestInitOf<typeof alterPartitionReassignmentsApi> {}
export interface AlterPartitionReassignmentsResponse extends ResponseOf<typeof alterPartitionReassignmentsApi> {}
export interface AlterPartitionReassignmentsResponseInit extends ResponseInitOf<typeof alterPartitionReassignmentsApi> {}
