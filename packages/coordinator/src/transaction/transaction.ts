// One transactional id and its transaction (class TransactionMetadata), immutable, and the record that it is kept as (class TransactionLog): one
// record says all there is about an id. Only the epoch before the current one is in no record; it is known until the coordinator moves.

import { ErrorCode, KafkaError, transactionLogRecord } from '@ottla/protocol'
import { type CoordinatorRecord, isRecordOf, recordOf } from '../record.ts'
import { type TransactionStateName, transactionStates } from './states.ts'
import type { TopicPartitions } from './world.ts'

/** Stands for an id or an epoch that there is none of. */
export const none = -1

/** See the top of the file. */
export interface Transaction {
  readonly transactionalId: string
  readonly producerId: number
  /** Producer id before the last step; another one for just one step after an id's epochs were used up. */
  readonly previousProducerId: number
  /** Producer id that follows once the markers are written; `none` but where the epochs of the current one are used up. */
  readonly nextProducerId: number
  readonly producerEpoch: number
  /** Epoch that a producer who did not hear of its new one may still come with; `none` for nobody. */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly state: TransactionStateName
  /** Partitions of the transaction; none without one. */
  readonly partitions: TopicPartitions
  /** Wall clock; `none` without a transaction. */
  readonly startedAtMs: number
  /** Wall clock. */
  readonly updatedAtMs: number
  /** Version of transactions that the producer speaks: 0, or 2 with which every end of a transaction bumps the epoch (KIP-890). */
  readonly clientVersion: number
}

/** What a transactional id without a transaction has. */
export const noPartitions: TopicPartitions = new Map()

/** A producer's greatest epoch (Short.MAX_VALUE), which no producer is ever given: there must be one more to fence it with. */
export const maxProducerEpoch = 0x7fff

/** Whether a producer with this epoch cannot be given another one. */
export const isEpochExhausted = (epoch: number): boolean => epoch >= maxProducerEpoch - 1

/** Whether every end of a transaction bumps the epoch. */
export const bumpsEpoch = (transactionVersion: number): boolean => transactionVersion >= 2

/** Whether all of these partitions are in there. */
export const containsAll = (partitions: TopicPartitions, wanted: TopicPartitions): boolean => {
  for (const [topic, numbers] of wanted) {
    const known = partitions.get(topic)
    for (const number of numbers) if (known?.has(number) !== true) return false
  }
  return true
}

/** Number of partitions. */
export const countOf = (partitions: TopicPartitions): number => {
  let count = 0
  for (const numbers of partitions.values()) count += numbers.size
  return count
}

/** A transactional id that nobody used before. */
export const newTransaction = (transactionalId: string, producerId: number): Transaction => ({
  transactionalId,
  producerId,
  previousProducerId: none,
  nextProducerId: none,
  producerEpoch: none,
  lastProducerEpoch: none,
  timeoutMs: 0,
  state: 'Empty',
  partitions: noPartitions,
  startedAtMs: none,
  updatedAtMs: none,
  clientVersion: 0,
})

/** A record with what it was made of, some of which the log does not hold: the state takes it over where the record was just decided on. */
interface DecidedRecord extends CoordinatorRecord {
  readonly transaction: Transaction
}

const isDecided = (record: CoordinatorRecord): record is DecidedRecord => 'transaction' in record

/** The record of a transaction. `transactionVersion` is the finalized level of the feature. */
export const transactionRecord = (transaction: Transaction, transactionVersion: number): CoordinatorRecord => {
  const valueVersion = transactionVersion >= 1 ? 1 : 0
  // What version 0 has no place for.
  const { previousProducerId, nextProducerId, clientVersion } = valueVersion >= 1 ? transaction : newTransaction('', none)
  const { transactionalId, state, partitions } = transaction
  const record = recordOf(transactionLogRecord, {
    key: { transactionalId },
    value: {
      producerId: transaction.producerId,
      previousProducerId,
      nextProducerId,
      producerEpoch: transaction.producerEpoch,
      nextProducerEpoch: none,
      transactionTimeoutMs: transaction.timeoutMs,
      transactionStatus: transactionStates.indexOf(state),
      transactionPartitions:
        state === 'Empty' ? null : Array.from(partitions, ([topic, partitionIds]) => ({ topic, partitionIds: [...partitionIds] })),
      transactionLastUpdateTimestampMs: transaction.updatedAtMs,
      transactionStartTimestampMs: transaction.startedAtMs,
      clientTransactionVersion: clientVersion,
    },
    valueVersion,
  })
  const decided: DecidedRecord = { ...record, transaction }
  return decided
}

/** The record that forgets a transactional id. */
export const tombstone = (transactionalId: string): CoordinatorRecord =>
  recordOf(transactionLogRecord, { key: { transactionalId }, value: null })

/**
 * What a record says: a transactional id, and its transaction unless the id is forgotten. Undefined for a record of another kind.
 * @throws KafkaError CORRUPT_MESSAGE for a state that nobody knows.
 */
export const readTransaction = (
  record: CoordinatorRecord,
): { readonly transactionalId: string; readonly transaction: Transaction | null } | undefined => {
  if (!isRecordOf(record, transactionLogRecord)) return undefined
  const { transactionalId } = record.key
  const { value } = record
  if (value === null) return { transactionalId, transaction: null }
  if (isDecided(record)) return { transactionalId, transaction: record.transaction }
  const state = transactionStates[value.transactionStatus]
  if (state === undefined)
    throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, `a transaction is in state ${value.transactionStatus}, which is none`)
  return {
    transactionalId,
    transaction: {
      transactionalId,
      producerId: value.producerId,
      previousProducerId: value.previousProducerId,
      nextProducerId: value.nextProducerId,
      producerEpoch: value.producerEpoch,
      lastProducerEpoch: none,
      timeoutMs: value.transactionTimeoutMs,
      state,
      partitions: partitionsOf(value.transactionPartitions ?? []),
      startedAtMs: value.transactionStartTimestampMs,
      updatedAtMs: value.transactionLastUpdateTimestampMs,
      clientVersion: value.clientTransactionVersion,
    },
  }
}

const partitionsOf = (topics: readonly { readonly topic: string; readonly partitionIds: readonly number[] }[]): TopicPartitions =>
  topics.length === 0 ? noPartitions : new Map(topics.map(({ topic, partitionIds }) => [topic, new Set(partitionIds)]))
