// What the commands of transactions work with, and the decisions that they have in common.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { Decision } from '../decision.ts'
import type { MarkerRounds } from './markers.ts'
import { isPrepared } from './states.ts'
import { type Transaction, transactionRecord } from './transaction.ts'
import type { Transactions } from './transactions.ts'
import type { TransactionWorld } from './world.ts'

/** One coordinator partition, as its commands see it. */
export interface TransactionContext {
  readonly world: TransactionWorld
  readonly transactions: Transactions
  readonly markers: MarkerRounds
  /** Decides after a wait; refused once the state is given up. */
  readonly run: <R>(decide: () => Decision<R>) => R | Promise<R>
}

/** Writes a transaction's next state. Once an outcome is committed its markers go out. */
export const written = <R>({ world, markers }: TransactionContext, transaction: Transaction, reply: R): Decision<R> => ({
  records: [transactionRecord(transaction, world.settings.transactionVersion)],
  reply,
  settled: error => {
    if (error === null && isPrepared(transaction.state)) markers.begin(transaction.transactionalId)
  },
})

/** Decides with a new producer id: at once where one is at hand, anew when it comes else. */
export const withProducerId = <R>({ world, run }: TransactionContext, decide: (producerId: number) => Decision<R>): Decision<R> => {
  const next = world.producerIds.next()
  if (typeof next === 'number') return decide(next)
  return { records: [], reply: next.then(producerId => run(() => decide(producerId))) }
}

/** Clients before these versions know no PRODUCER_FENCED (KIP-360 and KIP-588). */
export interface FencingVersions {
  readonly apiVersion: number
  readonly knowsFencedSince: number
}

/** The error of a producer whose place another one has taken. */
export const fencedError = ({ apiVersion, knowsFencedSince }: FencingVersions): KafkaError =>
  new KafkaError(
    apiVersion < knowsFencedSince ? ErrorCode.INVALID_PRODUCER_EPOCH : ErrorCode.PRODUCER_FENCED,
    'another producer has taken the transactional id, or the transaction was aborted',
  )

/** The error for a state that is never written, and that a log of ours or Kafka's never holds. */
export const impossibleState = ({ transactionalId, state }: Transaction, { world }: TransactionContext): KafkaError => {
  world.logger.error({ transactionalId, state }, 'a transaction is in a state that is never written')
  return new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
}
