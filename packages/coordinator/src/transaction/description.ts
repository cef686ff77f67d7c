// Transactions as tools see them (DescribeTransactions and ListTransactions, KIP-664, 994, 1152), and as metrics do.

import {
  type DescribeTransactionsResponseInit,
  ErrorCode,
  KafkaError,
  type ListTransactionsRequest,
  type ListTransactionsResponseInit,
} from '@ottla/protocol'
import { answered, type Decision } from '../decision.ts'
import { TopicPattern } from '../group/topic-pattern.ts'
import type { TransactionContext } from './context.ts'
import { stateNamed, type TransactionStateName } from './states.ts'
import { countOf, none, type Transaction } from './transaction.ts'

/** One transaction of a DescribeTransactions answer. */
export type DescribedTransaction = DescribeTransactionsResponseInit['transactionStates'][number]
/** What a ListTransactions answer has of one partition. */
export type ListedTransactions = Pick<ListTransactionsResponseInit, 'unknownStateFilters' | 'transactionStates'>
/** Filters of ListTransactions; all of them must fit. */
export type TransactionFilters = Omit<ListTransactionsRequest, 'durationFilter' | 'transactionalIdPattern'> &
  Partial<Pick<ListTransactionsRequest, 'durationFilter' | 'transactionalIdPattern'>>

/** A description that only says what is wrong. */
export const undescribed = (transactionalId: string, errorCode: number): DescribedTransaction => ({
  errorCode,
  transactionalId,
  transactionState: '',
  transactionTimeoutMs: 0,
  transactionStartTimeMs: 0,
  producerId: 0,
  producerEpoch: 0,
  topics: [],
})

/** One transactional id. While markers are written its partitions are those that have none yet. */
export const describeTransaction = ({ transactions, markers }: TransactionContext, transactionalId: string): DescribedTransaction => {
  if (transactionalId === '') return undescribed(transactionalId, ErrorCode.INVALID_REQUEST)
  const transaction = transactions.get(transactionalId)
  if (transaction === undefined || transaction.state === 'Dead') return undescribed(transactionalId, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
  const partitions = markers.remaining(transactionalId) ?? transaction.partitions
  return {
    errorCode: ErrorCode.NONE,
    transactionalId,
    transactionState: transaction.state,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStartTimeMs: transaction.startedAtMs,
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    topics: Array.from(partitions, ([topic, numbers]) => ({ topic, partitions: [...numbers] })),
  }
}

/** Ids that a list looks at before others have their turn, and for how long it may. */
const IDS_PER_TURN = 2000
const TURN_MS = 5
/** A list looks at the clock after so many ids. */
const IDS_PER_LOOK = 16

/** A list on its way through the ids of a partition. */
class Listing {
  readonly unknownStateFilters: string[]
  readonly transactionStates: ListedTransactions['transactionStates'][number][] = []
  readonly #context: TransactionContext
  readonly #rest: IterableIterator<Transaction>
  readonly #fits: (transaction: Transaction) => boolean

  constructor(context: TransactionContext, filters: TransactionFilters) {
    this.#context = context
    this.#rest = context.transactions.values()
    this.#fits = filterOf(filters, context.world.clock.now())
    this.unknownStateFilters = filters.stateFilters.filter(name => stateNamed(name) === undefined)
  }

  /** Goes on for a turn; true at the end. */
  advance(): boolean {
    const { clock } = this.#context.world
    const endsAt = clock.monotonic() + TURN_MS
    for (let looked = 1; looked <= IDS_PER_TURN; looked++) {
      const next = this.#rest.next()
      if (next.done === true) return true
      const { transactionalId, producerId, state } = next.value
      if (this.#fits(next.value)) this.transactionStates.push({ transactionalId, producerId, transactionState: state })
      if (looked % IDS_PER_LOOK === 0 && clock.monotonic() >= endsAt) break
    }
    return false
  }
}

/** Lists of one partition. A pattern may take its time with each of many ids, so that a list is made in turns. */
export class TransactionLists {
  readonly #context: TransactionContext
  readonly #open = new Map<string, (error: KafkaError) => void>()
  #count = 0

  constructor(context: TransactionContext) {
    this.#context = context
  }

  /** All transactional ids that fit. Throws KafkaError INVALID_REGULAR_EXPRESSION for a pattern that is none. */
  list(filters: TransactionFilters): Decision<ListedTransactions> {
    const listing = new Listing(this.#context, filters)
    return answered(listing.advance() ? listing : this.#inTurns(listing))
  }

  /** The state is given up. */
  close(error: KafkaError): void {
    for (const reject of this.#open.values()) reject(error)
    this.#open.clear()
  }

  #inTurns(listing: Listing): Promise<ListedTransactions> {
    const { timers } = this.#context.world
    const key = `list ${this.#count++}`
    return new Promise((resolve, reject) => {
      const turn = (): Decision<void> => {
        if (listing.advance()) {
          this.#open.delete(key)
          resolve(listing)
        } else timers.set(key, 0, turn)
        return answered(undefined)
      }
      this.#open.set(key, reject)
      timers.set(key, 0, turn)
    })
  }
}

const filterOf = (filters: TransactionFilters, now: number): ((transaction: Transaction) => boolean) => {
  const { stateFilters, durationFilter = none, transactionalIdPattern = null } = filters
  const states = new Set(stateFilters.map(stateNamed))
  const producerIds = new Set(filters.producerIdFilters)
  const pattern = transactionalIdPattern === null || transactionalIdPattern === '' ? null : patternOf(transactionalIdPattern)
  return ({ transactionalId, producerId, state, startedAtMs }) =>
    state !== 'Dead' &&
    (producerIds.size === 0 || producerIds.has(producerId)) &&
    (stateFilters.length === 0 || states.has(state)) &&
    (durationFilter < 0 || now - startedAtMs > durationFilter) &&
    (pattern === null || pattern.matches(transactionalId))
}

const patternOf = (text: string): TopicPattern => {
  try {
    return TopicPattern.parse(text)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    throw new KafkaError(
      ErrorCode.INVALID_REGULAR_EXPRESSION,
      'the pattern of transactional ids is not a valid regular expression, or too large',
    )
  }
}

/** A transaction under way, for metrics. */
export interface OpenTransaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly state: TransactionStateName
  /** Since its first partition, by the clock on the wall. */
  readonly ageMs: number
  readonly timeoutMs: number
  readonly partitionCount: number
  /** Partitions whose marker is still to be written; of a transaction whose outcome is open, none. */
  readonly pendingMarkers: number
}

/** Transactions under way. */
export function* openTransactions({ transactions, markers, world }: TransactionContext): IterableIterator<OpenTransaction> {
  const now = world.clock.now()
  for (const { transactionalId, producerId, producerEpoch, state, startedAtMs, timeoutMs, partitions } of transactions.open()) {
    const remaining = markers.remaining(transactionalId)
    yield {
      transactionalId,
      producerId,
      producerEpoch,
      state,
      ageMs: Math.max(0, now - startedAtMs),
      timeoutMs,
      partitionCount: countOf(partitions),
      pendingMarkers: remaining === undefined ? 0 : countOf(remaining),
    }
  }
}
