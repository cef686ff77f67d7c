// EndTxn (method TransactionCoordinator.endTransaction; KIP-98, 588, 890). It is answered once the outcome is committed; markers follow. With
// transactions version 2 (EndTxn 5) each end bumps the epoch, so that an epoch before the current one is that of a request sent again:
//
//                    abort                      commit
//                    sent again   current       sent again   current
//   Empty            fenced       bumped        fenced       INVALID_TXN_STATE
//   CompleteAbort    no error     bumped        INVALID_TXN_STATE
//   CompleteCommit   invalid      bumped        no error     INVALID_TXN_STATE
//
// Before, the same epoch may ask again for the same outcome, and there is nothing to abort without a transaction.

import { type EndTxnRequest, type EndTxnResponseInit, ErrorCode, KafkaError } from '@ottla/protocol'
import { answered, type Decision } from '../decision.ts'
import { fencedError, impossibleState, type TransactionContext, withProducerId, written } from './context.ts'
import { isPrepared } from './states.ts'
import { bumpsEpoch, isEpochExhausted, maxProducerEpoch, none, type Transaction } from './transaction.ts'
import { completed, prepared } from './transitions.ts'
import type { TransactionCaller } from './world.ts'

/** Ends a transaction. */
export const endTransaction = (
  context: TransactionContext,
  request: EndTxnRequest,
  { apiVersion }: TransactionCaller,
): Decision<EndTxnResponseInit> => decided(context, request, { apiVersion, newProducerId: none })

/** `newProducerId`: one that is at hand, where an earlier look at the state found that one is needed. */
const decided = (
  context: TransactionContext,
  request: EndTxnRequest,
  given: { readonly apiVersion: number; readonly newProducerId: number },
): Decision<EndTxnResponseInit> => {
  const { apiVersion, newProducerId } = given
  const { committed } = request
  const clientVersion = apiVersion >= 5 ? 2 : 0
  const bumps = bumpsEpoch(clientVersion)
  const transaction = known(context, request)
  const isAgain = bumps && isSentAgain(transaction, request)
  if (transaction.producerId !== request.producerId && !isAgain) throw unmapped()
  if (!isValidEpoch(transaction, request, { bumps, isAgain })) throw fencedError({ apiVersion, knowsFencedSince: 2 })
  if (!isToEnd(context, transaction, { committed, bumps, isAgain })) return answered(endedAs(bumps ? transaction : null))
  const isExhausted = bumps && isEpochExhausted(transaction.producerEpoch)
  if (isExhausted && newProducerId === none)
    return withProducerId(context, producerId => decided(context, request, { apiVersion, newProducerId: producerId }))
  const nowMs = context.world.clock.now()
  const next = prepared(transaction, { committed, clientVersion, nextProducerId: isExhausted ? newProducerId : none, nowMs })
  return written(context, next, endedAs(bumps ? completed(next, nowMs) : null))
}

/** What the producer goes on with; null for one that goes on as it was. */
const endedAs = (transaction: Transaction | null): EndTxnResponseInit => ({
  throttleTimeMs: 0,
  errorCode: ErrorCode.NONE,
  producerId: transaction?.producerId ?? none,
  producerEpoch: transaction?.producerEpoch ?? none,
})

const unmapped = (): KafkaError =>
  new KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING, 'the transactional id has another producer id, or none')

const known = ({ transactions }: TransactionContext, { transactionalId }: EndTxnRequest): Transaction => {
  if (transactionalId === '') throw new KafkaError(ErrorCode.INVALID_REQUEST, 'there is no transactional id')
  const transaction = transactions.get(transactionalId)
  if (transaction === undefined) throw unmapped()
  return transaction
}

/**
 * Whether this comes from before the last bump of the epoch, also where that led to a new producer id. Kafka 4.3.1 does not look at whether it was an
 * end that bumped it: where a producer without transactions version 2 takes the place of one with it, the one before could so come by the epoch
 * of the other.
 */
const isSentAgain = (transaction: Transaction, { producerId, producerEpoch }: EndTxnRequest): boolean =>
  transaction.producerId === producerId
    ? transaction.producerEpoch === producerEpoch + 1 && bumpsEpoch(transaction.clientVersion)
    : transaction.previousProducerId === producerId && producerEpoch === maxProducerEpoch - 1 && transaction.producerEpoch === 0

interface Ended {
  readonly committed: boolean
  readonly bumps: boolean
  readonly isAgain: boolean
}

const isValidEpoch = (
  { state, producerEpoch }: Transaction,
  request: EndTxnRequest,
  { bumps, isAgain }: Omit<Ended, 'committed'>,
): boolean => {
  const isCurrent = request.producerEpoch === producerEpoch
  if (!bumps) return isCurrent
  if (isPrepared(state)) return isAgain
  return state === 'CompleteCommit' || state === 'CompleteAbort' ? isAgain || isCurrent : isCurrent
}

/** Whether there is something to be ended; if not, it has ended so already. */
const isToEnd = (context: TransactionContext, transaction: Transaction, { committed, bumps, isAgain }: Ended): boolean => {
  const { state } = transaction
  if (state === 'Ongoing') return true
  if (state === 'Dead' || state === 'PrepareEpochFence') throw impossibleState(transaction, context)
  if (state === (committed ? 'PrepareCommit' : 'PrepareAbort'))
    throw new KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS, 'the transaction is still being ended')
  const isOver = state === (committed ? 'CompleteCommit' : 'CompleteAbort')
  if (isOver && (isAgain || !bumps)) return false
  // A client that does not know whether anything was written aborts to be sure.
  if (bumps && !committed && !isAgain && !isPrepared(state)) return true
  const { transactionalId, producerId } = transaction
  context.world.logger.info({ transactionalId, producerId, state, committed }, 'the end of a transaction does not fit its state')
  throw new KafkaError(ErrorCode.INVALID_TXN_STATE, `the transaction cannot be ${committed ? 'committed' : 'aborted'} in state ${state}`)
}
