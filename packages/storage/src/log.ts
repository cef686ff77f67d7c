// One partition's log. Offsets and rules are those of Kafka's UnifiedLog and LocalLog; how bytes reach the disk is described in
// append.ts (staging), write-turn.ts (one write per turn), flush.ts (fdatasync) and read-*.ts.

import { ErrorCode, KafkaError, type RecordBatch } from '@ottla/protocol'
import { type AppendOptions, type AppendResult, appendAsFollower, appendAsLeader, writeStaged } from './append.ts'
import { type CompactionOptions, type CompactionResult, compactLog } from './compaction.ts'
import type { LogConfig } from './config.ts'
import { type FlushWaiter, requestFlush } from './flush.ts'
import { type FetchedData, type ReadOptions, exhausted, noData } from './fetched.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { readFailure } from './log-files.ts'
import { openProducers } from './log-producers.ts'
import type { DirectoryState, LogWorld } from './log-world.ts'
import { ProducerSnapshots } from './producer-snapshots.ts'
import type { ProducerState } from './producer-state.ts'
import { readSegment } from './read-file.ts'
import { readTail } from './read-tail.ts'
import { closeLog, rollLog } from './roll.ts'
import type { Segment, SegmentMark } from './segment.ts'
import type { LogTail, TailChunk } from './tail-cache.ts'
import { type FoundTimestamp, maxTimestampOffset, offsetForTimestamp } from './timestamps.ts'
import { advanceLogStartOffset, deleteOldSegments, truncateFullyAndStartAt, truncateTo } from './truncate.ts'

/** What a write or flush changed. */
export interface Progress {
  /** End offset of what is in the page cache. */
  readonly writtenOffset: number
  /** End offset of what fdatasync covered. */
  readonly flushedOffset: number
  /** Appends from `writtenOffset` on that were staged are gone, for this reason. */
  readonly error?: KafkaError
}

/** What a log starts with; made by recovery. */
export interface LogFacts {
  readonly world: LogWorld
  readonly directory: DirectoryState
  /** Folder of the partition. */
  readonly path: string
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  readonly config: LogConfig
  /** Ascending, at least one. */
  readonly segments: Segment[]
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly flushedOffset: number
  readonly highWatermark: number
  readonly leaderEpochs: LeaderEpochs
  /** Whether the last stop was clean: the producers' snapshots are then complete. */
  readonly trusted: boolean
  /** The folder was made just now. */
  readonly created: boolean
}

const ignoreProgress = (): void => undefined

/** See the top of the file. Methods throw KafkaError: KAFKA_STORAGE_ERROR when the log cannot be used, else as said. */
export class Log {
  readonly world: LogWorld
  readonly directory: DirectoryState
  readonly topic: string
  readonly partition: number
  /** May be set once where the folder did not say. */
  topicId: string
  /** Folder of the partition; changes when it is renamed for deletion. */
  path: string
  /** Replaced whole when settings change. */
  config: LogConfig
  /** Ascending by base offset; the last one takes appends. Not to be changed from outside. */
  segments: Segment[]
  logStartOffset: number
  /** Counts staged appends. */
  logEndOffset: number
  /** End offset of what is in the page cache. */
  writtenOffset: number
  /** End offset of what fdatasync covered: the recovery point. */
  flushedOffset: number
  /** Set by whoever decides it; bounds retention, and goes to the checkpoint file. */
  highWatermark: number
  /** Up to here the log is compacted: the cleaner's checkpoint. */
  cleanedOffset: number | undefined
  /** Called after each write at the end of a loop turn, and after each flush. */
  onProgress: (progress: Progress) => void = ignoreProgress

  /** Which leader began at which offset. */
  readonly leaderEpochs: LeaderEpochs

  // The rest is for the modules of the log only.
  inTurn = false
  closed = false
  tail: LogTail | null = null
  /** Chunks with staged bytes, in order. */
  readonly stagedChunks: TailChunk[] = []
  /** The active segment before the first staged batch. */
  stagedMark: SegmentMark | null = null
  /** Whether `announce` has something to tell. */
  progressed = false
  writeError: KafkaError | null = null
  flushing = false
  flushWanted = 0
  /** Changes when offsets are taken back: a flush that was under way says nothing of what came later. */
  generation = 0
  /** The folder of the partition may not be in the folder above yet, as far as the device goes. */
  newFolder: boolean
  /** The same for files in the folder. */
  newEntries: boolean
  lastFlushMs: number
  flushWaiters: FlushWaiter[] | null = null
  /** Recovery point that the checkpoint file holds. */
  checkpointedOffset: number
  /** Snapshots to be flushed before the recovery point passes them. */
  newSnapshots: number[] | null = null
  /** Recovery took something away that a power loss could bring back. */
  shortened = false
  /** Complete segments whose indexes are not durable yet. */
  readonly rolled: Segment[] = []
  trusted: boolean
  /** How often compaction put other segments in the place of some. */
  replacements = 0
  #producers: ProducerState | null = null
  #snapshots: ProducerSnapshots | null = null

  constructor(facts: LogFacts) {
    this.world = facts.world
    this.directory = facts.directory
    this.topic = facts.topic
    this.partition = facts.partition
    this.topicId = facts.topicId
    this.path = facts.path
    this.config = facts.config
    this.segments = facts.segments
    this.logStartOffset = facts.logStartOffset
    this.logEndOffset = facts.logEndOffset
    this.writtenOffset = facts.logEndOffset
    this.flushedOffset = facts.flushedOffset
    this.checkpointedOffset = facts.flushedOffset
    this.highWatermark = facts.highWatermark
    this.leaderEpochs = facts.leaderEpochs
    this.trusted = facts.trusted
    this.newFolder = facts.created
    this.newEntries = facts.created
    this.lastFlushMs = facts.world.clock.monotonic()
  }

  /** Idempotent producers and their last batches; loaded when first asked for. */
  get producers(): ProducerState {
    return this.#producers ?? this.loadProducers()
  }

  /** Loads the producers now. */
  loadProducers(): ProducerState {
    try {
      return (this.#producers ??= openProducers(this, { trusted: this.trusted }))
    } catch (error) {
      throw readFailure(this, error)
    }
  }

  get producersLoaded(): boolean {
    return this.#producers !== null
  }

  /** The state is loaded again when it is next asked for, by reading the log where no snapshot covers it. */
  forgetProducers(): void {
    this.#producers = null
    this.trusted = false
  }

  /** The producers' snapshot files. */
  get snapshots(): ProducerSnapshots {
    this.#snapshots ??= new ProducerSnapshots({ files: this.world.files, folder: this.path })
    return this.#snapshots
  }

  get snapshotsLoaded(): boolean {
    return this.#snapshots !== null
  }

  /** The segment that takes appends. */
  get active(): Segment {
    return this.segmentAt(this.segments.length - 1)
  }

  /** Bytes of all segments, staged ones included. */
  get size(): number {
    let size = 0
    for (const segment of this.segments) size += segment.size
    return size
  }

  /** Whether it answers at all. */
  get usable(): boolean {
    return !this.closed && this.directory.failure === undefined
  }

  /** Throws KAFKA_STORAGE_ERROR for a closed log or one in a folder that went offline. */
  ensureUsable(): void {
    if (this.usable) return
    const reason = this.closed ? 'is closed' : `is offline: ${this.directory.failure?.message}`
    throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `log of ${this.topic}-${this.partition} in ${this.directory.path} ${reason}`)
  }

  /**
   * Appends one validated magic 2 batch: gives it the next offsets and the leader's epoch (in place) and stages it for the write at the
   * end of the turn. Up to 64 KiB are copied; a larger batch is written before this returns, so the caller's bytes are free in any case.
   * A batch that an idempotent producer sent before is not appended again. Throws what the producer's state refuses
   * (OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, ...), RECORD_LIST_TOO_LARGE beyond the size of a segment.
   */
  appendAsLeader(batch: RecordBatch, options: AppendOptions): AppendResult {
    try {
      return appendAsLeader(this, batch, options)
    } catch (error) {
      throw readFailure(this, error)
    }
  }

  /** Appends whole batches whose offsets the leader gave. Offsets below the log's end throw OFFSET_OUT_OF_RANGE. */
  appendAsFollower(records: Buffer): AppendResult {
    return appendAsFollower(this, records)
  }

  /**
   * Whole batches from the one that holds `options.offset`; nothing when that is not below `options.endOffset`. Answers at once from
   * the tail cache or the page cache. Throws OFFSET_OUT_OF_RANGE outside [logStartOffset, logEndOffset], CORRUPT_MESSAGE for damage.
   */
  read(options: ReadOptions): FetchedData | Promise<FetchedData> {
    this.ensureUsable()
    const { offset } = options
    if (offset < this.logStartOffset || offset > this.logEndOffset) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `offset ${offset} is outside of ${this.topic}-${this.partition}: ${this.logStartOffset} to ${this.logEndOffset}`,
      )
    }
    const endOffset = Math.min(options.endOffset, this.writtenOffset)
    if (offset >= endOffset) return noData(offset)
    const bounded = endOffset === options.endOffset ? options : { ...options, endOffset }
    const cached = this.tail === null ? undefined : readTail(this.world.tails, this.tail, bounded)
    return cached ?? this.#readFiles(this.segmentIndexOf(offset), bounded)
  }

  /** The first record with at least this timestamp and below `endOffset`. */
  offsetForTimestamp(timestamp: number, endOffset: number): Promise<FoundTimestamp | null> {
    return this.#steadily(() => offsetForTimestamp(this, timestamp, endOffset))
  }

  /** The first record with the greatest timestamp (KIP-734). */
  maxTimestampOffset(endOffset: number): Promise<FoundTimestamp | null> {
    return this.#steadily(() => maxTimestampOffset(this, endOffset))
  }

  /** Cuts everything from `offset` on. Durable before it resolves as far as the recovery point goes. */
  truncateTo(offset: number): Promise<void> {
    return this.#dirtyFrom(offset, () => truncateTo(this, offset))
  }

  /** Empties the log and lets it go on at `offset`. */
  truncateFullyAndStartAt(offset: number): Promise<void> {
    return this.#dirtyFrom(this.logStartOffset, () => truncateFullyAndStartAt(this, offset))
  }

  /** Hides everything below `offset` (DeleteRecords) and deletes whole segments below it. Throws OFFSET_OUT_OF_RANGE beyond the high watermark. */
  advanceLogStartOffset(offset: number): void {
    advanceLogStartOffset(this, offset)
  }

  /** Deletes segments that retention by size, log start or, where `now` is given, by time gives up; returns how many. */
  deleteOldSegments(now: number | undefined): number {
    return deleteOldSegments(this, now)
  }

  /**
   * One compaction pass; undefined when there is nothing to be done. Reads and appends go on meanwhile. Rejects with CompactionAborted when
   * the log was closed, cut or deleted, or the pace's signal says so; CORRUPT_MESSAGE, INVALID_RECORD or CorruptFileError for damage, and
   * then nothing of the damaged part was changed; KAFKA_STORAGE_ERROR.
   */
  compact(options: CompactionOptions): Promise<CompactionResult | undefined> {
    return compactLog(this, options)
  }

  /** Begins a new segment at the log's end. */
  roll(): void {
    this.ensureUsable()
    rollLog(this, this.logEndOffset)
  }

  /** Resolves once everything appended before is on the device. Rejects with KAFKA_STORAGE_ERROR, also when what was staged could not be written. */
  flush(): Promise<void> {
    this.ensureUsable()
    if (!this.writeStaged() && this.writeError !== null) return Promise.reject(this.writeError)
    return requestFlush(this, this.writtenOffset)
  }

  /** Writes, flushes, saves the producers' state and lets go of files. */
  close(): Promise<void> {
    return closeLog(this)
  }

  /** Writes what is staged. Called at the end of a turn. False when that failed: the error is kept for `announce`. */
  writeStaged(): boolean {
    return writeStaged(this)
  }

  /** Tells of progress, if there was any. Called at the end of a turn and of a flush. */
  announce(): void {
    if (!this.progressed) return
    this.progressed = false
    const error = this.writeError
    this.writeError = null
    const { writtenOffset, flushedOffset } = this
    this.onProgress(error === null ? { writtenOffset, flushedOffset } : { writtenOffset, flushedOffset, error })
  }

  /** Index of the segment whose base offset is the greatest not above `offset`; -1 when all begin later. */
  segmentIndexOf(offset: number): number {
    const { segments } = this
    let low = 0
    let high = segments.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      if (this.segmentAt(middle).baseOffset <= offset) low = middle + 1
      else high = middle - 1
    }
    return high
  }

  /** The segment of an index that is known to exist. */
  segmentAt(index: number): Segment {
    const segment = this.segments[index]
    if (segment === undefined) throw new RangeError(`segment ${index} of ${this.segments.length} in ${this.path}`)
    return segment
  }

  /** End offset of a segment: where the next one begins. */
  endOffsetOf(index: number): number {
    return this.segments[index + 1]?.baseOffset ?? this.logEndOffset
  }

  #readFiles(index: number, options: ReadOptions): FetchedData | Promise<FetchedData> {
    for (let at = Math.max(0, index); at < this.segments.length; at++) {
      const segment = this.segmentAt(at)
      if (segment.baseOffset >= options.endOffset) break
      const data = this.#readSegment(segment, options)
      if (data instanceof Promise) {
        return data.then(
          found => (found === exhausted ? this.#readFiles(this.#indexAfter(segment), options) : found),
          (error: unknown) => {
            throw readFailure(this, error)
          },
        )
      }
      if (data !== exhausted) return data
    }
    return noData(options.offset)
  }

  /** Where to go on behind a segment; where another one took its place meanwhile, with that. */
  #indexAfter(segment: Segment): number {
    const index = this.segmentIndexOf(segment.baseOffset)
    return this.segments[index] === segment ? index + 1 : index
  }

  /** A search through segments that were replaced meanwhile begins anew. */
  async #steadily<T>(search: () => Promise<T>): Promise<T> {
    for (;;) {
      const { replacements } = this
      try {
        const found = await search()
        if (replacements === this.replacements) return found
      } catch (error) {
        if (replacements === this.replacements) throw readFailure(this, error)
      }
    }
  }

  /** What is cut and written anew is not compacted, and after a crash nobody may take it to be. */
  async #dirtyFrom(offset: number, cut: () => Promise<void>): Promise<void> {
    const kept = this.segments[this.segmentIndexOf(offset)]?.baseOffset ?? 0
    if (this.cleanedOffset !== undefined && this.cleanedOffset > kept) {
      this.cleanedOffset = kept
      await this.world.lowerRecoveryPoint(this, offset)
    }
    await cut()
  }

  #readSegment(segment: Segment, options: ReadOptions): FetchedData | Promise<FetchedData> {
    try {
      return readSegment(this, segment, options)
    } catch (error) {
      throw readFailure(this, error)
    }
  }
}
