// One partition of an internal topic that this broker coordinates (class CoordinatorRuntime.CoordinatorContext): loading, then active, until
// it is closed. Decisions are taken one after the other; a decision sees all before it, and is answered once all before it is committed.

import { BatchBuilder, endTransactionMarker, ErrorCode, KafkaError, type Logger, type RecordBatch } from '@ottla/protocol'
import type { CoordinatorLog } from './coordinator-log.ts'
import { answered, type Decision } from './decision.ts'
import { load } from './loader.ts'
import { appendRecords } from './record.ts'
import { coordinatorError } from './runtime-errors.ts'
import type { RuntimeWorld } from './runtime-world.ts'
import type { CoordinatorState, TransactionalProducer } from './state.ts'
import { RETRY_MS } from './runtime-world.ts'
import { Uncommitted } from './uncommitted.ts'
import type { WheelTimers } from './timer-wheel.ts'

/** `failed`: the log could not be replayed; it stays so until this broker is elected anew, or the log can be read again. */
export type LedStatus = 'loading' | 'active' | 'failed' | 'closed'

/** What a decision is part of. */
export interface RunOptions {
  /** Writes the records as part of a producer's transaction. */
  readonly producer?: TransactionalProducer
}

/** So many times the size of a batch is compressed on trial; more is refused as it is. */
const BELIEVED_COMPRESSION = 4
const WRITE_TIMER = 'write'
const LOAD_TIMER = 'load'
/** After so long a log that could not be read is read again. */
const LOAD_AGAIN_MS = 1000
/** Errors of reading that may pass: too many files are open, or the log begins later by now, where its topic is not only compacted. */
const passing: ReadonlySet<number> = new Set([ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.OFFSET_OUT_OF_RANGE])
const nothing = (): Decision<void> => answered(undefined)

/** See the top of the file. */
export class LedPartition<S extends CoordinatorState> {
  readonly partition: number
  readonly leaderEpoch: number
  readonly #world: RuntimeWorld<S>
  readonly #log: CoordinatorLog
  readonly #logger: Logger
  #status: LedStatus = 'loading'
  #state: S | null = null
  #timers: WheelTimers | null = null
  /** Changes with each load: what was begun for an earlier state is not for this one. */
  #generation = 0
  readonly #uncommitted = new Uncommitted(error => this.#logger.error({ err: error }, 'what follows a commit failed'))
  /** One timer for all that waits, set while something does; and one for a log that could not be read. */
  readonly #ownTimers: WheelTimers
  /** Whether a log line has said already that the log cannot be read. */
  #isUnreadable = false
  /** The end of what the state is made of. */
  #endOffset = 0
  #loaded: Promise<void>

  constructor(place: { readonly partition: number; readonly leaderEpoch: number }, log: CoordinatorLog, world: RuntimeWorld<S>) {
    this.partition = place.partition
    this.leaderEpoch = place.leaderEpoch
    this.#world = world
    this.#log = log
    this.#logger = world.logger.child({ topic: world.topic, partition: place.partition })
    this.#ownTimers = world.wheel.timers(key => (key === LOAD_TIMER ? this.#loadAgain() : this.#giveUpLate()))
    log.follow({ committed: offset => this.#uncommitted.release(offset), failed: error => this.#appendsFailed(error) })
    this.#loaded = this.#load()
  }

  get status(): LedStatus {
    return this.#status
  }

  /** Resolves once the load that is under way has come to an end of whatever kind. */
  get loaded(): Promise<void> {
    return this.#loaded
  }

  /** See CoordinatorRuntime.run. */
  run<R>(decide: (state: S) => Decision<R>, options: RunOptions = {}): R | Promise<R> {
    const state = this.#active()
    let decision: Decision<R>
    try {
      decision = decide(state)
    } catch (error) {
      throw this.#expected(error, 'a decision failed')
    }
    if (decision.records.length > 0) this.#write(state, decision, options.producer ?? null)
    return this.#answer(decision)
  }

  /** See CoordinatorRuntime.endTransaction. */
  endTransaction(
    producer: TransactionalProducer,
    end: { readonly committed: boolean; readonly coordinatorEpoch: number },
  ): void | Promise<void> {
    const state = this.#active()
    const marker = endTransactionMarker(
      { isCommit: end.committed, coordinatorEpoch: end.coordinatorEpoch },
      { producerId: producer.id, producerEpoch: producer.epoch, timestamp: this.#world.clock.now() },
    )
    this.#append(marker)
    this.#replay(() => state.endTransaction(producer, end.committed))
    return this.#answer<void>({ records: [], reply: undefined })
  }

  /** Gives the state up; whoever waits gets this error. */
  close(errorCode: number): void {
    if (this.#status === 'closed') return
    this.#log.close()
    this.#ownTimers.close()
    this.#unload(new KafkaError(errorCode))
    this.#status = 'closed'
  }

  #active(): S {
    if (this.#status === 'loading') throw new KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    if (this.#status !== 'active' || this.#state === null) throw new KafkaError(ErrorCode.NOT_COORDINATOR)
    return this.#state
  }

  /** A KafkaError as it is; anything else is a mistake of ours, which its caller cannot do anything about. */
  #expected(error: unknown, what: string): KafkaError {
    if (error instanceof KafkaError) return error
    this.#logger.error({ err: error }, what)
    return new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
  }

  #write(state: S, decision: Decision<unknown>, producer: TransactionalProducer | null): void {
    const { records, replays = true, settled } = decision
    const baseOffset = this.#log.endOffset
    try {
      this.#append(this.#batchOf(decision, producer))
    } catch (error) {
      const expected = this.#expected(error, 'a decision could not be written')
      settled?.(expected)
      throw expected
    }
    if (!replays) return
    this.#replay(() => {
      for (const [index, record] of records.entries()) state.replay(record, baseOffset + index, producer)
    })
  }

  #batchOf({ records, leastBytes = 0 }: Decision<unknown>, producer: TransactionalProducer | null): RecordBatch {
    const timestamp = this.#world.clock.now()
    const transaction = producer === null ? {} : { producerId: producer.id, producerEpoch: producer.epoch, isTransactional: true }
    const compressing = this.#world.compression()
    const { maxBatchBytes } = this.#log
    const isUncompressed = compressing.compression === 'none'
    if (leastBytes > (isUncompressed ? 1 : BELIEVED_COMPRESSION) * maxBatchBytes) throw this.#tooLarge(records.length)
    const builder = new BatchBuilder({ ...compressing, ...transaction }, Math.min(64 * records.length, maxBatchBytes))
    // Without compression there is no need to write all of what is too much.
    appendRecords(builder, records, { timestamp, maxBytes: isUncompressed ? maxBatchBytes : Infinity })
    const batch = builder.count === records.length ? builder.build() : null
    if (batch !== null && batch.sizeInBytes <= maxBatchBytes) return batch
    throw this.#tooLarge(records.length)
  }

  #tooLarge(records: number): KafkaError {
    const place = `${this.#world.topic}-${this.partition}`
    return new KafkaError(
      ErrorCode.MESSAGE_TOO_LARGE,
      `${records} records are to be appended to ${place} at once, more than ${this.#log.maxBatchBytes} bytes, which is the most that it takes`,
    )
  }

  #append(batch: RecordBatch): void {
    const generation = this.#generation
    try {
      this.#endOffset = this.#log.append(batch)
    } catch (error) {
      throw coordinatorError(error)
    }
    // What the decision saw may have been taken back while it was appended.
    if (generation !== this.#generation) throw new KafkaError(ErrorCode.NOT_COORDINATOR)
  }

  /** A record that is in the log and not in the state: only the log can tell what the state is. */
  #replay(replay: () => void): void {
    try {
      replay()
    } catch (error) {
      this.#logger.error({ err: error }, 'a record could not be replayed; all of them are loaded again')
      this.#reload(new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR))
      throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    }
  }

  #answer<R>({ reply, settled }: Decision<R>): R | Promise<R> {
    if (this.#endOffset <= this.#log.committedOffset) {
      settled?.(null)
      return reply
    }
    if (!this.#ownTimers.has(WRITE_TIMER)) this.#ownTimers.set(WRITE_TIMER, this.#world.writeTimeoutMs(), nothing)
    const sinceMs = this.#world.clock.monotonic()
    return this.#uncommitted.add(this.#endOffset, { reply, sinceMs, ...(settled === undefined ? {} : { settled }) })
  }

  #giveUpLate(): void {
    const timeoutMs = this.#world.writeTimeoutMs()
    const now = this.#world.clock.monotonic()
    const sinceMs = this.#uncommitted.giveUpLate(now - timeoutMs, new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE))
    if (sinceMs !== null) this.#ownTimers.set(WRITE_TIMER, sinceMs + timeoutMs - now, nothing)
  }

  #appendsFailed(error: KafkaError): void {
    if (this.#status !== 'active') return
    const line = { error: error.errorName }
    if (error.code === ErrorCode.KAFKA_STORAGE_ERROR)
      this.#logger.warn(line, `appends were taken back, all is loaded again: ${error.message}`)
    else this.#logger.debug(line, 'the coordinator partition is not led here any more')
    this.#reload(coordinatorError(error))
  }

  #reload(error: KafkaError): void {
    this.#unload(error)
    this.#status = 'loading'
    this.#loaded = this.#load()
  }

  #unload(error: KafkaError): void {
    this.#generation++
    const state = this.#state
    this.#state = null
    this.#timers?.close()
    this.#timers = null
    this.#ownTimers.cancel(WRITE_TIMER)
    this.#uncommitted.fail(error)
    try {
      state?.unloaded(error.code)
    } catch (failure) {
      this.#logger.error({ err: failure }, 'a state was not given up as it should')
    }
  }

  async #load(): Promise<void> {
    const { clock, decoder, turns, wheel } = this.#world
    const generation = this.#generation
    const timers = wheel.timers((key, expired) => this.#expire(timers, { key, expired }))
    const startedAtMs = clock.monotonic()
    const isWanted = (): boolean => generation === this.#generation
    // What made this necessary may also be why the partition is given up within this turn.
    await turns.pause()
    if (!isWanted()) return
    try {
      const state = this.#world.create(this.partition, timers)
      const summary = await load({ log: this.#log, state, decoder, logger: this.#logger, turns, isWanted })
      if (summary === null || !isWanted()) {
        timers.close()
        return
      }
      this.#state = state
      this.#timers = timers
      this.#endOffset = summary.endOffset
      this.#status = 'active'
      this.#isUnreadable = false
      const line = { ...summary, durationMs: clock.monotonic() - startedAtMs }
      // Most partitions are empty in most clusters, and nobody wants to read that of each.
      if (summary.records > 0) this.#logger.info(line, 'the coordinator partition is loaded')
      else this.#logger.debug(line, 'the coordinator partition is loaded')
      state.loaded()
    } catch (error) {
      timers.close()
      if (!isWanted()) return
      this.#state = null
      this.#timers = null
      this.#status = 'failed'
      if (error instanceof KafkaError && error.code === ErrorCode.NOT_LEADER_OR_FOLLOWER) return
      const mayPass = error instanceof KafkaError && passing.has(error.code)
      if (mayPass) this.#ownTimers.set(LOAD_TIMER, LOAD_AGAIN_MS, nothing)
      if (mayPass && this.#isUnreadable) return
      this.#isUnreadable = mayPass
      const advice = mayPass ? 'it is tried again' : 'it answers once that is mended and the broker is restarted'
      this.#logger.error({ err: error }, `the coordinator partition cannot be loaded; ${advice}`)
    }
  }

  #loadAgain(): void {
    if (this.#status !== 'failed') return
    this.#status = 'loading'
    this.#generation++
    this.#loaded = this.#load()
  }

  #expire(timers: WheelTimers, timer: { readonly key: string; readonly expired: () => Decision<void> }): void {
    const failed = (error: unknown): void => {
      const code = error instanceof KafkaError ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR
      if (code === ErrorCode.NOT_COORDINATOR || code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return
      this.#logger.info({ timer: timer.key, err: error }, 'what a timer began failed; it is tried again')
      if (!timers.has(timer.key)) timers.set(timer.key, RETRY_MS, timer.expired)
    }
    try {
      const done = this.run(() => timer.expired())
      if (done instanceof Promise) done.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
