// Finding the next whole batch behind damaged bytes.

import { crc32c } from '@ottla/protocol'
import { BATCH_HEADER_BYTES, int64At, LOG_OVERHEAD_BYTES } from './bytes.ts'
import type { OpenFile } from './files.ts'

const WINDOW_BYTES = 1024 * 1024

/** Where a valid batch begins. */
export interface FoundBatch {
  readonly position: number
  readonly baseOffset: number
  readonly size: number
}

const readWhole = async (file: OpenFile, position: number, length: number): Promise<Buffer> => {
  const bytes = Buffer.allocUnsafe(length)
  let held = 0
  while (held < length) {
    const read = await file.read(bytes, { at: held, length: length - held, position: position + held })
    if (read === 0) break
    held += read
  }
  return bytes.subarray(0, held)
}

const validAt = async (file: OpenFile, position: number, size: number): Promise<boolean> => {
  const batch = await readWhole(file, position, size)
  return batch.length === size && crc32c(batch, 21, size) === batch.readUInt32BE(17)
}

/**
 * The first magic 2 batch at or after `from` whose checksum is right and whose base offset is at least `minOffset`; it must end by `until`.
 * Bytes in between are passed over. Only reads.
 */
export const nextValidBatch = async (
  file: OpenFile,
  range: { from: number; until: number; minOffset: number },
): Promise<FoundBatch | undefined> => {
  let at = range.from
  while (at + BATCH_HEADER_BYTES <= range.until) {
    const window = await readWhole(file, at, Math.min(WINDOW_BYTES, range.until - at))
    if (window.length < BATCH_HEADER_BYTES) return undefined
    const view = new DataView(window.buffer, window.byteOffset, window.length)
    const last = window.length - BATCH_HEADER_BYTES
    for (let place = 0; place <= last; place++) {
      if (window[place + 16] !== 2) continue
      const size = LOG_OVERHEAD_BYTES + view.getInt32(place + 8)
      const baseOffset = int64At(view, place)
      if (size < BATCH_HEADER_BYTES || at + place + size > range.until || baseOffset < range.minOffset) continue
      if (view.getInt32(place + 23) < 0) continue
      if (await validAt(file, at + place, size)) return { position: at + place, baseOffset, size }
    }
    at += last + 1
  }
  return undefined
}
