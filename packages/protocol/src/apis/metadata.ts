import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, string, uuid } from '../schema.ts'

/** Brokers, topics, partitions and leaders; may create topics. Topic ids from version 10 on (KIP-516). */
export const metadataApi = api({
  name: 'Metadata',
  key: 3,
  versions: '0-13',
  flexible: '9+',
  request: {
    topics: array({
      topicId: uuid.in('10+').ignorable(),
      name: string.nullable('10+'),
    }).nullable('1+'),
    allowAutoTopicCreation: bool.default(true).in('4+'),
    includeClusterAuthorizedOperations: bool.in('8-10'),
    includeTopicAuthorizedOperations: bool.in('8+'),
  },
  response: {
    throttleTimeMs: int32.in('3+').ignorable(),
    brokers: array({
      nodeId: int32,
      host: string,
      port: int32,
      rack: string.nullable().default(null).in('1+').ignorable(),
    }),
    clusterId: string.nullable().default(null).in('2+').ignorable(),
    controllerId: int32.default(-1).in('1+').ignorable(),
    topics: array({
      errorCode: int16,
      name: string.nullable('12+'),
      topicId: uuid.in('10+').ignorable(),
      isInternal: bool.default(false).in('1+').ignorable(),
      partitions: array({
        errorCode: int16,
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: int32.default(-1).in('7+').ignorable(),
        replicaNodes: array(int32),
        isrNodes: array(int32),
        offlineReplicas: array(int32).in('5+').ignorable(),
      }),
      topicAuthorizedOperations: int32.default(-2147483648).in('8+'),
    }),
    clusterAuthorizedOperations: int32.default(-2147483648).in('8-10'),
    errorCode: int16.in('13+').ignorable(),
  },
})

export interface MetadataRequest extends RequestOf<typeof metadataApi> {}
export interface MetadataRequestInit extends RequestInitOf<typeof metadataApi> {}
export interface MetadataResponse extends ResponseOf<typeof metadataApi> {}
export interface MetadataResponseInit extends ResponseInitOf<typeof metadataApi> {}
