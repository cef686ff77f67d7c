// One segment of a log: a file of record batches from one base offset on, with its indexes (Kafka's LogSegment). Index objects are
// made when first asked, and inactive ones can be let go, so that an idle segment is a handful of numbers.

import type { LogConfig } from './config.ts'
import { CorruptFileError } from './corrupt-file.ts'
import type { Files } from './files.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogWorld } from './log-world.ts'
import { OffsetIndex } from './offset-index.ts'
import { recoverSegment } from './recover-segment.ts'
import { MAX_RELATIVE_OFFSET } from './segment-index.ts'
import { TimeIndex } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'

/** Names of a segment's files by what comes after the base offset. */
export const segmentSuffixes = ['.log', '.index', '.timeindex', '.txnindex'] as const

/** `00000000000000000042.log` for 42. */
export const segmentFileName = (baseOffset: number, suffix: string): string => `${String(baseOffset).padStart(20, '0')}${suffix}`

/** Not known until a file is asked. */
const UNKNOWN = Number.NaN

/** What a batch adds to its segment. */
export interface BatchFacts {
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly size: number
}

/** State of a segment to go back to when a write fails. */
export interface SegmentMark {
  readonly size: number
  readonly nextOffset: number
  readonly maxTimestamp: number
  readonly maxTimestampOffset: number
  readonly rollTimestamp: number
  readonly bytesSinceIndex: number
}

export interface SegmentFacts {
  readonly baseOffset: number
  readonly folder: string
  readonly size: number
  readonly createdMs: number
  readonly jitterMs: number
  /** Up to here the checksums are known to be right. */
  readonly verified: number
  /** What the names of its files end with while it is none of the log's yet, such as `.cleaned`; default nothing. */
  readonly ending?: string
}

/** See the top of the file. Sizes and positions are bytes. */
export class Segment {
  readonly baseOffset: number
  /** Staged bytes included. */
  size: number
  /** What the file holds. */
  written: number
  /** Up to here the checksums are known to be right: written or checked by this process. */
  verified: number
  /** From here on this process wrote them. */
  trustedFrom: number
  createdMs: number
  readonly jitterMs: number
  /** Timestamp of the first batch, which time-based rolling counts from; -1 for none, NaN until it was looked up. */
  rollTimestamp: number
  /** Bytes since the last index entry; NaN until that is looked up. */
  bytesSinceIndex: number
  /** Whether the last asynchronous read was served by the page cache. */
  warm = false
  /** Total of written bytes of the broker when this segment was last written; NaN if never by this process. */
  writtenAt = UNKNOWN
  #folder: string
  #ending: string
  #logFolder: string | null = null
  #logPath = ''
  #maxTimestamp: number
  #maxTimestampOffset: number
  #offsets: OffsetIndex | null = null
  #times: TimeIndex | null = null
  #transactions: TransactionIndex | null = null

  constructor(facts: SegmentFacts) {
    this.baseOffset = facts.baseOffset
    this.#folder = facts.folder
    this.#ending = facts.ending ?? ''
    this.size = facts.size
    this.written = facts.size
    this.verified = facts.verified
    this.trustedFrom = facts.size
    this.createdMs = facts.createdMs
    this.jitterMs = facts.jitterMs
    this.rollTimestamp = facts.size === 0 ? -1 : UNKNOWN
    this.bytesSinceIndex = facts.size === 0 ? 0 : UNKNOWN
    this.#maxTimestamp = facts.size === 0 ? -1 : UNKNOWN
    this.#maxTimestampOffset = facts.baseOffset
  }

  /** Path of one of its files in the folder of its log. */
  pathOf(folder: string, suffix: string): string {
    return `${folder}/${segmentFileName(this.baseOffset, suffix)}${this.#ending}`
  }

  /** Asked for with every write, so it is kept: text that is put together must be hashed to find the open file. */
  logPath(folder: string): string {
    if (folder !== this.#logFolder) {
      this.#logFolder = folder
      this.#logPath = this.pathOf(folder, '.log')
    }
    return this.#logPath
  }

  /** The folder of the log was renamed, or its files got another ending. */
  moveTo(folder: string, ending = this.#ending): void {
    this.#folder = folder
    this.#ending = ending
    this.#logFolder = null
    for (const [index, suffix] of this.#loaded()) index.path = this.pathOf(folder, suffix)
  }

  /** The offset index; one whose file is damaged is made anew from the segment. */
  offsets(world: LogWorld, config: LogConfig): OffsetIndex {
    const index = this.#offsetIndex(world, config)
    if (!index.isLoaded) this.#load(world, config)
    return index
  }

  times(world: LogWorld, config: LogConfig): TimeIndex {
    const index = this.#timeIndex(world, config)
    if (!index.isLoaded) this.#load(world, config)
    return index
  }

  transactions(world: LogWorld): TransactionIndex {
    this.#transactions ??= new TransactionIndex(this.#indexOptions(world.files, '.txnindex', MAX_RELATIVE_OFFSET))
    return this.#transactions
  }

  /** A segment that has just been made has no index files: nothing is to be read. */
  startIndexes(world: LogWorld, config: LogConfig): void {
    this.#offsetIndex(world, config).reset()
    this.#timeIndex(world, config).reset()
  }

  /** The greatest timestamp of its batches, -1 for none. */
  maxTimestamp(world: LogWorld, config: LogConfig): number {
    this.#loadMaxTimestamp(world, config)
    return this.#maxTimestamp
  }

  /** Last offset of the first batch with the greatest timestamp; the base offset when there is none. */
  maxTimestampOffset(world: LogWorld, config: LogConfig): number {
    this.#loadMaxTimestamp(world, config)
    return this.#maxTimestampOffset
  }

  setMaxTimestamp(timestamp: number, offset: number): void {
    this.#maxTimestamp = timestamp
    this.#maxTimestampOffset = offset
  }

  /** Where to begin to look for the batch that holds `offset`. */
  positionFor(world: LogWorld, offset: number, config: LogConfig): number {
    const { position } = this.offsets(world, config).lookup(offset)
    return Math.min(position, this.written)
  }

  /**
   * The last indexed batch that begins at or before `position` and ends before `endOffset`: where it begins, which is a boundary of
   * batches; 0 when there is none.
   */
  boundaryBefore(world: LogWorld, config: LogConfig, bounds: { position: number; endOffset: number }): number {
    const offsets = this.offsets(world, config)
    let low = 0
    let high = offsets.entries
    while (low < high) {
      const middle = (low + high) >>> 1
      const entry = offsets.entry(middle)
      if (entry.position <= bounds.position && entry.offset < bounds.endOffset) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : Math.min(offsets.entry(low - 1).position, this.written)
  }

  /** Whether the bytes in between need no check. */
  isTrusted(from: number, until: number): boolean {
    return until <= this.verified || from >= this.trustedFrom
  }

  /** Bytes were checked, or written. */
  trust(from: number, until: number): void {
    if (from > this.verified || until <= this.verified) return
    this.verified = until >= this.trustedFrom ? Math.max(until, this.written) : until
  }

  /** Whether `offset` can be expressed relative to the base offset. */
  holds(offset: number): boolean {
    return offset - this.baseOffset <= MAX_RELATIVE_OFFSET
  }

  /** Whether the page cache surely holds the bytes at `position`: written lately by this process, or just found to be there. */
  isHot(world: LogWorld, position: number): boolean {
    if (this.warm) return true
    return world.writtenBytes - this.writtenAt + this.written - position <= world.hotBytes
  }

  /** Takes a batch at the end into account: size, greatest timestamp, index entries as LogSegment.append makes them. */
  add(world: LogWorld, config: LogConfig, batch: BatchFacts): void {
    if (this.size === 0) this.rollTimestamp = batch.maxTimestamp
    if (batch.maxTimestamp > this.maxTimestamp(world, config)) this.setMaxTimestamp(batch.maxTimestamp, batch.lastOffset)
    if (Number.isNaN(this.bytesSinceIndex)) {
      const offsets = this.offsets(world, config)
      this.bytesSinceIndex = this.size - (offsets.entries === 0 ? 0 : offsets.entry(offsets.entries - 1).position)
    }
    if (this.bytesSinceIndex > config.indexIntervalBytes) this.#addIndexEntries(world, config, batch.lastOffset)
    this.size += batch.size
    this.bytesSinceIndex += batch.size
  }

  /** The log rolls before an index is full; a segment that compaction writes may have to do with fewer entries. */
  #addIndexEntries(world: LogWorld, config: LogConfig, lastOffset: number): void {
    const offsets = this.offsets(world, config)
    const times = this.times(world, config)
    if (offsets.isFull || times.isFull) return
    offsets.append(lastOffset, this.size)
    times.maybeAppend(this.#maxTimestamp, this.#maxTimestampOffset)
    this.bytesSinceIndex = 0
  }

  mark(world: LogWorld, config: LogConfig, nextOffset: number): SegmentMark {
    return {
      size: this.size,
      nextOffset,
      maxTimestamp: this.maxTimestamp(world, config),
      maxTimestampOffset: this.#maxTimestampOffset,
      rollTimestamp: this.rollTimestamp,
      bytesSinceIndex: this.bytesSinceIndex,
    }
  }

  /** Forgets what was staged since `mark`. */
  goBack(world: LogWorld, config: LogConfig, mark: SegmentMark): void {
    this.size = mark.size
    this.setMaxTimestamp(mark.maxTimestamp, mark.maxTimestampOffset)
    this.rollTimestamp = mark.rollTimestamp
    this.bytesSinceIndex = mark.bytesSinceIndex
    this.offsets(world, config).truncateTo(mark.nextOffset)
    this.times(world, config).truncateTo(mark.nextOffset)
    if (this.#transactions !== null) this.#transactions.truncateTo(mark.nextOffset)
  }

  /** The last entry of the time index, for the greatest timestamp, as when Kafka rolls or closes a segment; then saves the indexes. */
  finish(world: LogWorld, config: LogConfig): void {
    if (this.size > 0 || this.#times?.isLoaded === true) {
      const timestamp = this.maxTimestamp(world, config)
      this.times(world, config).maybeAppend(timestamp, this.#maxTimestampOffset, true)
    }
    this.saveIndexes()
  }

  /** Writes index entries that are only in memory. */
  saveIndexes(): void {
    for (const [index] of this.#loaded()) index.saveSync()
  }

  /** Makes its index files durable. */
  async flushIndexes(): Promise<void> {
    for (const [index] of this.#loaded()) await index.flush()
  }

  /** Lets go of index entries that are on disk. */
  unloadIndexes(): void {
    for (const [index] of this.#loaded()) index.unload()
  }

  get indexesLoaded(): boolean {
    return this.#offsets?.isLoaded === true || this.#times?.isLoaded === true
  }

  #offsetIndex(world: LogWorld, config: LogConfig): OffsetIndex {
    this.#offsets ??= new OffsetIndex(this.#indexOptions(world.files, '.index', config.segmentIndexBytes))
    return this.#offsets
  }

  #timeIndex(world: LogWorld, config: LogConfig): TimeIndex {
    this.#times ??= new TimeIndex(this.#indexOptions(world.files, '.timeindex', config.segmentIndexBytes))
    return this.#times
  }

  #load(world: LogWorld, config: LogConfig): void {
    try {
      this.#offsetIndex(world, config).sanityCheck(this.written)
      this.#timeIndex(world, config).sanityCheck()
    } catch (error) {
      if (!(error instanceof CorruptFileError)) throw error
      world.logger.warn({ file: error.path, error: error.message }, 'a damaged index was made anew from its segment')
      recoverSegment(this, { world, folder: this.#folder, config, recoveryPoint: Number.POSITIVE_INFINITY, epochs: new LeaderEpochs() })
    }
  }

  #loadMaxTimestamp(world: LogWorld, config: LogConfig): void {
    if (!Number.isNaN(this.#maxTimestamp)) return
    const times = this.times(world, config)
    this.setMaxTimestamp(times.lastTimestamp, times.lastOffset)
  }

  #indexOptions(files: Files, suffix: string, maxBytes: number) {
    return { files, path: this.pathOf(this.#folder, suffix), baseOffset: this.baseOffset, maxBytes }
  }

  *#loaded(): Generator<[OffsetIndex | TimeIndex | TransactionIndex, string]> {
    if (this.#offsets !== null) yield [this.#offsets, '.index']
    if (this.#times !== null) yield [this.#times, '.timeindex']
    if (this.#transactions !== null) yield [this.#transactions, '.txnindex']
  }
}
