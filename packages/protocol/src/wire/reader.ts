// Reads wire primitives. Every read is bounded by the bytes that are there: a length that cannot fit is a ProtocolError, never an
// allocation, a loop, or a RangeError out of a DataView.
import { broken } from './protocol-error.ts'
import { readText } from './text.ts'
import { readUuid } from './uuid.ts'

/** Most elements that one message may hold in all its arrays together, and most elements of one array. */
export const MAX_ARRAY_ELEMENTS = 1_000_000
/** Most tagged fields in one message. */
export const MAX_TAGGED_FIELDS = 10_000
const maxStringLength = 0x7fff
/** Copies of up to so many bytes are made byte by byte. */
const LOOPED_BYTES = 32

/** A tagged field that this version of a message does not know, kept to be written again. */
export interface UnknownTag {
  readonly tag: number
  readonly bytes: Buffer
}

const emptyBytes = Buffer.alloc(0)

// Making a DataView costs as much as reading a small message; requests come one after another out of the same slab.
const largestKept = 1024 * 1024
let lastBuffer: Buffer = emptyBytes
let lastView: DataView = new DataView(emptyBytes.buffer, emptyBytes.byteOffset, 0)

function viewOf(buffer: Buffer): DataView {
  if (buffer === lastBuffer) return lastView
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  if (buffer.buffer.byteLength <= largestKept) {
    lastBuffer = buffer
    lastView = view
  }
  return view
}

/** Reads from `[at, end)` of a buffer. `at` moves on; `view` and `buffer` share its positions. */
export class Reader {
  readonly buffer: Buffer
  readonly view: DataView
  at: number
  end: number
  /** What the message may still hold. A client that trusts its cluster may raise these, a server that trusts nobody lower them. */
  elementsLeft = MAX_ARRAY_ELEMENTS
  tagsLeft = MAX_TAGGED_FIELDS
  /** Bytes of text; the end of the buffer bounds them too. */
  textLeft = Number.MAX_SAFE_INTEGER

  constructor(buffer: Buffer, at = 0, end = buffer.length) {
    if (at < 0 || end > buffer.length || at > end) broken('truncated', `range ${at} to ${end} of ${buffer.length} bytes`)
    this.buffer = buffer
    this.view = viewOf(buffer)
    this.at = at
    this.end = end
  }

  /** Bytes not yet read. */
  get left(): number {
    return this.end - this.at
  }

  /** Steps over `size` bytes and returns where they begin. */
  take(size: number): number {
    const at = this.at
    const next = at + size
    if (next > this.end) broken('truncated', `${size} bytes wanted, ${this.end - at} left`)
    this.at = next
    return at
  }

  bool(): boolean {
    return this.view.getInt8(this.take(1)) !== 0
  }
  int8(): number {
    return this.view.getInt8(this.take(1))
  }
  int16(): number {
    return this.view.getInt16(this.take(2))
  }
  uint16(): number {
    return this.view.getUint16(this.take(2))
  }
  int32(): number {
    return this.view.getInt32(this.take(4))
  }
  uint32(): number {
    return this.view.getUint32(this.take(4))
  }
  /** Clamped to the safe integers. */
  int64(): number {
    return readInt64(this.view, this.take(8))
  }
  bigInt64(): bigint {
    return this.view.getBigInt64(this.take(8))
  }
  float64(): number {
    return this.view.getFloat64(this.take(8))
  }
  uuid(): string {
    return this.uuidAt(this.take(16))
  }
  /** The uuid at a position that `take` gave. */
  uuidAt(at: number): string {
    return readUuid(this.buffer, this.view, at)
  }

  /** An unsigned varint of at most 32 bits (KIP-482). */
  uvarint(): number {
    const { buffer, end } = this
    const first = this.at < end ? (buffer[this.at] ?? 0) : broken('truncated', 'varint wanted, no bytes left')
    this.at++
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let shift = 7; shift <= 28; shift += 7) {
      if (this.at >= end) broken('truncated', 'varint without an end')
      const byte = buffer[this.at++] ?? 0
      if (shift === 28 && byte > 0x0f) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    return broken('varint', 'varint of more than 32 bits')
  }

  /** A zigzag varint of at most 32 bits, as in records. */
  varint(): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  string(): string {
    return this.nullableString() ?? broken('null', 'null where text must be')
  }
  nullableString(): string | null {
    const size = this.int16()
    return size === -1 ? null : this.text(size)
  }
  compactString(): string {
    return this.compactNullableString() ?? broken('null', 'null where text must be')
  }
  compactNullableString(): string | null {
    const size = this.uvarint()
    return size === 0 ? null : this.text(size - 1)
  }
  private text(size: number): string {
    if (size < 0 || size > maxStringLength) broken('length', `text of ${size} bytes`)
    const at = this.take(size)
    this.textLeft -= size
    if (this.textLeft < 0) broken('limit', 'more text than is accepted in one message')
    return readText(this.buffer, at, this.at)
  }

  /** A copy: the buffer behind the reader may be reused. */
  bytes(): Buffer {
    return this.nullableBytes() ?? broken('null', 'null where bytes must be')
  }
  nullableBytes(): Buffer | null {
    const size = this.int32()
    if (size < -1) broken('length', `${size} bytes`)
    return size === -1 ? null : this.copy(size)
  }
  compactBytes(): Buffer {
    return this.compactNullableBytes() ?? broken('null', 'null where bytes must be')
  }
  compactNullableBytes(): Buffer | null {
    const size = this.uvarint()
    return size === 0 ? null : this.copy(size - 1)
  }
  private copy(size: number): Buffer {
    if (size === 0) return emptyBytes
    const { buffer } = this
    const from = this.take(size)
    const bytes = Buffer.allocUnsafe(size)
    // A request may have a hundred thousand of these, and a call takes longer than a loop over some bytes.
    if (size > LOOPED_BYTES) buffer.copy(bytes, 0, from, this.at)
    else for (let at = 0; at < size; at++) bytes[at] = buffer[from + at]!
    return bytes
  }

  /** A slice of the input, not a copy. */
  records(): Buffer {
    return this.nullableRecords() ?? broken('null', 'null where records must be')
  }
  nullableRecords(): Buffer | null {
    const size = this.int32()
    if (size < -1) broken('length', `${size} bytes`)
    return size === -1 ? null : this.slice(size)
  }
  compactRecords(): Buffer {
    return this.compactNullableRecords() ?? broken('null', 'null where records must be')
  }
  compactNullableRecords(): Buffer | null {
    const size = this.uvarint()
    return size === 0 ? null : this.slice(size - 1)
  }
  private slice(size: number): Buffer {
    if (size === 0) return emptyBytes
    const at = this.take(size)
    return this.buffer.subarray(at, this.at)
  }

  /** Length of an array whose elements have at least `least` bytes each. */
  count(least: number): number {
    const count = this.nullableCount(least)
    return count < 0 ? broken('null', 'null where an array must be') : count
  }
  /** The same, or -1 for null. */
  nullableCount(least: number): number {
    const count = this.int32()
    if (count < -1) broken('length', `array of ${count} elements`)
    return count === -1 ? -1 : this.checked(count, least)
  }
  compactCount(least: number): number {
    const count = this.compactNullableCount(least)
    return count < 0 ? broken('null', 'null where an array must be') : count
  }
  compactNullableCount(least: number): number {
    const count = this.uvarint() - 1
    return count <= 0 ? count : this.checked(count, least)
  }
  private checked(count: number, least: number): number {
    if (count * least > this.end - this.at) broken('truncated', `array of ${count} elements in ${this.end - this.at} bytes`)
    if (count > MAX_ARRAY_ELEMENTS || count > this.elementsLeft)
      broken('limit', `array of ${count} elements, ${Math.min(MAX_ARRAY_ELEMENTS, this.elementsLeft)} are accepted`)
    this.elementsLeft -= count
    return count
  }

  /** Number of tagged fields of a struct. */
  tagCount(): number {
    const count = this.uvarint()
    if (count === 0) return 0
    if (count > this.tagsLeft) broken('limit', `more than ${MAX_TAGGED_FIELDS} tagged fields`)
    this.tagsLeft -= count
    return count
  }
  /** Narrows the reader to the next `size` bytes, those of a tagged field, and returns the end to give back to `leaveTag`. */
  enterTag(size: number): number {
    const { end } = this
    if (size > end - this.at) broken('truncated', `tagged field of ${size} bytes, ${end - this.at} left`)
    this.end = this.at + size
    return end
  }
  leaveTag(end: number): void {
    if (this.at !== this.end) broken('length', `tagged field with ${this.end - this.at} bytes too many`)
    this.end = end
  }
  /**
   * Keeps a tagged field that nobody knows, in the order of tags; of equal tags the last counts. Writers send them in this order
   * (KIP-482): putting one in its place counts like so many fields as it passes, so that it cannot be made to take long.
   */
  unknownTag(tag: number, known: UnknownTag[] | undefined): UnknownTag[] {
    const list = known ?? []
    const bytes = Buffer.from(this.buffer.subarray(this.at, this.end))
    this.at = this.end
    let index = list.length
    while (index > 0 && (list[index - 1]?.tag ?? -1) >= tag) index--
    this.tagsLeft -= list.length - index
    if (this.tagsLeft < 0) broken('limit', 'too many tagged fields out of order')
    list.splice(index, list[index]?.tag === tag ? 1 : 0, { tag, bytes })
    return list
  }
  /** All tagged fields of a struct that has none of its own; undefined if there are none, as nearly always. */
  unknownTags(): UnknownTag[] | undefined {
    if (this.at < this.end && this.buffer[this.at] === 0) {
      this.at++
      return undefined
    }
    let list: UnknownTag[] | undefined
    for (let count = this.tagCount(); count > 0; count--) {
      const tag = this.uvarint()
      const end = this.enterTag(this.uvarint())
      list = this.unknownTag(tag, list)
      this.leaveTag(end)
    }
    return list
  }
  /** Steps over tagged fields without keeping them. */
  skipTags(): void {
    for (let count = this.tagCount(); count > 0; count--) {
      this.uvarint()
      this.take(this.uvarint())
    }
  }
}

/** The int64 at a position as a number, clamped to the safe integers. */
export function readInt64(view: DataView, at: number): number {
  const value = view.getInt32(at) * 4_294_967_296 + view.getUint32(at + 4)
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER
  return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : value
}
