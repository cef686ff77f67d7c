// A stretch of a segment file in pooled slabs, and the reading of batch headers that may cross from one slab to the next.

import { crc32c } from '@ottla/protocol'
import { LOG_OVERHEAD_BYTES } from './bytes.ts'
import type { OpenFile } from './files.ts'
import { looseSlab, PAGE_BYTES, type Slab, type SlabPool } from './slabs.ts'

const CRC_AT = 17
const CRC_FROM = 21
/** Bytes that are needed to judge a batch: the offset delta is the last field looked at. */
const HEADER_NEED = 27

interface Piece {
  readonly slab: Slab
  /** Place in the slab of the file position `position`. */
  readonly at: number
  readonly position: number
  readonly length: number
}

/** Bytes [position, position + length) of a file; `release` gives the slabs back, once. */
export class Gathered {
  readonly position: number
  length = 0
  readonly #pieces: Piece[] = []
  readonly #pool: SlabPool
  #released = false

  constructor(pool: SlabPool, position: number) {
    this.#pool = pool
    this.position = position
  }

  /** The file position after the last byte held. */
  get end(): number {
    return this.position + this.length
  }

  /** Reads up to `length` more bytes on the loop; returns false when the file ended before. */
  readMoreSync(file: OpenFile, length: number): boolean {
    let left = length
    while (left > 0) {
      const piece = this.#next(left)
      const read = file.readSync(piece.slab.bytes, { at: piece.at, length: piece.length, position: piece.position })
      this.#keep(piece, read)
      if (read < piece.length) return false
      left -= read
    }
    return true
  }

  /** As `readMoreSync`, without blocking the loop. */
  async readMore(file: OpenFile, length: number): Promise<boolean> {
    let left = length
    while (left > 0) {
      const piece = this.#next(left)
      const read = await file.read(piece.slab.bytes, { at: piece.at, length: piece.length, position: piece.position })
      this.#keep(piece, read)
      if (read < piece.length) return false
      left -= read
    }
    return true
  }

  /** Whether [position, position + length) is held. */
  has(position: number, length: number): boolean {
    return position >= this.position && position + length <= this.end
  }

  int32(position: number): number {
    const piece = this.#pieceOf(position)
    const at = piece.at + position - piece.position
    if (position + 4 <= piece.position + piece.length) return piece.slab.view.getInt32(at)
    return (this.#byte(position) << 24) | (this.#byte(position + 1) << 16) | (this.#byte(position + 2) << 8) | this.#byte(position + 3)
  }

  int64(position: number): number {
    return this.int32(position) * 4_294_967_296 + (this.int32(position + 4) >>> 0)
  }

  magic(position: number): number {
    return this.#byte(position + 16)
  }

  /** Size of the batch at `position`, header included. */
  batchSize(position: number): number {
    return LOG_OVERHEAD_BYTES + this.int32(position + 8)
  }

  /** Last offset of the batch at `position`: of magic 2 from the delta, of older magics the offset field itself. */
  lastOffset(position: number): number {
    const offset = this.int64(position)
    return this.magic(position) < 2 ? offset : offset + this.int32(position + 23)
  }

  /** Whether enough bytes are held to ask for size and last offset. */
  hasHeader(position: number): boolean {
    return this.has(position, HEADER_NEED)
  }

  /** Whether the CRC-32C of the magic 2 batch at `position` is right; all its bytes must be held. */
  checksumMatches(position: number): boolean {
    const end = position + this.batchSize(position)
    const expected = this.int32(position + CRC_AT) >>> 0
    let crc = 0
    let from = position + CRC_FROM
    while (from < end) {
      const piece = this.#pieceOf(from)
      const until = Math.min(end, piece.position + piece.length)
      const at = piece.at + from - piece.position
      crc = crc32c(piece.slab.bytes, at, at + until - from, crc)
      from = until
    }
    return crc === expected
  }

  /** The bytes [from, until) as they lie in the slabs. */
  slices(from: number, until: number): Buffer[] {
    const slices: Buffer[] = []
    for (const piece of this.#pieces) {
      const start = Math.max(from, piece.position)
      const stop = Math.min(until, piece.position + piece.length)
      if (start < stop) slices.push(piece.slab.bytes.subarray(piece.at + start - piece.position, piece.at + stop - piece.position))
    }
    return slices
  }

  /** The bytes [from, until) in one buffer: a slice where possible, else a copy. */
  joined(from: number, until: number): Buffer {
    const slices = this.slices(from, until)
    const [first] = slices
    return slices.length === 1 && first !== undefined ? first : Buffer.concat(slices)
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    for (const piece of this.#pieces) this.#pool.give(piece.slab)
  }

  #next(left: number): Piece {
    const position = this.end
    const last = this.#pieces.at(-1)
    if (last !== undefined) {
      const at = last.at + last.length
      const room = last.slab.bytes.length - at
      if (room > 0) return { slab: last.slab, at, position, length: Math.min(left, room) }
    }
    const at = position % PAGE_BYTES
    const length = Math.min(left, this.#pool.slabBytes - at)
    return { slab: this.#pool.take() ?? looseSlab(at + length), at, position, length }
  }

  #keep(piece: Piece, read: number): void {
    const last = this.#pieces.at(-1)
    if (last !== undefined && last.slab === piece.slab) {
      this.#pieces[this.#pieces.length - 1] = { slab: last.slab, at: last.at, position: last.position, length: last.length + read }
    } else {
      this.#pieces.push({ slab: piece.slab, at: piece.at, position: piece.position, length: read })
    }
    this.length += read
  }

  #pieceOf(position: number): Piece {
    for (const piece of this.#pieces) if (position < piece.position + piece.length) return piece
    throw new RangeError(`position ${position} is not held`)
  }

  #byte(position: number): number {
    const piece = this.#pieceOf(position)
    return piece.slab.view.getUint8(piece.at + position - piece.position)
  }
}
