// A partition of an internal topic as its coordinator sees it: appends as the leader of one epoch, commits by the high watermark
// (class CoordinatorPartitionWriter).
import type { CoordinatorLog, CoordinatorLogListener, LogSlice } from '@ottla/coordinator'
import { ErrorCode, KafkaError, type RecordBatch } from '@ottla/protocol'
import type { Log } from '@ottla/storage'
import type { Partition, PartitionWatcher } from '../replica/partition.ts'
import type { OffsetWaiter } from '../replica/waiting.ts'

/** The acks that a coordinator writes with. */
const ACKS = -1

/** What this class asks of the clock. */
export interface WallClock {
  now(): number
}

/** See the top of the file. */
export class PartitionLog implements CoordinatorLog, PartitionWatcher {
  readonly #partition: Partition
  readonly #log: Log
  readonly #leaderEpoch: number
  readonly #clock: WallClock
  #listener: CoordinatorLogListener | null = null
  /** Waits for the newest append: all that goes back goes back from the end. */
  #newest: NewestAppend | null = null
  /** After a failure each append is written at once, so that the next failure is known before anything is replayed. */
  #isCautious = false
  /** What a write failed with while an append was under way. */
  #appending = false
  #failedAppend: KafkaError | null = null

  /** @throws KafkaError NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR */
  constructor(partition: Partition, clock: WallClock) {
    this.#partition = partition
    this.#log = partition.leaderLog()
    this.#leaderEpoch = partition.leaderEpoch
    this.#clock = clock
  }

  get startOffset(): number {
    return this.#log.logStartOffset
  }

  get endOffset(): number {
    return this.#log.logEndOffset
  }

  get committedOffset(): number {
    return this.#log.highWatermark
  }

  get maxBatchBytes(): number {
    return Math.min(this.#log.config.maxMessageBytes, this.#log.config.segmentBytes)
  }

  append(batch: RecordBatch): number {
    this.#ensureLeads()
    // What was decided on appends that are already lost must not be written after them.
    if (this.#log.writeError !== null) {
      this.#log.announce()
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
    }
    const { lastOffset } = this.#partition.appendBatch(batch, { acks: ACKS, nowMs: this.#clock.now(), origin: 'coordinator' })
    if (this.#isCautious) this.#writeNow()
    this.#awaitNewest(lastOffset + 1)
    return lastOffset + 1
  }

  read(offset: number, maxBytes: number): LogSlice | Promise<LogSlice> {
    this.#ensureLeads()
    this.#partition.settle()
    return this.#partition.read({ offset, maxBytes, endOffset: this.#log.logEndOffset, minOneBatch: true })
  }

  follow(listener: CoordinatorLogListener): void {
    this.#listener = listener
    this.#partition.watch(this)
  }

  close(): void {
    this.#listener = null
    this.#partition.unwatch(this)
    if (this.#newest !== null) this.#newest.settled = true
    this.#newest = null
  }

  /** See PartitionWatcher. */
  partitionChanged(): void {
    const error = this.#leaderError()
    if (error === null) this.#listener?.committed(this.#log.highWatermark)
    else this.#listener?.failed(error)
  }

  /** Whatever keeps this broker from leading in this epoch, it is one thing for who waits: to look for the coordinator. */
  #leaderError(): KafkaError | null {
    const code = this.#partition.errorForLeader(this.#leaderEpoch)
    if (code === ErrorCode.NONE) return null
    return new KafkaError(code === ErrorCode.KAFKA_STORAGE_ERROR ? code : ErrorCode.NOT_LEADER_OR_FOLLOWER)
  }

  #ensureLeads(): void {
    const error = this.#leaderError()
    if (error !== null) throw error
  }

  #writeNow(): void {
    this.#appending = true
    this.#awaitNewest(this.#log.logEndOffset)
    this.#partition.settle()
    this.#appending = false
    const failure = this.#takeFailure()
    if (failure !== null) throw failure
    this.#isCautious = false
  }

  #takeFailure(): KafkaError | null {
    const failure = this.#failedAppend
    this.#failedAppend = null
    return failure
  }

  #awaitNewest(requiredOffset: number): void {
    if (this.#newest !== null) this.#newest.settled = true
    this.#newest = new NewestAppend(requiredOffset, (code, message) => this.#appendsFailed(code, message))
    this.#partition.awaitAcks(this.#newest, ACKS)
  }

  #appendsFailed(code: number, message: string | null): void {
    this.#isCautious = true
    this.#newest = null
    const error = new KafkaError(code, message ?? undefined)
    if (this.#appending) this.#failedAppend = error
    else this.#listener?.failed(error)
  }
}

/** Hears when appends are taken back; that they are committed is heard by watching the partition. */
class NewestAppend implements OffsetWaiter {
  readonly requiredOffset: number
  settled = false
  readonly #failed: (code: number, message: string | null) => void

  constructor(requiredOffset: number, failed: (code: number, message: string | null) => void) {
    this.requiredOffset = requiredOffset
    this.#failed = failed
  }

  reached(): void {
    this.settled = true
  }

  failed(code: number, message: string | null): void {
    this.settled = true
    this.#failed(code, message)
  }
}
