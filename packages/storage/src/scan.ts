// Walking a segment file from batch to batch with blocking reads: for recovery at start-up, and for the rare rebuilding of state.

import { crc32c, RecordBatch } from '@ottla/protocol'
import { BATCH_HEADER_BYTES, int64At, LOG_OVERHEAD_BYTES } from './bytes.ts'
import type { OpenFile } from './files.ts'

const WINDOW_BYTES = 1024 * 1024
const SMALLEST_BATCH_BYTES = 26

/** Reads a file through a window that moves forward. */
export class FileWindow {
  readonly #file: OpenFile
  readonly end: number
  #bytes: Buffer
  #view: DataView
  #from = 0
  #held = 0

  /** `end`: bytes of the file that count. */
  constructor(file: OpenFile, end: number) {
    this.#file = file
    this.end = end
    this.#bytes = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, Math.max(end, 1)))
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length)
  }

  /** Makes [position, position + length) available; returns its place in `bytes`, -1 when the file ends before. */
  place(position: number, length: number): number {
    if (position >= this.#from && position + length <= this.#from + this.#held) return position - this.#from
    if (position + length > this.end) return -1
    if (length > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafe(length)
      this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length)
    }
    const wanted = Math.min(this.#bytes.length, this.end - position)
    this.#from = position
    this.#held = this.#file.readSync(this.#bytes, { at: 0, length: wanted, position })
    return length <= this.#held ? 0 : -1
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  get view(): DataView {
    return this.#view
  }
}

/** A batch header that makes sense. `at` is the place of the batch in the window's bytes as long as it does not move on. */
export interface ScannedBatch {
  readonly position: number
  readonly at: number
  readonly size: number
  readonly magic: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly leaderEpoch: number
  readonly producerId: number
}

/** What a header must satisfy. */
export interface ScanBounds {
  readonly minOffset: number
  readonly maxOffset: number
}

/** The batch at `position` if its header can be one and all its bytes are there; the checksum is not looked at. */
export const batchAt = (window: FileWindow, position: number, bounds: ScanBounds): ScannedBatch | undefined => {
  let at = window.place(position, SMALLEST_BATCH_BYTES)
  if (at < 0) return undefined
  const size = LOG_OVERHEAD_BYTES + window.view.getInt32(at + 8)
  const magic = window.view.getUint8(at + 16)
  if (magic > 2 || size < (magic === 2 ? BATCH_HEADER_BYTES : SMALLEST_BATCH_BYTES)) return undefined
  if (magic === 2) at = window.place(position, BATCH_HEADER_BYTES)
  if (at < 0) return undefined
  // Before its body is read: where batches are looked for in damaged bytes, most that look like one are none.
  const offset = int64At(window.view, at)
  const lastOffset = magic === 2 ? offset + window.view.getInt32(at + 23) : offset
  if (offset < bounds.minOffset || lastOffset < offset || lastOffset > bounds.maxOffset) return undefined
  at = window.place(position, size)
  if (at < 0) return undefined
  const { view } = window
  const maxTimestamp = magic === 2 ? int64At(view, at + 35) : magic === 1 ? int64At(view, at + 18) : -1
  const leaderEpoch = magic === 2 ? view.getInt32(at + 12) : -1
  const producerId = magic === 2 ? int64At(view, at + 43) : -1
  return { position, at, size, magic, baseOffset: offset, lastOffset, maxTimestamp, leaderEpoch, producerId }
}

/** Whether the checksum of a batch that `batchAt` has just given is right. */
export const isIntact = (window: FileWindow, batch: ScannedBatch): boolean => {
  if (batch.magic < 2) return new RecordBatch(window.bytes, batch.at).checksumMatches()
  const { at, size } = batch
  return crc32c(window.bytes, at + 21, at + size) === window.view.getUint32(at + 17)
}

/** The first intact magic 2 batch at or after `from` within the bounds. */
export const nextIntact = (window: FileWindow, from: number, bounds: ScanBounds): ScannedBatch | undefined => {
  for (let position = from; position + BATCH_HEADER_BYTES <= window.end; position++) {
    const at = window.place(position, BATCH_HEADER_BYTES)
    if (at < 0) return undefined
    if (window.bytes[at + 16] !== 2) continue
    const batch = batchAt(window, position, bounds)
    if (batch !== undefined && isIntact(window, batch)) return batch
  }
  return undefined
}
