import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int64, string } from '../schema.ts'

const addPartitionsToTxnTopic = {
  name: string,
  partitions: array(int32),
}

const addPartitionsToTxnPartitionResult = {
  partitionIndex: int32,
  partitionErrorCode: int16,
}

const addPartitionsToTxnTopicResult = {
  name: string,
  resultsByPartition: array(addPartitionsToTxnPartitionResult),
}

/** Adds partitions to a transaction; several transactions from version 4 on, for brokers (KIP-890). */
export const addPartitionsToTxnApi = api({
  name: 'AddPartitionsToTxn',
  key: 24,
  versions: '0-5',
  flexible: '3+',
  request: {
    transactions: array({
      transactionalId: string,
      producerId: int64,
      producerEpoch: int16,
      verifyOnly: bool.default(false),
      topics: array(addPartitionsToTxnTopic),
    }).in('4+'),
    v3AndBelowTransactionalId: string.in('0-3'),
    v3AndBelowProducerId: int64.in('0-3'),
    v3AndBelowProducerEpoch: int16.in('0-3'),
    v3AndBelowTopics: array(addPartitionsToTxnTopic).in('0-3'),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16.in('4+').ignorable(),
    resultsByTransaction: array({
      transactionalId: string,
      topicResults: array(addPartitionsToTxnTopicResult),
    }).in('4+'),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResult).in('0-3'),
  },
})

export interface AddPartitionsToTxnRequest extends RequestOf<typeof addPartitionsToTxnApi> {}
export interface AddPartitionsToTxnRequestInit extends RequestInitOf<typeof addPartitionsToTxnApi> {}
export interface AddPartitionsToTxnResponse extends ResponseOf<typeof addPartitionsToTxnApi> {}
export interface AddPartitionsToTxnResponseInit extends ResponseInitOf<typeof addPartitionsToTxnApi> {}
