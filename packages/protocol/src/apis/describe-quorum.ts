import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, string, uint16, uuid } from '../schema.ts'

const replicaState = {
  replicaId: int32,
  replicaDirectoryId: uuid.in('2+'),
  logEndOffset: int64,
  lastFetchTimestamp: int64.default(-1).in('1+').ignorable(),
  lastCaughtUpTimestamp: int64.default(-1).in('1+').ignorable(),
}

/** State of the metadata quorum (KIP-595). */
export const describeQuorumApi = api({
  name: 'DescribeQuorum',
  key: 55,
  versions: '0-2',
  flexible: '0+',
  request: {
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
      }),
    }),
  },
  response: {
    errorCode: int16,
    errorMessage: string.nullable().in('2+').ignorable(),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: string.nullable().in('2+').ignorable(),
        leaderId: int32,
        leaderEpoch: int32,
        highWatermark: int64,
        currentVoters: array(replicaState),
        observers: array(replicaState),
      }),
    }),
    nodes: array({
      nodeId: int32,
      listeners: array({
        name: string,
        host: string,
        port: uint16,
      }),
    }).in('2+'),
  },
})

export interface DescribeQuorumRequest extends RequestOf<typeof describeQuorumApi> {}
export interface DescribeQuorumRequestInit extends RequestInitOf<typeof describeQuorumApi> {}
export interface DescribeQuorumResponse extends ResponseOf<typeof describeQuorumApi> {}
export interface DescribeQuorumResponseInit extends ResponseInitOf<typeof describeQuorumApi> {}
