// One partition of which this broker has a replica (class kafka.cluster.Partition): who leads it, what is in sync, up to where its
// records count. Appends, reads and waits go through here. Replication is not implemented yet: nothing but the in-sync replicas'
// offsets is missing for it.
import { ErrorCode, KafkaError, RecordBatch } from '@ottla/protocol'
import type { FetchedData, FoundTimestamp, Log, LogConfig, Progress, ReadOptions, ValidationPool } from '@ottla/storage'
import { validateBatch, ValidationQueue } from '@ottla/storage'
import type { PartitionImage } from '@ottla/metadata'
import type { Appended, AppendRequest } from './append-request.ts'
import { effectiveMinInSync, replicatedOffset } from './in-sync.ts'
import type { TopicCounters } from './topic-counters.ts'
import { type CommittedData, lastStableOffsetOf, readCommitted } from './transaction-reads.ts'
import type { OffsetWaiter } from './waiting.ts'
import { OffsetQueue } from './waiting.ts'

export type { Appended, AppendRequest } from './append-request.ts'

/** Is told when there may be more to read, or when reading may fail from now on. */
export interface PartitionWatcher {
  partitionChanged(): void
}

/** What all partitions of a broker share. */
export interface PartitionSurroundings {
  readonly brokerId: number
  readonly validationPool: ValidationPool | undefined
  /** What a new leader could not flush is not served; somebody should know. */
  flushFailed(partition: Partition, error: unknown): void
}

/** What a partition is made of. */
export interface PartitionParts {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  /** Null when no log directory could take it. */
  readonly log: Log | null
  readonly counters: TopicCounters
}

const storageError = (partition: Partition): KafkaError =>
  new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `the log of ${partition.topic}-${partition.index} is offline`)

/** Bytes of the attributes' lower half in a batch, which says the compression. */
const ATTRIBUTES_AT = 22
const COMPRESSION_BITS = 0x07

/** See the top of the file. */
export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  readonly log: Log | null
  readonly counters: TopicCounters
  /** Broker id of the leader, -1 for none. */
  leader = -1
  leaderEpoch = -1
  partitionEpoch = -1
  isr: readonly number[] = []
  replicas: readonly number[] = []
  /** Where the log ended when this broker began to lead in this epoch. */
  epochStartOffset = 0
  /** Bytes appended by producers since the start, and how many of them consumers see at least: what waiting fetches go by. */
  appendedBytes = 0
  visibleBytes = 0
  readonly #surroundings: PartitionSurroundings
  /** Error that everything is answered with since the partition left this broker. */
  #gone = 0
  /** acks=all: until the high watermark. acks=1: until this broker's own flush mode is satisfied. */
  #replicated: OffsetQueue | null = null
  #stored: OffsetQueue | null = null
  #watchers: Set<PartitionWatcher> | null = null
  #validations: ValidationQueue | null = null
  #validating = 0

  constructor(parts: PartitionParts, surroundings: PartitionSurroundings) {
    this.topic = parts.topic
    this.topicId = parts.topicId
    this.index = parts.index
    this.log = parts.log
    this.counters = parts.counters
    this.#surroundings = surroundings
    if (this.log !== null) this.log.onProgress = progress => this.#onProgress(progress)
  }

  get isLeader(): boolean {
    return this.leader === this.#surroundings.brokerId
  }

  get highWatermark(): number {
    return this.log === null ? -1 : this.log.highWatermark
  }

  get logStartOffset(): number {
    return this.log === null ? -1 : this.log.logStartOffset
  }

  /** Where readers of committed records stop. Producers' state that was not needed yet is not loaded for this unless `exact`. */
  lastStableOffset(exact: boolean): number {
    return this.log === null ? -1 : lastStableOffsetOf(this.log, exact)
  }

  /** Error code of a request that needs the leader, NONE where this is it. An epoch of -1 is not compared (KIP-320). */
  errorForLeader(currentLeaderEpoch: number): number {
    if (this.#gone !== 0) return this.#gone
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch !== this.leaderEpoch) {
      return currentLeaderEpoch < this.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
    }
    if (!this.isLeader) return ErrorCode.NOT_LEADER_OR_FOLLOWER
    return this.log?.usable === true ? ErrorCode.NONE : ErrorCode.KAFKA_STORAGE_ERROR
  }

  /** As `errorForLeader`, thrown; returns the log. */
  leaderLog(currentLeaderEpoch = -1): Log {
    const code = this.errorForLeader(currentLeaderEpoch)
    if (code !== ErrorCode.NONE) throw new KafkaError(code)
    if (this.log === null) throw storageError(this)
    return this.log
  }

  /** Takes what the metadata says of the partition. */
  update(image: PartitionImage): void {
    const changedLeader = image.leader !== this.leader || image.leaderEpoch !== this.leaderEpoch
    this.isr = image.isr
    this.replicas = image.replicas
    this.partitionEpoch = image.partitionEpoch
    if (!changedLeader) {
      this.#advance()
      return
    }
    this.#failWaiters(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    this.leader = image.leader
    this.leaderEpoch = image.leaderEpoch
    if (this.isLeader) this.#becomeLeader()
    this.#wake()
  }

  /** New settings; a weaker flush mode may make more count at once. */
  configure(config: LogConfig): void {
    const { log } = this
    if (log === null) return
    log.config = config
    if (config.flushMode === 'ack') this.#flushRest(log)
    if (!this.isLeader) return
    this.#stored?.release(this.#ownOffset())
    this.#advance()
  }

  /** The partition leaves this broker: everybody who waits, and every later request, gets this error. */
  leave(code: number): void {
    this.#gone = code
    if (this.log !== null) this.log.onProgress = () => undefined
    this.#failWaiters(code)
    this.#wake()
  }

  /**
   * Validates and appends one batch of a producer. Done at once, but for batches that other threads decompress; those keep their place
   * among the batches of the partition. `records` may change as soon as this has returned, unless the request says that they do not.
   * @throws KafkaError (RecordValidationError for what is wrong with single records), or rejects with it.
   */
  append(records: Buffer, request: AppendRequest): Appended | Promise<Appended> {
    const { config } = this.#logFor(request)
    const keepsCompression = config.compressionType === 'producer'
    const isCompressed = records.length > ATTRIBUTES_AT && ((records[ATTRIBUTES_AT] ?? 0) & COMPRESSION_BITS) !== 0
    if (this.#validating > 0 || isCompressed || !keepsCompression)
      return this.#appendInOrder(request.recordsStay === true ? records : Buffer.from(records), request)
    const validated = validateBatch(records, { config, now: request.nowMs })
    if (validated instanceof Promise) throw new Error('a batch without compression is validated at once')
    return this.appendBatch(validated.batch, request)
  }

  /** Appends a batch that was validated. */
  appendBatch(batch: RecordBatch, request: AppendRequest): Appended {
    const log = this.#logFor(request)
    const count = batch.recordsCount
    const size = batch.sizeInBytes
    // What was staged before and could not be written is failed before its offsets are given to others.
    if (log.writeError !== null) log.announce()
    try {
      const { origin = 'client', transactionVersion, verification } = request
      const appended = log.appendAsLeader(batch, { leaderEpoch: this.leaderEpoch, origin, transactionVersion, verification })
      if (!appended.duplicate) {
        this.appendedBytes += size
        this.counters.bytesIn += size
        this.counters.recordsIn += count
      }
      return appended
    } catch (error) {
      if (log.writeError !== null) log.announce()
      throw error
    }
  }

  /** Tells `waiter` when what it appended is acknowledged: at once where that is so already. */
  awaitAcks(waiter: OffsetWaiter, acks: number): void {
    const { log } = this
    if (acks === -1 ? this.highWatermark >= waiter.requiredOffset : this.#ownOffset() >= waiter.requiredOffset) {
      this.#acknowledge(waiter, acks)
      return
    }
    if (log?.usable !== true) {
      waiter.failed(ErrorCode.KAFKA_STORAGE_ERROR, null)
      return
    }
    if (acks === -1) (this.#replicated ??= new OffsetQueue()).add(waiter)
    else (this.#stored ??= new OffsetQueue()).add(waiter)
  }

  /** Has what was appended in this turn counted now, as far as the flush mode lets it: a client may ask for the end behind its appends. */
  settle(): void {
    const { log } = this
    if (log === null || log.writtenOffset === log.logEndOffset || !log.usable) return
    log.writeStaged()
    log.announce()
  }

  /** The bound of what consumers may read. */
  endOffsetFor(committedOnly: boolean): number {
    return committedOnly ? this.lastStableOffset(true) : this.highWatermark
  }

  /** Reads as leader; the caller has asked `errorForLeader`. Throws KafkaError as Log.read. */
  read(options: ReadOptions): FetchedData | Promise<FetchedData> {
    const { log } = this
    if (log === null) throw storageError(this)
    return log.read(options)
  }

  /** As `read`, for readers of committed records. */
  readCommitted(options: ReadOptions): CommittedData | Promise<CommittedData> {
    const { log } = this
    if (log === null) throw storageError(this)
    return readCommitted(log, options)
  }

  /** What `read` throws for an offset that is outside of the log, without reading anything. */
  ensureInRange(offset: number): void {
    const { log } = this
    if (log === null) throw storageError(this)
    if (offset < log.logStartOffset || offset > log.logEndOffset) this.#refuseOffset(offset, log)
  }

  /** Where a leader epoch ends in this log (KIP-101): epoch and end offset, -1 and -1 where that is not known. */
  endOffsetForEpoch(leaderEpoch: number): { readonly epoch: number; readonly endOffset: number } {
    const { log } = this
    if (log === null) throw storageError(this)
    return log.leaderEpochs.endOffsetFor(leaderEpoch, log.writtenOffset)
  }

  /**
   * Hides the records below `offset`, -1 for all below the high watermark (KIP-107). Returns the low watermark.
   * @throws KafkaError OFFSET_OUT_OF_RANGE, POLICY_VIOLATION for a topic that is compacted only, and what `leaderLog` throws.
   */
  deleteRecords(offset: number): number {
    const log = this.leaderLog()
    const { compact, delete: deletes } = log.config.cleanupPolicy
    if (compact && !deletes) throw new KafkaError(ErrorCode.POLICY_VIOLATION)
    const target = offset === -1 ? log.highWatermark : offset
    if (target < 0 || target > log.highWatermark) this.#refuseOffset(target, log)
    // Producers are read from the log when first needed, which is now: what is hidden below the start is not read any more.
    if (!log.producersLoaded) log.loadProducers()
    log.advanceLogStartOffset(target)
    return log.logStartOffset
  }

  /** The first record at or after a time, within what consumers may read. */
  offsetForTimestamp(timestamp: number, endOffset: number): Promise<FoundTimestamp | null> {
    return this.leaderLog().offsetForTimestamp(timestamp, endOffset)
  }

  watch(watcher: PartitionWatcher): void {
    this.#watchers ??= new Set()
    this.#watchers.add(watcher)
  }

  unwatch(watcher: PartitionWatcher): void {
    this.#watchers?.delete(watcher)
  }

  #logFor(request: AppendRequest): Log {
    const log = this.leaderLog()
    if (request.acks === -1 && !this.#hasEnoughInSync(log)) {
      throw new KafkaError(
        ErrorCode.NOT_ENOUGH_REPLICAS,
        `${this.topic}-${this.index} has ${this.isr.length} in-sync replicas, min.insync.replicas is ${log.config.minInsyncReplicas}`,
      )
    }
    return log
  }

  #appendInOrder(records: Buffer, request: AppendRequest): Appended | Promise<Appended> {
    const { config } = this.#logFor(request)
    const { validationPool: pool } = this.#surroundings
    this.#validations ??= new ValidationQueue()
    const options = { config, now: request.nowMs }
    const validated = this.#validations.validate(records, pool === undefined ? options : { ...options, pool })
    if (!(validated instanceof Promise)) return this.appendBatch(validated.batch, request)
    this.#validating++
    return validated.then(
      ({ batch }) => {
        this.#validating--
        return this.appendBatch(batch, request)
      },
      (error: unknown) => {
        this.#validating--
        throw error
      },
    )
  }

  #refuseOffset(offset: number, log: Log): never {
    const range = `${log.logStartOffset} to ${log.highWatermark}`
    throw new KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, `offset ${offset} of ${this.topic}-${this.index} is not in ${range}`)
  }

  #hasEnoughInSync(log: Log): boolean {
    return this.isr.length >= effectiveMinInSync(log.config.minInsyncReplicas, this.replicas.length)
  }

  /** Up to where this replica counts: what a power loss could take back does not, under flush mode `ack`. */
  #ownOffset(): number {
    const { log } = this
    if (log === null) return -1
    return log.config.flushMode === 'ack' ? log.flushedOffset : log.writtenOffset
  }

  #becomeLeader(): void {
    const { log } = this
    if (log?.usable !== true) return
    this.epochStartOffset = log.logEndOffset
    log.leaderEpochs.assign(this.leaderEpoch, log.logEndOffset)
    if (log.config.flushMode === 'ack') this.#flushRest(log)
    this.#advance()
  }

  /** Under `ack` what is not flushed is not served: what another mode or a crash left over must be flushed for that. */
  #flushRest(log: Log): void {
    if (!log.usable || log.flushedOffset >= log.writtenOffset) return
    log.flush().catch((error: unknown) => this.#surroundings.flushFailed(this, error))
  }

  #onProgress({ writtenOffset, error }: Progress): void {
    if (error !== undefined) {
      const isOffline = this.log?.usable !== true
      this.#stored?.failBeyond(isOffline ? this.#ownOffset() : writtenOffset, error.code, error.message)
      this.#replicated?.failBeyond(isOffline ? this.highWatermark : writtenOffset, error.code, error.message)
      if (isOffline) this.#wake()
    }
    if (!this.isLeader) return
    this.#stored?.release(this.#ownOffset())
    this.#advance()
  }

  /** Moves the high watermark as far as the in-sync replicas allow (R3, R9); never back. */
  #advance(): void {
    const { log } = this
    if (log === null || !this.isLeader || !this.#hasEnoughInSync(log)) return
    const offset = replicatedOffset({
      leader: this.leader,
      maximalIsr: this.isr,
      leaderOffset: this.#ownOffset(),
      offsetOf: () => -1,
    })
    if (offset <= log.highWatermark) return
    log.highWatermark = offset
    if (offset === log.logEndOffset) this.visibleBytes = this.appendedBytes
    if (log.producersLoaded) log.producers.transactions.onHighWatermark(offset)
    this.#replicated?.release(offset)
    this.#wake()
  }

  #acknowledge(waiter: OffsetWaiter, acks: number): void {
    if (acks === -1 && this.log !== null && !this.#hasEnoughInSync(this.log)) {
      waiter.failed(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND, null)
    } else waiter.reached()
  }

  #failWaiters(code: number): void {
    this.#stored?.failBeyond(-1, code)
    this.#replicated?.failBeyond(-1, code)
  }

  #wake(): void {
    if (this.#watchers === null) return
    for (const watcher of this.#watchers) watcher.partitionChanged()
  }
}
