// InitProducerId of a transactional producer (method TransactionCoordinator.handleInitProducerId; KIP-98, 360, 588, 939): gives it an epoch of its
// own, so that whoever had the transactional id before is fenced. What that one had open is aborted first, and the client asks again.

import { ErrorCode, type InitProducerIdRequest, type InitProducerIdResponseInit, KafkaError } from '@ottla/protocol'
import type { Decision } from '../decision.ts'
import { fencedError, impossibleState, type TransactionContext, withProducerId, written } from './context.ts'
import { fencingAbort } from './fencing-abort.ts'
import { isPrepared } from './states.ts'
import { isEpochExhausted, newTransaction, none, type Transaction } from './transaction.ts'
import { type Initialization, nextEpoch, nextProducerId, sameEpoch } from './transitions.ts'
import type { TransactionCaller, TransactionSettings } from './world.ts'

/** Who the producer says it is: it goes on after an error (KIP-360). */
interface Claim {
  readonly producerId: number
  readonly producerEpoch: number
}

/** A request that is found in order. */
interface Initialized {
  readonly transactionalId: string
  readonly timeoutMs: number
  /** Null for a new producer. */
  readonly claim: Claim | null
  readonly apiVersion: number
}

type Reply = InitProducerIdResponseInit

/** Longest transactional id in bytes: what a record's key can hold. */
const maxIdBytes = 0x7fff
/** The time-out of a transaction that only an outside coordinator ends. */
const noTimeoutMs = 0x7fffffff

/** See the top of the file. */
export const initProducerId = (
  context: TransactionContext,
  request: InitProducerIdRequest,
  { apiVersion }: TransactionCaller,
): Decision<Reply> => decided(context, { ...valid(request, context.world.settings), apiVersion })

const valid = (request: InitProducerIdRequest, settings: TransactionSettings): Omit<Initialized, 'apiVersion'> => {
  const { transactionalId, transactionTimeoutMs, producerId, producerEpoch, enable2Pc, keepPreparedTxn } = request
  if ((producerId === none) !== (producerEpoch === none))
    throw new KafkaError(ErrorCode.INVALID_REQUEST, 'a producer id and an epoch only come together')
  if (transactionalId === null || transactionalId === '') throw new KafkaError(ErrorCode.INVALID_REQUEST, 'there is no transactional id')
  if (Buffer.byteLength(transactionalId) > maxIdBytes)
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `a transactional id takes ${maxIdBytes} bytes at most`)
  if (enable2Pc && !settings.transactionTwoPhaseCommitEnable)
    throw new KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'two-phase commit is not enabled')
  if (keepPreparedTxn) throw new KafkaError(ErrorCode.UNSUPPORTED_VERSION, 'a prepared transaction cannot be kept')
  if (!enable2Pc && (transactionTimeoutMs <= 0 || transactionTimeoutMs > settings.transactionMaxTimeoutMs))
    throw new KafkaError(
      ErrorCode.INVALID_TRANSACTION_TIMEOUT,
      `the time-out of a transaction is from 1 to ${settings.transactionMaxTimeoutMs} ms (transaction.max.timeout.ms)`,
    )
  return {
    transactionalId,
    timeoutMs: enable2Pc ? noTimeoutMs : transactionTimeoutMs,
    claim: producerId === none ? null : { producerId, producerEpoch },
  }
}

/** `newProducerId`: one that is at hand, where an earlier look at the state found that one is needed. */
const decided = (context: TransactionContext, request: Initialized, newProducerId = none): Decision<Reply> => {
  const { world, transactions } = context
  const withNewId = (): Decision<Reply> => withProducerId(context, producerId => decided(context, request, producerId))
  const initialization = { timeoutMs: request.timeoutMs, nowMs: world.clock.now() }
  const transaction = transactions.get(request.transactionalId)
  if (transaction === undefined) {
    if (newProducerId === none) return withNewId()
    const created = newTransaction(request.transactionalId, newProducerId)
    return initialized(context, nextEpoch(created, none, initialization))
  }
  if (!isPlausible(transaction, request.claim)) throw fencedError({ apiVersion: request.apiVersion, knowsFencedSince: 4 })
  const { state } = transaction
  if (isPrepared(state)) throw concurrent()
  if (state === 'Ongoing') return fencingAbort(context, transaction, { reply: retry, unless: concurrent })
  if (state === 'Dead' || state === 'PrepareEpochFence') throw impossibleState(transaction, context)
  if (!needsNewId(transaction, request.claim)) return initialized(context, bumped(transaction, request, initialization))
  if (newProducerId === none) return withNewId()
  const lastProducerEpoch = request.claim === null ? none : transaction.producerEpoch
  return initialized(context, nextProducerId(transaction, { producerId: newProducerId, lastProducerEpoch }, initialization))
}

const concurrent = (): KafkaError => new KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS, 'the transaction before is still being ended')

/** Whether the producer can be who it says: of the current id, or of the last epoch of the one before, whose end it did not hear of. */
const isPlausible = ({ producerId, previousProducerId }: Transaction, claim: Claim | null): boolean =>
  claim === null || claim.producerId === producerId || (claim.producerId === previousProducerId && isEpochExhausted(claim.producerEpoch))

const needsNewId = ({ producerEpoch }: Transaction, claim: Claim | null): boolean =>
  isEpochExhausted(producerEpoch) && (claim === null || claim.producerEpoch === producerEpoch)

const bumped = (transaction: Transaction, { claim, apiVersion }: Initialized, initialization: Initialization): Transaction => {
  const { producerEpoch, lastProducerEpoch } = transaction
  if (claim === null) return nextEpoch(transaction, none, initialization)
  if (claim.producerEpoch === producerEpoch) return nextEpoch(transaction, producerEpoch, initialization)
  // A new producer would have taken the last epoch away: this one asks again for what it was not told.
  if (claim.producerEpoch === lastProducerEpoch) return sameEpoch(transaction, initialization)
  throw fencedError({ apiVersion, knowsFencedSince: 4 })
}

const initialized = (context: TransactionContext, transaction: Transaction): Decision<Reply> => {
  const { transactionalId, producerId, producerEpoch } = transaction
  context.world.logger.info({ transactionalId, producerId, producerEpoch }, 'a transactional producer is initialized')
  return written(context, transaction, { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch })
}

/** The epoch of the abort is given to nobody: the client asks again, and gets the one after it. */
const retry: Reply = { throttleTimeMs: 0, errorCode: ErrorCode.CONCURRENT_TRANSACTIONS, producerId: none, producerEpoch: none }
