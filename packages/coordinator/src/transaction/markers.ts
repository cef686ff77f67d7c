// Markers of transactions whose outcome is committed (classes TransactionMarkerChannelManager and TransactionMarkerRequestCompletionHandler): they are
// written until every partition has its own, and then the end of the transaction is noted. What is done is known in memory only: who takes the
// coordinator's place writes all of them again, which partitions take as the same.

import { ErrorCode, type Logger } from '@ottla/protocol'
import { answered, type Decision } from '../decision.ts'
import { isPrepared } from './states.ts'
import { countOf, type Transaction, transactionRecord } from './transaction.ts'
import type { Transactions } from './transactions.ts'
import { completed } from './transitions.ts'
import type { EndMarkers, MarkerOutcome, TopicPartitions, TransactionWorld } from './world.ts'

/** The first wait before markers are written again, and the longest: leaders come back within it, and readers of committed records wait for it. */
const RETRY_MS = 20
const MAX_RETRY_MS = 1000
/** After so many failures a line of the log says so once more. */
const ATTEMPTS_PER_WARNING = 60

/** A partition's answer after which nothing is tried again, because what it stands for is there or never will be. */
const isDone = (outcome: MarkerOutcome['outcome']): boolean =>
  outcome === 'gone' ||
  outcome === ErrorCode.NONE ||
  outcome === ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT ||
  outcome === ErrorCode.UNSUPPORTED_VERSION

/** A later coordinator, or a later epoch of the producer, has been there: this end is not ours to write any more. */
const isFenced = (outcome: MarkerOutcome['outcome']): boolean =>
  outcome === ErrorCode.INVALID_PRODUCER_EPOCH || outcome === ErrorCode.TRANSACTION_COORDINATOR_FENCED

/** Answers that leaders give while they change; any other is a mistake somewhere, which is tried again all the same. */
const transient = new Set<MarkerOutcome['outcome']>([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.KAFKA_STORAGE_ERROR,
])

interface Round {
  readonly transaction: Transaction
  readonly preparedAtMs: number
  /** Partitions without a marker. */
  readonly remaining: Map<string, Set<number>>
  failures: number
}

/** See the top of the file. */
export class MarkerRounds {
  readonly #world: TransactionWorld
  readonly #transactions: Transactions
  readonly #rounds = new Map<string, Round>()
  #isClosed = false

  constructor(world: TransactionWorld, transactions: Transactions) {
    this.#world = world
    this.#transactions = transactions
  }

  /** How many transactions wait for markers. */
  get size(): number {
    return this.#rounds.size
  }

  /** Partitions of a transaction that wait for their marker; undefined where none of them is being written. */
  remaining(transactionalId: string): TopicPartitions | undefined {
    return this.#rounds.get(transactionalId)?.remaining
  }

  /** Begins with a transaction, if its outcome is decided; what decided it must be committed. Never throws. */
  begin(transactionalId: string): void {
    const transaction = this.#transactions.get(transactionalId)
    if (this.#isClosed || transaction === undefined || !isPrepared(transaction.state)) return
    const round: Round = { transaction, preparedAtMs: this.#world.clock.now(), remaining: copyOf(transaction.partitions), failures: 0 }
    this.#rounds.set(transactionalId, round)
    this.#go(round)
  }

  /** The state is given up. */
  close(): void {
    this.#isClosed = true
    this.#rounds.clear()
  }

  #go(round: Round): void {
    if (round.remaining.size === 0) this.#complete(round)
    else void this.#write(round)
  }

  async #write(round: Round): Promise<void> {
    let outcomes: readonly MarkerOutcome[] = []
    try {
      outcomes = await this.#world.markers.write(this.#markersOf(round))
    } catch (error) {
      this.#logger(round).debug({ err: error }, 'markers could not be written')
    }
    if (this.#isClosed || this.#rounds.get(round.transaction.transactionalId) !== round) return
    const problems = outcomes.filter(({ outcome }) => !isDone(outcome))
    if (problems.some(({ outcome }) => isFenced(outcome))) {
      this.#rounds.delete(round.transaction.transactionalId)
      this.#logger(round).warn({ problems: problems.slice(0, 20) }, 'the end of a transaction is not ours to write any more')
      return
    }
    for (const { topic, partition, outcome } of outcomes) if (isDone(outcome)) take(round.remaining, topic, partition)
    if (round.remaining.size === 0) this.#complete(round)
    else this.#retry(round, problems)
  }

  #markersOf({ transaction, remaining }: Round): EndMarkers {
    const { producerId, producerEpoch, state, clientVersion } = transaction
    const { coordinatorEpoch } = this.#world
    const committed = state === 'PrepareCommit'
    return { producerId, producerEpoch, committed, coordinatorEpoch, transactionVersion: clientVersion, partitions: copyOf(remaining) }
  }

  /** The end is noted at once: the producer's next transaction waits for it. */
  #complete(round: Round): void {
    const failed = (error: unknown): void => {
      if (this.#isClosed) return
      this.#logger(round).info({ err: error }, 'the end of a transaction could not be noted; it is tried again')
      this.#retry(round, [])
    }
    try {
      const done = this.#world.run(() => this.#completion(round))
      if (done instanceof Promise) done.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #completion(round: Round): Decision<void> {
    const { transactionalId } = round.transaction
    if (this.#isClosed || this.#rounds.get(transactionalId) !== round) return answered(undefined)
    const settled = (error: unknown): void => {
      if (error === null && this.#rounds.get(transactionalId) === round) this.#rounds.delete(transactionalId)
    }
    if (this.#transactions.get(transactionalId) !== round.transaction) {
      this.#rounds.delete(transactionalId)
      return answered(undefined)
    }
    const next = completed(round.transaction, round.preparedAtMs)
    return { records: [transactionRecord(next, this.#world.settings.transactionVersion)], reply: undefined, settled }
  }

  #retry(round: Round, problems: readonly MarkerOutcome[]): void {
    const { transactionalId } = round.transaction
    const unexpected = problems.filter(({ outcome }) => !transient.has(outcome))
    const fields = { problems: problems.slice(0, 20), remaining: countOf(round.remaining), failures: round.failures + 1 }
    if (unexpected.length > 0 && round.failures === 0) this.#logger(round).error(fields, 'markers are refused; they are tried again')
    else if (round.failures % ATTEMPTS_PER_WARNING === ATTEMPTS_PER_WARNING - 1)
      this.#logger(round).warn(fields, 'markers of a transaction cannot be written')
    else this.#logger(round).debug(fields, 'markers are to be written again')
    const delayMs = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(round.failures, 10))
    round.failures++
    this.#world.timers.set(`markers ${transactionalId}`, delayMs, () => {
      if (!this.#isClosed && this.#rounds.get(transactionalId) === round) this.#go(round)
      return answered(undefined)
    })
  }

  #logger({ transaction: { transactionalId, producerId, producerEpoch, state } }: Round): Logger {
    return this.#world.logger.child({ transactionalId, producerId, producerEpoch, state })
  }
}

const copyOf = (partitions: TopicPartitions): Map<string, Set<number>> =>
  new Map(Array.from(partitions, ([topic, numbers]) => [topic, new Set(numbers)]))

const take = (partitions: Map<string, Set<number>>, topic: string, partition: number): void => {
  const numbers = partitions.get(topic)
  if (numbers?.delete(partition) === true && numbers.size === 0) partitions.delete(topic)
}
