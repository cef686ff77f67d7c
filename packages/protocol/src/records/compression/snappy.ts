// Snappy as Kafka has it: raw, as librdkafka writes it, or in the framing of snappy-java ("xerial"), as Java does. That framing: 8 bytes of
// magic, version 4, compatible version 4, then blocks of length 4 and raw snappy; a stream may begin anew with another header.

import { int32At, putInt32 } from '../numbers.ts'
import { malformed, tooLarge } from './failures.ts'
import { callWasm } from './wasm.ts'

const HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
const MAGIC_BYTES = 8
/** Uncompressed bytes of a block, as snappy-java writes them. */
const BLOCK_BYTES = 32 * 1024

/** Snappy in xerial framing. */
export const snappyCompress = (bytes: Uint8Array): Buffer => {
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
  const output = Buffer.allocUnsafe(HEADER.length + blocks * (4 + 32) + bytes.length + Math.ceil(bytes.length / 6))
  output.set(HEADER)
  let at = HEADER.length
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
    at += callWasm('snappy_compress', bytes.subarray(from, from + BLOCK_BYTES), block => {
      putInt32(output, at, block.length)
      output.set(block, at + 4)
      return 4 + block.length
    })
  }
  return output.subarray(0, at)
}

/** The length that raw snappy declares, and where its elements begin. No snappy element makes more than 64 bytes of 3. */
const declaredLength = (bytes: Uint8Array, at: number, end: number): number => {
  let length = 0
  let position = at
  for (let scale = 1; scale < 0x1000000000; scale *= 128) {
    if (position >= end) throw malformed('snappy', 'it ends within its length')
    const byte = bytes[position++]!
    length += (byte & 0x7f) * scale
    if (byte < 0x80) {
      if (length > ((end - position) * 64) / 3 + 64) throw malformed('snappy', `${end - at} bytes cannot become ${length}`)
      return length
    }
  }
  throw malformed('snappy', 'its length has more than 5 bytes')
}

const isFramed = (bytes: Uint8Array, at: number): boolean => {
  if (bytes.length - at < HEADER.length) return false
  for (let index = 0; index < MAGIC_BYTES; index++) if (bytes[at + index] !== HEADER[index]) return false
  return true
}

interface Block {
  readonly at: number
  readonly end: number
  readonly length: number
}

/** The blocks of framed bytes, with what each declares. */
const blocksOf = (bytes: Uint8Array, maxOutputLength: number): { blocks: Block[]; total: number } => {
  const blocks: Block[] = []
  let total = 0
  let at = 0
  while (at < bytes.length) {
    if (isFramed(bytes, at)) {
      at += HEADER.length
      continue
    }
    if (bytes.length - at < 4) throw malformed('snappy', 'it ends within the length of a block')
    const size = int32At(bytes, at)
    at += 4
    if (size <= 0 || size > bytes.length - at) throw malformed('snappy', `a block of ${size} bytes does not fit into ${bytes.length - at}`)
    const length = declaredLength(bytes, at, at + size)
    total += length
    if (total > maxOutputLength) throw tooLarge('snappy', maxOutputLength)
    if (length > 0) blocks.push({ at, end: at + size, length })
    at += size
  }
  return { blocks, total }
}

/** Reads raw and framed snappy. */
export const snappyDecompress = (bytes: Uint8Array, maxOutputLength: number): Buffer => {
  if (!isFramed(bytes, 0)) {
    const length = declaredLength(bytes, 0, bytes.length)
    if (length > maxOutputLength) throw tooLarge('snappy', maxOutputLength)
    return callWasm('snappy_decompress', bytes, output => Buffer.from(output))
  }
  const { blocks, total } = blocksOf(bytes, maxOutputLength)
  const output = Buffer.allocUnsafe(total)
  let filled = 0
  for (const block of blocks) {
    callWasm('snappy_decompress', bytes.subarray(block.at, block.end), part => {
      if (part.length !== block.length) throw malformed('snappy', 'a block is not as long as it declares')
      output.set(part, filled)
    })
    filled += block.length
  }
  return output
}
