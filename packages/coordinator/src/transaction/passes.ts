// What happens to transactions by itself: those that take longer than their time-out are aborted, ids that nobody uses any more are forgotten
// (methods abortTimedOutTransactions and removeExpiredTransactionalIds of Kafka's transaction coordinator). Both look at the clock on the wall,
// because what they compare it with outlives the process.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import { answered, type Decision } from '../decision.ts'
import type { CoordinatorRecord } from '../record.ts'
import type { TransactionContext } from './context.ts'
import { fencingAbort } from './fencing-abort.ts'
import { isIdle } from './states.ts'
import { countOf, tombstone, type Transaction } from './transaction.ts'

/** Transactions that are looked at before others have their turn. */
const TRANSACTIONS_PER_TURN = 5000
/** Transactions that are aborted before others have their turn. */
const ABORTS_PER_TURN = 200
/** Bytes of ids that are forgotten with one batch, as in Kafka. */
const BYTES_PER_BATCH = 16 * 1024
/** A tombstone's bytes beside its id. */
const TOMBSTONE_BYTES = 16
/** Partitions that a line of the log names. */
const namedPartitions = 20
/** A transaction with this time-out is never aborted: an outside coordinator decides on it (KIP-939). */
const noTimeoutMs = 0x7fffffff

/** See the top of the file. */
export class TransactionPasses {
  readonly #context: TransactionContext
  #isClosed = false

  constructor(context: TransactionContext) {
    this.#context = context
  }

  /** Begins. */
  start(): void {
    this.#laterAbort()
    this.#laterExpire()
  }

  /** The state is given up. */
  close(): void {
    this.#isClosed = true
  }

  #laterAbort(): void {
    const { settings, timers } = this.#context.world
    timers.set('time-outs', settings.transactionAbortTimedOutTransactionCleanupIntervalMs, () =>
      this.#abort(this.#context.transactions.open()),
    )
  }

  #laterExpire(): void {
    const { settings, timers } = this.#context.world
    timers.set('expiry', settings.transactionRemoveExpiredTransactionCleanupIntervalMs, () =>
      this.#expire(this.#context.transactions.values()),
    )
  }

  /** Aborts what takes too long, each transaction by a decision of its own. `rest`: those that this pass has not looked at yet. */
  #abort(rest: IterableIterator<Transaction>): Decision<void> {
    const { world } = this.#context
    const now = world.clock.now()
    let aborts = 0
    for (let looked = 0; looked < TRANSACTIONS_PER_TURN && aborts < ABORTS_PER_TURN; looked++) {
      const next = rest.next()
      if (next.done === true) {
        this.#laterAbort()
        return answered(undefined)
      }
      if (!isLate(next.value, now)) continue
      aborts++
      this.#abortOne(next.value, now)
    }
    world.timers.set('time-outs', 0, () => this.#abort(rest))
    return answered(undefined)
  }

  #abortOne(transaction: Transaction, now: number): void {
    const { run, world } = this.#context
    const { transactionalId, producerId, producerEpoch, startedAtMs, timeoutMs, partitions } = transaction
    const fields = { transactionalId, producerId, producerEpoch, ageMs: now - startedAtMs, timeoutMs }
    const failed = (err: unknown): void => {
      if (this.#isClosed || (err instanceof KafkaError && err.code === ErrorCode.CONCURRENT_TRANSACTIONS)) return
      world.logger.warn({ ...fields, err }, 'a transaction that takes too long is not aborted yet')
    }
    const committed = (): void => {
      const shown = { partitionCount: countOf(partitions), partitions: named(transaction) }
      world.logger.info({ ...fields, ...shown }, 'a transaction was aborted because it took longer than its time-out')
    }
    try {
      const done = run(() => fencingAbort(this.#context, transaction, { reply: undefined, unless, committed }))
      if (done instanceof Promise) done.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  /** Forgets ids that were idle for long. `rest`: those that this pass has not looked at yet. */
  #expire(rest: IterableIterator<Transaction>): Decision<void> {
    const { world } = this.#context
    const usedBeforeMs = world.clock.now() - world.settings.transactionalIdExpirationMs
    const records: CoordinatorRecord[] = []
    let bytes = 0
    for (let looked = 0; looked < TRANSACTIONS_PER_TURN && bytes < BYTES_PER_BATCH; looked++) {
      const next = rest.next()
      if (next.done === true) {
        this.#laterExpire()
        return this.#forgotten(records)
      }
      const { transactionalId, state, updatedAtMs } = next.value
      if (!isIdle(state) || updatedAtMs > usedBeforeMs) continue
      records.push(tombstone(transactionalId))
      bytes += TOMBSTONE_BYTES + Buffer.byteLength(transactionalId)
    }
    world.timers.set('expiry', 0, () => this.#expire(rest))
    return this.#forgotten(records)
  }

  #forgotten(records: readonly CoordinatorRecord[]): Decision<void> {
    if (records.length > 0) this.#context.world.logger.info({ transactionalIds: records.length }, 'transactional ids expired')
    return { records, reply: undefined }
  }
}

/** The producer has ended it just now. */
const unless = (): KafkaError => new KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)

const isLate = ({ state, startedAtMs, timeoutMs }: Transaction, now: number): boolean =>
  state === 'Ongoing' && timeoutMs !== noTimeoutMs && startedAtMs + timeoutMs < now

const named = ({ partitions }: Transaction): string[] => {
  const names: string[] = []
  for (const [topic, numbers] of partitions)
    for (const partition of numbers) {
      if (names.length === namedPartitions) return names
      names.push(`${topic}-${partition}`)
    }
  return names
}
