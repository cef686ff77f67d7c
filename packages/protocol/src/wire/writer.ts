// Writes wire primitives into pooled memory. Record batches are not copied: from 1 KiB on they stay references between the pieces
// that were written, for a gathering write.
import { broken } from './protocol-error.ts'
import type { UnknownTag } from './reader.ts'
import { writeUuid } from './uuid.ts'

const slabSize = 64 * 1024
const smallestRest = 2 * 1024
const keptByReference = 1024
const maxStringLength = 0x7fff
/** Up to here a loop over the characters is quicker than a call into the runtime; the length also fits one byte of a varint. */
const longestShortText = 64

/** Memory not yet given out. One writer at a time has it; a writer that fails takes its slab along. */
interface Slab {
  readonly bytes: Buffer
  readonly view: DataView
  at: number
}
let spare: Slab | null = null

function newSlab(size: number): Slab {
  const bytes = Buffer.allocUnsafeSlow(size)
  return { bytes, view: new DataView(bytes.buffer), at: 0 }
}

/** Of a writer that is done. */
const used = newSlab(0)

/** Collects one message; it is complete with `chunks` or `bytes`. */
export class Writer {
  private slab: Slab
  /** Where in the slab the current piece begins; pieces before it are in `pieces`. */
  private start: number
  private pieces: Buffer[] | null = null
  private piecesLength = 0
  buffer: Buffer
  view: DataView
  at: number

  constructor() {
    const slab = spare ?? newSlab(slabSize)
    spare = null
    this.slab = slab
    this.buffer = slab.bytes
    this.view = slab.view
    this.start = slab.at
    this.at = slab.at
  }

  /** Bytes written so far. */
  get length(): number {
    return this.piecesLength + this.at - this.start
  }

  /** Makes room for `size` bytes, steps over them and returns where they begin. `buffer` and `view` may be others after it. */
  take(size: number): number {
    if (this.at + size > this.buffer.length) this.grow(size)
    const at = this.at
    this.at = at + size
    return at
  }

  private grow(size: number): void {
    const { start, at } = this
    const slab = newSlab(Math.max(slabSize, (at - start) * 2, at - start + size))
    this.buffer.copy(slab.bytes, 0, start, at)
    this.slab = slab
    this.buffer = slab.bytes
    this.view = slab.view
    this.start = 0
    this.at = at - start
  }

  /** What was written, in order, without copying. The rest of the slab goes to the next writer. */
  chunks(): Buffer[] {
    const list = (this.pieces ??= [])
    if (this.at > this.start) {
      list.push(this.buffer.subarray(this.start, this.at))
      this.piecesLength += this.at - this.start
    }
    if (this.buffer.length - this.at >= smallestRest) {
      this.slab.at = this.at
      spare = this.slab
    }
    this.slab = used
    this.buffer = used.bytes
    this.view = used.view
    this.start = 0
    this.at = 0
    return list
  }

  /** What was written, in one buffer. */
  bytes(): Buffer {
    const list = this.chunks()
    return list.length === 1 && list[0] !== undefined ? list[0] : Buffer.concat(list)
  }

  bool(value: boolean): void {
    const at = this.take(1)
    this.view.setInt8(at, value ? 1 : 0)
  }
  int8(value: number): void {
    const at = this.take(1)
    this.view.setInt8(at, asInt8(value, 'int8'))
  }
  int16(value: number): void {
    const at = this.take(2)
    this.view.setInt16(at, asInt16(value, 'int16'))
  }
  uint16(value: number): void {
    const at = this.take(2)
    this.view.setUint16(at, asUint16(value, 'uint16'))
  }
  int32(value: number): void {
    const at = this.take(4)
    this.view.setInt32(at, asInt32(value, 'int32'))
  }
  uint32(value: number): void {
    const at = this.take(4)
    this.view.setUint32(at, asUint32(value, 'uint32'))
  }
  int64(value: number): void {
    const at = this.take(8)
    writeInt64(this.view, at, value)
  }
  bigInt64(value: bigint): void {
    const at = this.take(8)
    this.view.setBigInt64(at, value)
  }
  float64(value: number): void {
    const at = this.take(8)
    this.view.setFloat64(at, value)
  }
  uuid(value: string): void {
    const at = this.take(16)
    writeUuid(this.buffer, at, value)
  }
  /** Writes a uuid where `take` made room. */
  uuidAt(at: number, value: string): void {
    writeUuid(this.buffer, at, value)
  }

  /** An unsigned varint of at most 32 bits. */
  uvarint(value: number): void {
    let at = this.take(5)
    const { buffer } = this
    let rest = value
    while (rest > 0x7f) {
      buffer[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[at++] = rest
    this.at = at
  }
  /** A zigzag varint of at most 32 bits. */
  varint(value: number): void {
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  string(value: string): void {
    const size = shortTextLength(value)
    const at = this.take(2 + size)
    this.view.setInt16(at, size)
    if (!this.ascii(value, at + 2)) this.longString(value, at)
  }
  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }
  compactString(value: string): void {
    const size = shortTextLength(value)
    const at = this.take(1 + size)
    this.buffer[at] = size + 1
    if (!this.ascii(value, at + 1)) this.longCompactString(value, at)
  }
  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0)
    else this.compactString(value)
  }
  /** Writes short ASCII text; false, with garbage written, for any other. */
  private ascii(value: string, at: number): boolean {
    const { buffer } = this
    const size = value.length
    if (size > longestShortText) return false
    for (let index = 0; index < size; index++) {
      const code = value.charCodeAt(index)
      if (code >= 0x80) return false
      buffer[at + index] = code
    }
    return true
  }
  private longString(value: string, at: number): void {
    this.at = at
    const size = utf8Length(value)
    const prefixAt = this.take(2)
    this.view.setInt16(prefixAt, size)
    const to = this.take(size)
    this.buffer.write(value, to, size, 'utf8')
  }
  private longCompactString(value: string, at: number): void {
    this.at = at
    const size = utf8Length(value)
    this.uvarint(size + 1)
    const to = this.take(size)
    this.buffer.write(value, to, size, 'utf8')
  }

  bytesField(value: Buffer): void {
    const at = this.take(4)
    this.view.setInt32(at, lengthOf(value))
    this.raw(value)
  }
  nullableBytesField(value: Buffer | null): void {
    if (value === null) this.int32(-1)
    else this.bytesField(value)
  }
  compactBytesField(value: Buffer): void {
    this.uvarint(lengthOf(value) + 1)
    this.raw(value)
  }
  compactNullableBytesField(value: Buffer | null): void {
    if (value === null) this.uvarint(0)
    else this.compactBytesField(value)
  }
  /** Copies bytes as they are. */
  raw(value: Uint8Array): void {
    const at = this.take(value.length)
    this.buffer.set(value, at)
  }

  records(value: Buffer | readonly Buffer[]): void {
    const at = this.take(4)
    this.view.setInt32(at, recordsLength(value))
    this.appendRecords(value)
  }
  nullableRecords(value: Buffer | readonly Buffer[] | null): void {
    if (value === null) this.int32(-1)
    else this.records(value)
  }
  compactRecords(value: Buffer | readonly Buffer[]): void {
    this.uvarint(recordsLength(value) + 1)
    this.appendRecords(value)
  }
  compactNullableRecords(value: Buffer | readonly Buffer[] | null): void {
    if (value === null) this.uvarint(0)
    else this.compactRecords(value)
  }
  private appendRecords(value: Buffer | readonly Buffer[]): void {
    if (value instanceof Uint8Array) this.reference(value)
    else for (const part of value) this.reference(part)
  }
  /** Appends bytes without copying them, unless they are few. */
  reference(value: Buffer): void {
    if (value.length < keptByReference) {
      this.raw(value)
      return
    }
    const pieces = (this.pieces ??= [])
    if (this.at > this.start) pieces.push(this.buffer.subarray(this.start, this.at))
    pieces.push(value)
    this.piecesLength += this.at - this.start + value.length
    this.start = this.at
  }

  /** Array length in versions with fixed lengths; -1 is null. */
  count(count: number): void {
    const at = this.take(4)
    this.view.setInt32(at, count)
  }

  /** Puts the size of what was written since `mark` (a `length`) before it, as tagged fields want it. */
  sizeBefore(mark: number): void {
    const size = this.length - mark
    this.uvarint(size)
    const prefix = this.length - mark - size
    const from = this.at - prefix - size
    const digits = Buffer.from(this.buffer.subarray(this.at - prefix, this.at))
    this.buffer.copyWithin(from + prefix, from, from + size)
    digits.copy(this.buffer, from)
  }

  /** Writes the unknown tags in `[from, before)` by tag; returns the index of the first that is left. */
  unknownTags(tags: readonly UnknownTag[], from: number, before: number): number {
    let index = from
    for (let next = tags[index]; next !== undefined && next.tag < before; next = tags[index]) {
      this.uvarint(next.tag)
      this.uvarint(next.bytes.length)
      this.raw(next.bytes)
      index++
    }
    return index
  }
}

const lengthOf = (value: Buffer): number => (value instanceof Uint8Array ? value.length : broken('value', 'no bytes where bytes must be'))

function recordsLength(value: Buffer | readonly Buffer[]): number {
  if (value instanceof Uint8Array) return value.length
  if (!Array.isArray(value)) broken('value', 'no records where records must be')
  let size = 0
  for (const part of value) size += part.length
  return size
}

/** Length of text that may be short; 0 for longer text. */
const shortTextLength = (value: string): number =>
  typeof value !== 'string' ? broken('value', 'no text where text must be') : value.length <= longestShortText ? value.length : 0

function utf8Length(value: string): number {
  const size = Buffer.byteLength(value)
  return size > maxStringLength ? broken('value', `text of ${size} bytes, at most ${maxStringLength} can be written`) : size
}

const wrong = (value: unknown, name: string): never => broken('value', `${name} cannot be ${String(value)}`)

/** Each checks that a value fits its wire type; `name` is for the message of the ProtocolError. */
export function asInt8(value: number, name: string): number {
  return (value << 24) >> 24 === value ? value : wrong(value, name)
}
export function asInt16(value: number, name: string): number {
  return (value << 16) >> 16 === value ? value : wrong(value, name)
}
export function asUint16(value: number, name: string): number {
  return (value & 0xffff) === value ? value : wrong(value, name)
}
export function asInt32(value: number, name: string): number {
  return (value | 0) === value ? value : wrong(value, name)
}
export function asUint32(value: number, name: string): number {
  return value >>> 0 === value ? value : wrong(value, name)
}

/** Writes a safe integer as an int64. */
export function writeInt64(view: DataView, at: number, value: number, name = 'int64'): void {
  if (!Number.isSafeInteger(value)) wrong(value, name)
  view.setInt32(at, Math.floor(value / 4_294_967_296))
  view.setInt32(at + 4, value | 0)
}
