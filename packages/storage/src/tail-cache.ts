// The newest bytes of busy partitions, as they were staged for the disk. A batch is copied once, into a slab that is first the
// source of the write and then what consumers at the end of the log read from. The whole cache is bounded in bytes; slabs leave
// in the order they came, but one that was used since it was last looked at gets a second chance. An idle partition holds none.

import { PAGE_BYTES, type Slab, SlabPool } from './slabs.ts'
import { int64At } from './bytes.ts'

const SMALL_BYTES = 16 * 1024
const LARGE_BYTES = 256 * 1024
/** Copying costs more than a system call from about here on. */
const STAGED_BATCH_BYTES = 64 * 1024

const QUEUE_LIMIT = 1024
const MAX_LOOKS = 64
/** One reader keeps this many chunks alive. */
const CREDIT_CHUNKS = 256

/** Where a chunk begins. */
export interface ChunkStart {
  readonly position: number
  readonly baseOffset: number
  readonly segmentBase: number
}

/** A run of consecutive batches of one segment in one slab. `begin`, `written` and `end` are places in the slab. */
export class TailChunk {
  readonly slab: Slab
  readonly tail: LogTail
  readonly begin: number
  /** File position of the byte at `begin`. */
  readonly position: number
  /** Base offset of the segment. */
  readonly segmentBase: number
  readonly baseOffset: number
  /** Up to here the file holds it. */
  written: number
  /** Up to here batches are staged. */
  end: number
  /** The offset after the last staged batch. */
  nextOffset: number
  /** Pairs (offset, place in the slab) of some batches, ascending: where to begin to look. */
  readonly marks: number[]
  pins = 0
  used = true
  dropped = false

  constructor(tail: LogTail, slab: Slab, start: ChunkStart) {
    this.tail = tail
    this.slab = slab
    this.position = start.position
    this.segmentBase = start.segmentBase
    this.baseOffset = start.baseOffset
    this.nextOffset = start.baseOffset
    this.begin = start.position % PAGE_BYTES
    this.written = this.begin
    this.end = this.begin
    this.marks = [start.baseOffset, this.begin]
  }

  /** The place of the last mark that is not after `offset`. */
  markOfOffset(offset: number): number {
    const { marks } = this
    let low = 0
    let high = marks.length / 2 - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((marks[middle * 2] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return marks[low * 2 + 1] ?? this.begin
  }

  /** The place of the batch that holds `offset`, or of the first one after it; `end` when there is none. */
  placeOf(offset: number, from: number = this.markOfOffset(offset)): number {
    const { view } = this.slab
    let at = from
    while (at < this.end) {
      const lastOffset = int64At(view, at) + view.getInt32(at + 23)
      if (lastOffset >= offset) return at
      at += 12 + view.getInt32(at + 8)
    }
    return this.end
  }

  /** The greatest batch boundary that is neither after `limit` nor after `end`, looked for from the boundary `from`. */
  boundaryBefore(from: number, limit: number): number {
    const { view } = this.slab
    const { marks } = this
    let at = from
    let low = 0
    let high = marks.length / 2 - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((marks[middle * 2 + 1] ?? 0) <= limit) low = middle
      else high = middle - 1
    }
    at = Math.max(at, marks[low * 2 + 1] ?? at)
    while (at < this.end) {
      const next = at + 12 + view.getInt32(at + 8)
      if (next > limit) break
      at = next
    }
    return at
  }
}

/** What one log has in the cache: chunks in ascending order of offset, with gaps where batches were too large for it. */
export class LogTail {
  readonly chunks: TailChunk[] = []
  /** How many more chunks are kept for the sake of those who read at the end of the log. */
  credit = 0

  /** The chunk that holds `offset` in its staged bytes. */
  find(offset: number): number {
    const { chunks } = this
    let low = 0
    let high = chunks.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const chunk = chunks[middle]
      if (chunk === undefined) return -1
      if (offset < chunk.baseOffset) high = middle - 1
      else if (offset >= chunk.nextOffset) low = middle + 1
      else return middle
    }
    return -1
  }
}

/** The cache of one broker. */
export class TailCache {
  readonly #small: SlabPool
  readonly #large: SlabPool
  #queue: TailChunk[] = []
  #head = 0
  #queueLimit = QUEUE_LIMIT

  /** Batches up to this size are staged; larger ones are written at once and not kept. */
  readonly stagedBatchBytes: number

  /** `limitBytes`: bound of all slabs together; at least one of each size is there. */
  constructor(limitBytes: number, stagedBatchBytes = STAGED_BATCH_BYTES) {
    this.stagedBatchBytes = Math.min(stagedBatchBytes, STAGED_BATCH_BYTES)
    const smallBytes = Math.min(Math.floor(limitBytes / 8), 8 * 1024 * 1024)
    this.#small = new SlabPool(SMALL_BYTES, Math.max(1, Math.floor(smallBytes / SMALL_BYTES)))
    this.#large = new SlabPool(LARGE_BYTES, Math.max(1, Math.floor((limitBytes - smallBytes) / LARGE_BYTES)))
  }

  /** A chunk with room for `size` bytes at the given place of the log, the newest of `tail`. */
  chunkFor(tail: LogTail, size: number, start: ChunkStart): TailChunk {
    if (tail.credit > 0) tail.credit--
    else this.#trim(tail)
    const need = size + (start.position % PAGE_BYTES)
    const last = tail.chunks.at(-1)
    const small = need <= SMALL_BYTES && (last === undefined || last.slab.bytes.length < SMALL_BYTES)
    const pool = small ? this.#small : this.#large
    let slab = pool.take()
    if (slab === undefined) {
      this.#evictOne(pool.slabBytes)
      slab = pool.takeOrMake()
    }
    const chunk = new TailChunk(tail, slab, start)
    tail.chunks.push(chunk)
    this.#queue.push(chunk)
    if (this.#queue.length > this.#queueLimit) this.#tidy()
    return chunk
  }

  pin(chunk: TailChunk): void {
    chunk.pins++
    chunk.used = true
    chunk.tail.credit = CREDIT_CHUNKS
  }

  unpin(chunk: TailChunk): void {
    chunk.pins--
    if (chunk.pins === 0 && chunk.dropped) this.#giveBack(chunk)
  }

  /** Forgets all of a log: after truncation, a failed write, or when it goes. */
  dropAll(tail: LogTail): void {
    for (const chunk of tail.chunks) this.#drop(chunk)
    tail.chunks.length = 0
  }

  /** Without readers at its end a log goes back and forth between two slabs, which then stay in the processor's caches. */
  #trim(tail: LogTail): void {
    const { chunks } = tail
    while (chunks.length > 1 && chunks[0] !== undefined && chunks[0].written === chunks[0].end) {
      this.#drop(chunks[0])
      chunks.shift()
    }
  }

  /** Lets go of chunks that were dropped by their logs and have not come up for eviction. */
  #tidy(): void {
    this.#queue = this.#queue.slice(this.#head).filter(chunk => !chunk.dropped)
    this.#head = 0
    this.#queueLimit = Math.max(QUEUE_LIMIT, this.#queue.length * 2)
  }

  #evictOne(slabBytes: number): void {
    // More looks are not worth it: where everything is staged or in use, there is nothing to be had.
    for (let look = 0; look < MAX_LOOKS; look++) {
      const chunk = this.#queue[this.#head]
      if (chunk === undefined) return
      this.#head++
      if (chunk.dropped) continue
      if (chunk.used || chunk.written < chunk.end || chunk.slab.bytes.length !== slabBytes) {
        chunk.used = false
        this.#queue.push(chunk)
        continue
      }
      const { chunks } = chunk.tail
      const index = chunks.indexOf(chunk)
      if (index >= 0) chunks.splice(index, 1)
      const pinned = chunk.pins > 0
      this.#drop(chunk)
      if (!pinned) return
    }
  }

  #drop(chunk: TailChunk): void {
    if (chunk.dropped) return
    chunk.dropped = true
    if (chunk.pins === 0) this.#giveBack(chunk)
  }

  #giveBack(chunk: TailChunk): void {
    const pool = chunk.slab.bytes.length === SMALL_BYTES ? this.#small : this.#large
    pool.give(chunk.slab)
  }
}
