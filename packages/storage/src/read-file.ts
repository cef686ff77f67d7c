// Reads of a segment file. The offset index gives where to begin; headers are walked from there. Bytes that the page cache surely
// holds are read on the loop, everything else off it. The checksum of what an earlier process wrote is checked when it is first
// read; damage is answered with CORRUPT_MESSAGE for just the offsets it covers.

import { ErrorCode, KafkaError, RecordBatch } from '@ottla/protocol'
import { BATCH_HEADER_BYTES, LOG_OVERHEAD_BYTES } from './bytes.ts'
import { exhausted, type FetchedData, noData, type ReadOptions } from './fetched.ts'
import { Gathered } from './gathered.ts'
import type { Log } from './log.ts'
import { nextValidBatch } from './resync.ts'
import type { Segment } from './segment.ts'

/** Beyond the bytes asked for, so that the walk from the index entry to the first batch needs no second read. */
const SLACK_BYTES = 4096 + BATCH_HEADER_BYTES
/** From this size on a read may be a little smaller than asked for, where that saves work. */
const PLANNED_BYTES = 64 * 1024
/** An asynchronous read that took less was served by the page cache. */
const WARM_MS = 2
/** A synchronous read that took more waited for the device. */
const COLD_MS = 10

class FileData implements FetchedData {
  readonly chunks: readonly Buffer[]
  readonly size: number
  readonly baseOffset: number
  readonly nextOffset: number
  readonly #gathered: Gathered

  constructor(gathered: Gathered, range: { from: number; until: number; nextOffset: number }) {
    this.#gathered = gathered
    this.chunks = gathered.slices(range.from, range.until)
    this.size = range.until - range.from
    this.baseOffset = gathered.int64(range.from)
    this.nextOffset = range.nextOffset
  }

  release(): void {
    this.#gathered.release()
  }
}

/** One read as steps between which bytes are fetched, so that the same rules serve both ways of fetching. */
class FileRead {
  readonly log: Log
  readonly segment: Segment
  readonly options: ReadOptions
  /** Bytes of the segment when the read began; later appends are not its business. */
  readonly limit: number
  gathered: Gathered
  /** Bytes to fetch next; 0 when `result` is there. */
  need: number
  /** Set when the bytes at this position make no sense. */
  damagedAt = -1
  result: FetchedData | undefined
  #at: number
  #start = -1
  /** A boundary of batches to stop at, known from the index; -1 when the headers are walked for it. */
  #stop = -1

  constructor(log: Log, segment: Segment, options: ReadOptions) {
    this.log = log
    this.segment = segment
    this.options = options
    this.limit = segment.written
    this.#at = segment.positionFor(log.world, options.offset, log.config)
    this.gathered = new Gathered(log.world.readSlabs, this.#at)
    this.need = this.#clip(this.#at, options.maxBytes + SLACK_BYTES)
    this.#planStop()
  }

  /** Where the next bytes come from. */
  get position(): number {
    return this.gathered.end
  }

  /** Looks at what was fetched; `complete` unless the file ended too soon. Throws CORRUPT_MESSAGE when the batch asked for is damaged. */
  step(complete: boolean): void {
    this.need = 0
    if (this.#start < 0 && !this.#findStart(complete)) return
    this.#finish(complete)
  }

  /** Goes on behind damage, at the valid batch that begins at `position`. */
  resumeAt(position: number): void {
    this.damagedAt = -1
    if (position >= this.limit) {
      this.result = exhausted
      return
    }
    this.#jump(position)
  }

  /** For a large read of batches that are known to be right, the index says where to stop: nothing is read in vain, or walked. */
  #planStop(): void {
    const { log, options, segment } = this
    if (options.maxBytes < PLANNED_BYTES || !segment.isTrusted(this.#at, this.limit)) return
    const bounds = { position: this.#at + options.maxBytes, endOffset: options.endOffset }
    const stop = segment.boundaryBefore(log.world, log.config, bounds)
    if (stop - this.#at < options.maxBytes / 2) return
    this.#stop = stop
    this.need = this.#clip(this.#at, stop - this.#at + LOG_OVERHEAD_BYTES)
  }

  #clip(position: number, length: number): number {
    return Math.min(length, this.limit - position)
  }

  #jump(position: number): void {
    this.gathered.release()
    this.gathered = new Gathered(this.log.world.readSlabs, position)
    this.#at = position
    this.#stop = -1
    this.need = this.#clip(position, this.options.maxBytes + SLACK_BYTES)
  }

  /** Whether the header at `position` can be one of this segment. */
  #plausible(position: number): boolean {
    const { gathered, segment } = this
    if (!gathered.hasHeader(position)) return false
    const size = gathered.batchSize(position)
    if (size < BATCH_HEADER_BYTES - 35 || position + size > this.limit) return false
    const magic = gathered.magic(position)
    if (magic > 2) return false
    if (magic === 2 && size < BATCH_HEADER_BYTES) return false
    const offset = gathered.int64(position)
    const lastOffset = gathered.lastOffset(position)
    return offset >= segment.baseOffset && lastOffset >= offset && lastOffset < this.log.logEndOffset
  }

  #findStart(complete: boolean): boolean {
    const { gathered, options } = this
    while (this.#at < this.limit) {
      const at = this.#at
      if (!gathered.hasHeader(at)) {
        if (complete && gathered.end < this.limit) this.#jump(at)
        else this.damagedAt = at
        return false
      }
      if (!this.#plausible(at)) {
        this.damagedAt = at
        return false
      }
      if (gathered.lastOffset(at) >= options.offset) {
        this.#start = at
        return true
      }
      this.#at = at + gathered.batchSize(at)
    }
    this.result = exhausted
    return false
  }

  #finish(complete: boolean): void {
    const { gathered, options, segment, limit } = this
    const start = this.#start
    const firstSize = gathered.batchSize(start)
    let bytes = Math.min(options.maxBytes, limit - start)
    if (gathered.lastOffset(start) >= options.endOffset || (firstSize > bytes && !options.minOneBatch)) {
      this.result = noData(options.offset)
      return
    }
    if (this.#stop >= start + firstSize && gathered.has(this.#stop, LOG_OVERHEAD_BYTES)) {
      this.result = new FileData(gathered, { from: start, until: this.#stop, nextOffset: gathered.int64(this.#stop) })
      return
    }
    bytes = Math.max(bytes, firstSize)
    const held = gathered.end - start
    if (held < firstSize) {
      if (!complete) throw this.corrupt(start)
      this.need = firstSize - held
      return
    }
    const stop = start + Math.min(bytes, held)
    let at = start
    let nextOffset = options.offset
    while (at < stop && this.#plausible(at) && at + gathered.batchSize(at) <= stop) {
      const lastOffset = gathered.lastOffset(at)
      if (lastOffset >= options.endOffset) break
      const end = at + gathered.batchSize(at)
      if (!segment.isTrusted(at, end)) {
        if (!this.#intact(at)) break
        segment.trust(at, end)
      }
      nextOffset = lastOffset + 1
      at = end
    }
    if (at === start) throw this.corrupt(start)
    this.result = new FileData(gathered, { from: start, until: at, nextOffset })
  }

  #intact(position: number): boolean {
    const { gathered } = this
    if (gathered.magic(position) === 2) return gathered.checksumMatches(position)
    return new RecordBatch(gathered.joined(position, position + gathered.batchSize(position))).checksumMatches()
  }

  /** The error for damage at `position`, logged. */
  corrupt(position: number): KafkaError {
    const { log, segment, options } = this
    const file = segment.logPath(log.path)
    log.world.logger.error({ file, position, offset: options.offset }, 'damaged batch: its offsets cannot be read')
    return new KafkaError(
      ErrorCode.CORRUPT_MESSAGE,
      `offset ${options.offset} of ${log.topic}-${log.partition} is damaged on disk, at position ${position} of ${file}`,
    )
  }
}

const readOnLoop = (read: FileRead): FetchedData | Promise<FetchedData> => {
  const { clock, openFiles } = read.log.world
  const file = openFiles.get(read.segment.logPath(read.log.path))
  try {
    while (read.result === undefined) {
      if (read.damagedAt >= 0) return readOffLoop(read)
      const before = clock.monotonic()
      const complete = read.gathered.readMoreSync(file, read.need)
      if (clock.monotonic() - before > COLD_MS) read.segment.warm = false
      read.step(complete)
    }
  } catch (error) {
    read.gathered.release()
    throw error
  }
  return read.result
}

const readOffLoop = async (read: FileRead): Promise<FetchedData> => {
  const { clock, openFiles } = read.log.world
  const path = read.segment.logPath(read.log.path)
  const pinned = openFiles.pin(path)
  try {
    while (read.result === undefined) {
      if (read.damagedAt >= 0) {
        const valid = await nextValidBatch(pinned.file, { from: read.damagedAt + 1, until: read.limit, minOffset: read.segment.baseOffset })
        if (valid === undefined || valid.baseOffset > read.options.offset) throw read.corrupt(read.damagedAt)
        read.resumeAt(valid.position)
        continue
      }
      const before = clock.monotonic()
      const complete = await read.gathered.readMore(pinned.file, read.need)
      read.segment.warm = clock.monotonic() - before < WARM_MS
      read.step(complete)
    }
  } catch (error) {
    read.gathered.release()
    throw error
  } finally {
    pinned.unpin()
  }
  if (read.result.size === 0) read.gathered.release()
  return read.result
}

/** Reads from one segment; nothing when it holds no batch at or after the offset. */
export const readSegment = (log: Log, segment: Segment, options: ReadOptions): FetchedData | Promise<FetchedData> => {
  const read = new FileRead(log, segment, options)
  if (read.need <= 0) return exhausted
  if (!segment.isHot(log.world, read.position)) return readOffLoop(read)
  const data = readOnLoop(read)
  if (!(data instanceof Promise) && data.size === 0) read.gathered.release()
  return data
}
