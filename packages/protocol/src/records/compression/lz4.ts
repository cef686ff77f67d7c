// The lz4 frame format: magic 4, flags 1, block size 1, content size 8 if flagged, dictionary 4 if flagged, header checksum 1, then blocks of
// length 4 (highest bit: not compressed), bytes and a checksum 4 if flagged, a length of 0 at the end, and a content checksum 4 if flagged.
// Numbers are little-endian. Kafka's clients write independent blocks of 64 KiB and nothing optional; that is what is written here.

import { malformed, tooLarge } from './failures.ts'
import { lz4Block, lz4BlockLength } from './lz4-block.ts'
import { callWasm } from './wasm.ts'
import { shortXxHash32 } from './xxhash32.ts'

const BLOCK_BYTES = 64 * 1024
/** Magic, version 1 with independent blocks, blocks of 64 KiB, checksum. */
const HEADER = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])
const END_BYTES = 4
const FLAGS_AT = 4
/** Up to here the code below is quicker than the WebAssembly, whose every call costs about 10 microseconds. */
const SMALL_BYTES = 4 * 1024

const uint32At = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0

/** One frame of independent 64 KiB blocks. The native code chooses larger blocks for larger input, so it gets a block at a time. */
export const lz4Compress = (bytes: Uint8Array): Buffer => {
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
  const output = Buffer.allocUnsafe(HEADER.length + bytes.length + blocks * 8 + END_BYTES)
  output.set(HEADER)
  let at = HEADER.length
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
    at += callWasm('lz4_compress', bytes.subarray(from, from + BLOCK_BYTES), frame => {
      const block = frame.subarray(HEADER.length, frame.length - END_BYTES)
      output.set(block, at)
      return block.length
    })
  }
  output.fill(0, at, at + END_BYTES)
  return output.subarray(0, at + END_BYTES)
}

interface FrameHeader {
  /** Where the first block begins. */
  readonly at: number
  /** Where the header checksum lies. */
  readonly checksumAt: number
  readonly maxBlockBytes: number
  readonly blockChecksumBytes: number
  readonly contentChecksumBytes: number
  /** Whether matches reach back into the blocks before. */
  readonly areLinked: boolean
  /** -1 where the frame does not say. */
  readonly contentSize: number
}

const headerOf = (bytes: Uint8Array): FrameHeader => {
  if (bytes.length < HEADER.length || uint32At(bytes, 0) !== 0x184d2204) throw malformed('lz4', 'it does not begin with a frame')
  const flags = bytes[FLAGS_AT]!
  const sizes = bytes[FLAGS_AT + 1]!
  if (flags >>> 6 !== 1 || (flags & 0x02) !== 0) throw malformed('lz4', `its flags are ${flags}`)
  if ((flags & 0x01) !== 0) throw malformed('lz4', 'it needs a dictionary')
  const code = (sizes >>> 4) & 7
  if (code < 4 || (sizes & 0x8f) !== 0) throw malformed('lz4', `its block size is ${sizes}`)
  let checksumAt = FLAGS_AT + 2
  let contentSize = -1
  if ((flags & 0x08) !== 0) {
    checksumAt += 8
    if (checksumAt >= bytes.length) throw malformed('lz4', 'it ends within its header')
    contentSize = uint32At(bytes, checksumAt - 8) + uint32At(bytes, checksumAt - 4) * 4_294_967_296
  }
  return {
    at: checksumAt + 1,
    checksumAt,
    maxBlockBytes: 1 << (2 * code + 8),
    blockChecksumBytes: (flags & 0x10) === 0 ? 0 : 4,
    contentChecksumBytes: (flags & 0x04) === 0 ? 0 : 4,
    areLinked: (flags & 0x20) === 0,
    contentSize,
  }
}

interface Frame {
  readonly end: number
  /** Bytes that come out. */
  readonly length: number
}

/** Where the frame ends and how long it becomes, which is not too long. */
const measured = (bytes: Uint8Array, header: FrameHeader, maxOutputLength: number): Frame => {
  let total = 0
  let at = header.at
  for (;;) {
    if (bytes.length - at < 4) throw malformed('lz4', 'it ends before the end of its frame')
    const stated = uint32At(bytes, at)
    at += 4
    if (stated === 0) break
    const size = stated & 0x7fffffff
    const end = at + size + header.blockChecksumBytes
    if (size > header.maxBlockBytes || end > bytes.length) throw malformed('lz4', `a block of ${size} bytes does not fit`)
    const length = stated > 0x7fffffff ? size : lz4BlockLength(bytes, at, at + size)
    if (length > header.maxBlockBytes) throw malformed('lz4', `a block becomes ${length} bytes, more than its frame allows`)
    total += length
    if (total > maxOutputLength) throw tooLarge('lz4', maxOutputLength)
    at = end
  }
  at += header.contentChecksumBytes
  if (at > bytes.length) throw malformed('lz4', 'it ends before its checksum')
  if (header.contentSize >= 0 && header.contentSize !== total)
    throw malformed('lz4', `it has ${total} bytes and declares ${header.contentSize}`)
  return { end: at, length: total }
}

/** Reads a frame, whose checksums are not looked at. A frame of independent blocks has no matches across them. */
const smallFrame = (bytes: Uint8Array, header: FrameHeader, length: number): Buffer => {
  const output = Buffer.allocUnsafe(length)
  let to = 0
  let at = header.at
  for (let stated = uint32At(bytes, at); stated !== 0; stated = uint32At(bytes, at)) {
    const end = at + 4 + (stated & 0x7fffffff)
    if (stated > 0x7fffffff) {
      output.set(bytes.subarray(at + 4, end), to)
      to += end - at - 4
    } else to = lz4Block(bytes, at + 4, end, { output, to, earliest: header.areLinked ? 0 : to })
    at = end
  }
  return output
}

/** Reads one frame; as in Kafka, what follows it is not read. */
export const lz4Decompress = (bytes: Uint8Array, maxOutputLength: number, ignoreHeaderChecksum: boolean): Buffer => {
  const header = headerOf(bytes)
  const { end, length } = measured(bytes, header, maxOutputLength)
  let frame = bytes.subarray(0, end)
  const checksum = (shortXxHash32(bytes, FLAGS_AT, header.checksumAt) >>> 8) & 0xff
  if (checksum !== bytes[header.checksumAt]) {
    if (!ignoreHeaderChecksum) throw malformed('lz4', 'its header checksum is wrong')
    frame = Uint8Array.from(frame)
    frame[header.checksumAt] = checksum
  }
  if (length <= SMALL_BYTES && header.blockChecksumBytes + header.contentChecksumBytes === 0) return smallFrame(bytes, header, length)
  const output = callWasm('lz4_decompress', frame, bytesOut => Buffer.from(bytesOut))
  // It takes a block of nothing for the end of the frame.
  if (output.length !== length) throw malformed('lz4', `it becomes ${output.length} bytes and not ${length}`)
  return output
}
