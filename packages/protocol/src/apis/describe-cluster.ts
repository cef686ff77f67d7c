import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int8, string } from '../schema.ts'

/** Cluster id, controller and brokers (KIP-700). */
export const describeClusterApi = api({
  name: 'DescribeCluster',
  key: 60,
  versions: '0-2',
  flexible: '0+',
  request: {
    includeClusterAuthorizedOperations: bool,
    endpointType: int8.default(1).in('1+'),
    includeFencedBrokers: bool.in('2+'),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    endpointType: int8.default(1).in('1+'),
    clusterId: string,
    controllerId: int32.default(-1),
    brokers: array({
      brokerId: int32,
      host: string,
      port: int32,
      rack: string.nullable().default(null),
      isFenced: bool.in('2+'),
    }),
    clusterAuthorizedOperations: int32.default(-2147483648),
  },
})

export interface DescribeClusterRequest extends RequestOf<typeof describeClusterApi> {}
export interface DescribeClusterRequestInit extends RequestInitOf<typeof describeClusterApi> {}
export interface DescribeClusterResponse extends ResponseOf<typeof describeClusterApi> {}
export interface DescribeClusterResponseInit extends ResponseInitOf<typeof describeClusterApi> {}
