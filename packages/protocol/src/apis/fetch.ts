import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, int8, records, string, struct, uuid } from '../schema.ts'

/** Reads record batches; sessions from version 7 on (KIP-227), topic ids from 13 on (KIP-516). Also what replicas use. */
export const fetchApi = api({
  name: 'Fetch',
  key: 1,
  versions: '4-18',
  flexible: '12+',
  request: {
    clusterId: string.nullable().default(null).in('12+').tag(0, '12+').ignorable(),
    replicaId: int32.default(-1).in('0-14'),
    replicaState: struct({
      replicaId: int32.default(-1),
      replicaEpoch: int64.default(-1),
    })
      .in('15+')
      .tag(1, '15+'),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32.default(0x7fffffff),
    isolationLevel: int8.default(0),
    sessionId: int32.default(0).in('7+').ignorable(),
    sessionEpoch: int32.default(-1).in('7+').ignorable(),
    topics: array({
      topic: string.in('0-12').ignorable(),
      topicId: uuid.in('13+').ignorable(),
      partitions: array({
        partition: int32,
        currentLeaderEpoch: int32.default(-1).in('9+').ignorable(),
        fetchOffset: int64,
        lastFetchedEpoch: int32.default(-1).in('12+'),
        logStartOffset: int64.default(-1).in('5+').ignorable(),
        partitionMaxBytes: int32,
        replicaDirectoryId: uuid.in('17+').tag(0, '17+').ignorable(),
        highWatermark: int64.default(Number.MAX_SAFE_INTEGER).in('18+').tag(1, '18+').ignorable(),
      }),
    }),
    forgottenTopicsData: array({
      topic: string.in('7-12').ignorable(),
      topicId: uuid.in('13+').ignorable(),
      partitions: array(int32),
    }).in('7+'),
    rackId: string.default('').in('11+').ignorable(),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16.in('7+').ignorable(),
    sessionId: int32.default(0).in('7+'),
    responses: array({
      topic: string.in('0-12').ignorable(),
      topicId: uuid.in('13+').ignorable(),
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        highWatermark: int64,
        lastStableOffset: int64.default(-1),
        logStartOffset: int64.default(-1).in('5+').ignorable(),
        divergingEpoch: struct({
          epoch: int32.default(-1),
          endOffset: int64.default(-1),
        })
          .in('12+')
          .tag(0, '12+'),
        currentLeader: struct({
          leaderId: int32.default(-1),
          leaderEpoch: int32.default(-1),
        })
          .in('12+')
          .tag(1, '12+'),
        snapshotId: struct({
          endOffset: int64.default(-1),
          epoch: int32.default(-1),
        })
          .in('12+')
          .tag(2, '12+'),
        abortedTransactions: array({
          producerId: int64,
          firstOffset: int64,
        }).nullable(),
        preferredReadReplica: int32.default(-1).in('11+'),
        records,
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32,
      host: string,
      port: int32,
      rack: string.nullable().default(null),
    })
      .in('16+')
      .tag(0, '16+'),
  },
})

export interface FetchRequest extends RequestOf<typeof fetchApi> {}
export interface FetchRequestInit extends RequestInitOf<typeof fetchApi> {}
export interface FetchResponse extends ResponseOf<typeof fetchApi> {}
export interface FetchResponseInit extends ResponseInitOf<typeof fetchApi> {}
