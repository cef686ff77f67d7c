// AddPartitionsToTxn and AddOffsetsToTxn (methods handleAddPartitionsToTransaction and handleVerifyPartitionsInTransaction of class
// TransactionCoordinator; KIP-98, 447, 890): no partition is written to in a transaction before the coordinator knows that it must end it there.

import {
  type AddOffsetsToTxnRequest,
  type AddOffsetsToTxnResponseInit,
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponseInit,
  ErrorCode,
  KafkaError,
} from '@ottla/protocol'
import { answered, type Decision } from '../decision.ts'
import { fencedError, impossibleState, type TransactionContext, written } from './context.ts'
import { isIdle, isPrepared } from './states.ts'
import { containsAll, type Transaction } from './transaction.ts'
import { withPartitions } from './transitions.ts'
import type { TopicPartitions, TransactionCaller } from './world.ts'

/** One transaction of an AddPartitionsToTxn request. */
export type TransactionAddition = AddPartitionsToTxnRequest['transactions'][number]
/** What became of it. */
export type TransactionAdditionResult = NonNullable<AddPartitionsToTxnResponseInit['resultsByTransaction']>[number]

/** Bytes that the partitions of a transaction may take in its record, with which it must still fit into a batch when it ends. */
const maxPartitionsBytes = 512 * 1024

/** The transactions of a request of any version: those up to version 3 have one. */
export const additionsOf = (request: AddPartitionsToTxnRequest, { apiVersion }: TransactionCaller): readonly TransactionAddition[] => {
  if (apiVersion >= 4) return request.transactions
  return [
    {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics,
    },
  ]
}

/** The same outcome for all partitions of a transaction. */
export const additionResult = ({ transactionalId, topics }: TransactionAddition, errorCode: number): TransactionAdditionResult => ({
  transactionalId,
  topicResults: topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map(partitionIndex => ({ partitionIndex, partitionErrorCode: errorCode })),
  })),
})

/** Adds partitions to a transaction, or only tells which of them are in it. Throws what concerns all of them. */
export const addPartitions = (
  context: TransactionContext,
  addition: TransactionAddition,
  { apiVersion }: TransactionCaller,
): Decision<TransactionAdditionResult> => {
  if (addition.verifyOnly) return answered(verified(known(context, addition, apiVersion), addition))
  const result = additionResult(addition, ErrorCode.NONE)
  const clientVersion = apiVersion >= 4 ? 2 : 0
  return added(context, known(context, addition, apiVersion), { partitions: partitionsOf(addition.topics), clientVersion, reply: result })
}

/** Adds the partition that has the offsets of a group. The producer does not speak transactions version 2, with which it need not ask. */
export const addOffsets = (
  context: TransactionContext,
  request: AddOffsetsToTxnRequest,
  { apiVersion, offsetsPartition }: TransactionCaller & { readonly offsetsPartition: number },
): Decision<AddOffsetsToTxnResponseInit> => {
  const partitions = new Map([['__consumer_offsets', new Set([offsetsPartition])]])
  const reply = { throttleTimeMs: 0, errorCode: ErrorCode.NONE }
  return added(context, known(context, request, apiVersion), { partitions, clientVersion: 0, reply })
}

type Producer = Pick<TransactionAddition, 'transactionalId' | 'producerId' | 'producerEpoch'>

/** The transaction of a producer that may add to it. */
const known = (context: TransactionContext, { transactionalId, producerId, producerEpoch }: Producer, apiVersion: number): Transaction => {
  if (transactionalId === '') throw new KafkaError(ErrorCode.INVALID_REQUEST, 'there is no transactional id')
  const transaction = context.transactions.get(transactionalId)
  if (transaction === undefined || transaction.producerId !== producerId)
    throw new KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING, 'the transactional id has another producer id, or none')
  if (transaction.producerEpoch !== producerEpoch) throw fencedError({ apiVersion, knowsFencedSince: 2 })
  if (isPrepared(transaction.state)) throw new KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS, 'the transaction before is still being ended')
  return transaction
}

const verified = ({ partitions }: Transaction, { transactionalId, topics }: TransactionAddition): TransactionAdditionResult => ({
  transactionalId,
  topicResults: topics.map(({ name, partitions: numbers }) => ({
    name,
    resultsByPartition: numbers.map(partitionIndex => ({
      partitionIndex,
      partitionErrorCode: partitions.get(name)?.has(partitionIndex) === true ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE,
    })),
  })),
})

interface Added<R> {
  readonly partitions: TopicPartitions
  readonly clientVersion: number
  readonly reply: R
}

const added = <R>(context: TransactionContext, transaction: Transaction, { partitions, clientVersion, reply }: Added<R>): Decision<R> => {
  const { state } = transaction
  if (state === 'Ongoing' && containsAll(transaction.partitions, partitions)) return answered(reply)
  if (state !== 'Ongoing' && !isIdle(state)) throw impossibleState(transaction, context)
  const next = withPartitions(transaction, partitions, { nowMs: context.world.clock.now(), clientVersion })
  if (sizeOf(next.partitions) > maxPartitionsBytes)
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `the partitions of a transaction take ${maxPartitionsBytes} bytes at most`)
  return written(context, next, reply)
}

const partitionsOf = (topics: TransactionAddition['topics']): TopicPartitions => {
  const partitions = new Map<string, Set<number>>()
  for (const { name, partitions: numbers } of topics) {
    const named = partitions.get(name)
    if (named === undefined) partitions.set(name, new Set(numbers))
    else for (const number of numbers) named.add(number)
  }
  return partitions
}

const sizeOf = (partitions: TopicPartitions): number => {
  let size = 0
  for (const [topic, numbers] of partitions) size += 8 + Buffer.byteLength(topic) + 4 * numbers.size
  return size
}
