import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, int16, int32, int64, records, string, struct, uuid } from '../schema.ts'

/** Appends record batches to partitions. Topics by name to version 12, by id from 13 on (KIP-516). */
export const produceApi = api({
  name: 'Produce',
  key: 0,
  versions: '3-13',
  flexible: '9+',
  request: {
    transactionalId: string.nullable().default(null),
    acks: int16,
    timeoutMs: int32,
    topicData: array({
      name: string.in('0-12').ignorable(),
      topicId: uuid.in('13+').ignorable(),
      partitionData: array({
        index: int32,
        records,
      }),
    }),
  },
  response: {
    responses: array({
      name: string.in('0-12').ignorable(),
      topicId: uuid.in('13+').ignorable(),
      partitionResponses: array({
        index: int32,
        errorCode: int16,
        baseOffset: int64,
        logAppendTimeMs: int64.default(-1),
        logStartOffset: int64.default(-1).in('5+').ignorable(),
        recordErrors: array({
          batchIndex: int32,
          batchIndexErrorMessage: string.nullable().default(null),
        })
          .in('8+')
          .ignorable(),
        errorMessage: string.nullable().default(null).in('8+').ignorable(),
        currentLeader: struct({
          leaderId: int32.default(-1),
          leaderEpoch: int32.default(-1),
        })
          .in('10+')
          .tag(0, '10+'),
      }),
    }),
    throttleTimeMs: int32.default(0),
    nodeEndpoints: array({
      nodeId: int32,
      host: string,
      port: int32,
      rack: string.nullable().default(null),
    })
      .in('10+')
      .tag(0, '10+'),
  },
})

export interface ProduceRequest extends RequestOf<typeof produceApi> {}
export interface ProduceRequestInit extends RequestInitOf<typeof produceApi> {}
export interface ProduceResponse extends ResponseOf<typeof produceApi> {}
export interface ProduceResponseInit extends ResponseInitOf<typeof produceApi> {}
