// Reads that the tail cache answers, without a system call.

import { int64At } from './bytes.ts'
import { type FetchedData, noData, type ReadOptions } from './fetched.ts'
import type { LogTail, TailCache, TailChunk } from './tail-cache.ts'

class TailData implements FetchedData {
  readonly chunks: Buffer[] = []
  size = 0
  readonly baseOffset: number
  nextOffset: number
  readonly #cache: TailCache
  readonly #pinned: TailChunk[] = []

  constructor(cache: TailCache, baseOffset: number) {
    this.#cache = cache
    this.baseOffset = baseOffset
    this.nextOffset = baseOffset
  }

  add(chunk: TailChunk, from: number, until: number): void {
    this.#cache.pin(chunk)
    this.#pinned.push(chunk)
    this.chunks.push(chunk.slab.bytes.subarray(from, until))
    this.size += until - from
  }

  release(): void {
    for (const chunk of this.#pinned) this.#cache.unpin(chunk)
    this.#pinned.length = 0
  }
}

/** Where to stop in a chunk: batches that end by `limit` bytes and before `endOffset`. */
const stopIn = (chunk: TailChunk, from: number, bounds: { limit: number; endOffset: number }): number => {
  let stop = chunk.written
  if (bounds.endOffset < chunk.nextOffset)
    stop = Math.min(stop, chunk.placeOf(bounds.endOffset, Math.max(from, chunk.markOfOffset(bounds.endOffset))))
  if (stop - from > bounds.limit) stop = chunk.boundaryBefore(from, from + bounds.limit)
  return stop
}

/**
 * What the cache holds from `options.offset` on, up to the first gap; undefined when it does not hold that offset.
 * `options.endOffset` must not lie after what is written.
 */
export const readTail = (cache: TailCache, tail: LogTail, options: ReadOptions): FetchedData | undefined => {
  let index = tail.find(options.offset)
  let chunk = index < 0 ? undefined : tail.chunks[index]
  if (chunk === undefined) return undefined
  const { view } = chunk.slab
  let from = chunk.placeOf(options.offset)
  if (from >= chunk.written) return undefined
  const data = new TailData(cache, int64At(view, from))
  const firstSize = 12 + view.getInt32(from + 8)
  let left = options.maxBytes
  if (firstSize > left) {
    if (!options.minOneBatch) return noData(options.offset)
    left = firstSize
  }
  while (chunk !== undefined) {
    const stop = stopIn(chunk, from, { limit: left, endOffset: options.endOffset })
    if (stop <= from) break
    data.add(chunk, from, stop)
    left -= stop - from
    const complete = stop === chunk.written
    data.nextOffset = complete ? Math.min(chunk.nextOffset, options.endOffset) : int64At(chunk.slab.view, stop)
    if (!complete || chunk.written < chunk.end) break
    const next: TailChunk | undefined = tail.chunks[++index]
    if (next === undefined || next.baseOffset !== chunk.nextOffset) break
    chunk = next
    from = next.begin
  }
  return data.size === 0 ? noData(options.offset) : data
}
