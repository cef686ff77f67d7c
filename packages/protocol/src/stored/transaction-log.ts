import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int16, int32, int64, int8, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const transactionLogKey = message({
  name: 'TransactionLogKey',
  versions: '0',
  flexible: 'none',
  fields: {
    transactionalId: string,
  },
})

export const transactionLogValue = message({
  name: 'TransactionLogValue',
  versions: '0-1',
  flexible: '1+',
  fields: {
    producerId: int64,
    previousProducerId: int64.default(-1).in('1+').tag(0, '1+'),
    nextProducerId: int64.default(-1).in('1+').tag(1, '1+'),
    producerEpoch: int16,
    nextProducerEpoch: int16.default(-1).in('1+').tag(3, '1+'),
    transactionTimeoutMs: int32,
    transactionStatus: int8,
    transactionPartitions: array({
      topic: string,
      partitionIds: array(int32),
    }).nullable(),
    transactionLastUpdateTimestampMs: int64,
    transactionStartTimestampMs: int64,
    clientTransactionVersion: int16.default(0).in('1+').tag(2, '1+'),
  },
})

/** A transactional id and its transaction. */
export const transactionLogRecord = coordinatorRecord({
  topic: '__transaction_state',
  type: 0,
  key: transactionLogKey,
  value: transactionLogValue,
})

export interface TransactionLogKey extends MessageOf<typeof transactionLogKey> {}
export interface TransactionLogKeyInit extends MessageInitOf<typeof transactionLogKey> {}
export interface TransactionLogValue extends MessageOf<typeof transactionLogValue> {}
export interface TransactionLogValueInit extends MessageInitOf<typeof transactionLogValue> {}
