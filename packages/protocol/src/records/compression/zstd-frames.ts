// Walks the frames of zstd bytes (RFC 8878) to know, before anything is decompressed, where each ends and how many bytes it can become.

import { malformed } from './failures.ts'

const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const MAX_BLOCK_BYTES = 128 * 1024
/** Nobody writes more than a frame or two in a batch; each costs a call. */
const MAX_FRAMES = 1000

/** A frame that is not empty. */
export interface ZstdFrame {
  readonly at: number
  readonly end: number
  /** What it becomes at the most; exact where the frame says. */
  readonly maxLength: number
}

const littleEndian = (bytes: Uint8Array, at: number, size: number): number => {
  let value = 0
  for (let index = size - 1; index >= 0; index--) value = value * 256 + bytes[at + index]!
  return value
}

/** The frame that begins at `start`, whose magic has been seen. */
const frameAt = (bytes: Uint8Array, start: number): ZstdFrame => {
  let at = start + 4
  if (at >= bytes.length) throw malformed('zstd', 'it ends within a header')
  const descriptor = bytes[at++]!
  const isSingleSegment = (descriptor & 0x20) !== 0
  if ((descriptor & 0x08) !== 0) throw malformed('zstd', 'a header has a reserved bit')
  if (!isSingleSegment) at++
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!
  const dictionary = littleEndian(bytes, at, dictionaryBytes)
  at += dictionaryBytes
  if (at + sizeBytes > bytes.length) throw malformed('zstd', 'it ends within a header')
  if (dictionary !== 0) throw malformed('zstd', 'it needs a dictionary')
  const declared = sizeBytes === 0 ? -1 : littleEndian(bytes, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  at += sizeBytes
  let possible = 0
  for (let isLast = false; !isLast; ) {
    if (at + 3 > bytes.length) throw malformed('zstd', 'it ends before the end of a frame')
    const header = littleEndian(bytes, at, 3)
    const type = (header >>> 1) & 3
    const size = header >>> 3
    isLast = (header & 1) === 1
    if (type === 3 || size > MAX_BLOCK_BYTES) throw malformed('zstd', 'a block has a header that cannot be')
    at += 3 + (type === 1 ? 1 : size)
    possible += type === 2 ? MAX_BLOCK_BYTES : size
  }
  if ((descriptor & 0x04) !== 0) at += 4
  if (at > bytes.length) throw malformed('zstd', 'it ends before the end of a frame')
  if (declared > possible) throw malformed('zstd', `a frame declares ${declared} bytes and has at most ${possible}`)
  return { at: start, end: at, maxLength: declared < 0 ? possible : declared }
}

/** The frames of `bytes`, without skippable and empty ones. @throws KafkaError INVALID_RECORD when they are malformed. */
export const zstdFrames = (bytes: Uint8Array): ZstdFrame[] => {
  const frames: ZstdFrame[] = []
  let at = 0
  while (at < bytes.length) {
    if (bytes.length - at < 5) throw malformed('zstd', 'it ends within a frame')
    const magic = littleEndian(bytes, at, 4)
    if (magic === MAGIC) {
      const frame = frameAt(bytes, at)
      at = frame.end
      if (frame.maxLength > 0) frames.push(frame)
      if (frames.length > MAX_FRAMES) throw malformed('zstd', `it has more than ${MAX_FRAMES} frames`)
    } else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      if (bytes.length - at < 8) throw malformed('zstd', 'it ends within a frame')
      at += 8 + littleEndian(bytes, at + 4, 4)
      if (at > bytes.length) throw malformed('zstd', 'it ends within a frame')
    } else throw malformed('zstd', 'it does not begin with a frame')
  }
  return frames
}
