// Reads the records of a magic 2 batch one after the other without allocating anything: the one place that knows their format
// (class DefaultRecord). A record: length varint, attributes 1, timestampDelta varlong, offsetDelta varint, key length varint and key,
// value length varint and value, header count varint and per header key length varint and key, value length varint and value.
// A length below zero means null. Bytes are read without asking for the end each time: what reads past a record's end finds out
// at the latest when the end is compared with where the record's own length says it is.

import { ErrorCode, KafkaError } from '../errors.ts'

const invalid = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_RECORD, message)

/** Where the last `longVarint` or `varlong` ended. */
let varintEnd = 0

/** A varint that begins at `at` and has more than one byte. */
const longVarint = (body: Uint8Array, at: number): number => {
  let value = 0
  let position = at
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = body[position++]!
    value |= (byte & 0x7f) << shift
    if (!(byte >= 0x80)) {
      varintEnd = position
      return (value >>> 1) ^ -(value & 1)
    }
  }
  throw invalid('A varint has more than 5 bytes')
}

/** A varlong that begins at `at`; exact within the safe integers. */
const varlong = (body: Uint8Array, at: number): number => {
  let low = 0
  let middle = 0
  let high = 0
  let position = at
  for (let index = 0; index < 10; index++) {
    const byte = body[position++]!
    const bits = byte & 0x7f
    if (index < 4) low |= bits << (index * 7)
    else if (index < 8) middle |= bits << ((index - 4) * 7)
    else high |= bits << ((index - 8) * 7)
    if (!(byte >= 0x80)) {
      varintEnd = position
      const half = (low >>> 1) + middle * 0x8000000 + (high & 0xff) * 0x80000000000000
      return low & 1 ? -half - 1 : half
    }
  }
  throw invalid('A varlong has more than 10 bytes')
}

/** A cursor over records; its fields are those of the record that `next` read last. */
export class RecordCursor {
  /** Uncompressed bytes of the records. */
  readonly body: Buffer
  /** Where the next record begins. */
  position: number
  /** Where the records end. */
  end: number
  /** Where the record begins, its length included. */
  at = 0
  attributes = 0
  /** In ms, from the batch's base timestamp. */
  timestampDelta = 0
  offsetDelta = 0
  keyAt = 0
  /** -1 for null. */
  keyLength = -1
  valueAt = 0
  /** -1 for null. */
  valueLength = -1
  /** Where the first header begins. */
  headersAt = 0
  headersCount = 0

  constructor(body: Buffer, position = 0, end = body.length) {
    this.body = body
    this.position = position
    this.end = end
  }

  /** Bytes of the record, its length included. */
  get sizeInBytes(): number {
    return this.position - this.at
  }

  /**
   * Reads the next record, whose whole structure is checked.
   * @throws KafkaError INVALID_RECORD when it is malformed or does not end within the records.
   */
  next(): void {
    const body = this.body
    let at = this.position
    this.at = at
    let byte = body[at]!
    let length: number
    if (byte < 0x80) {
      length = (byte >>> 1) ^ -(byte & 1)
      at++
    } else {
      length = longVarint(body, at)
      at = varintEnd
    }
    if (length < 0 || length > this.end - at)
      throw invalid(`A record of ${length} bytes does not fit into the ${this.end - at} that are left`)
    const end = at + length
    this.attributes = body[at++]!

    byte = body[at]!
    if (byte < 0x80) {
      this.timestampDelta = (byte >>> 1) ^ -(byte & 1)
      at++
    } else {
      this.timestampDelta = varlong(body, at)
      at = varintEnd
    }

    byte = body[at]!
    if (byte < 0x80) {
      this.offsetDelta = (byte >>> 1) ^ -(byte & 1)
      at++
    } else {
      this.offsetDelta = longVarint(body, at)
      at = varintEnd
    }

    byte = body[at]!
    if (byte < 0x80) {
      length = (byte >>> 1) ^ -(byte & 1)
      at++
    } else {
      length = longVarint(body, at)
      at = varintEnd
    }
    this.keyAt = at
    this.keyLength = length < 0 ? -1 : length
    if (length > 0) at += length

    byte = body[at]!
    if (byte < 0x80) {
      length = (byte >>> 1) ^ -(byte & 1)
      at++
    } else {
      length = longVarint(body, at)
      at = varintEnd
    }
    this.valueAt = at
    this.valueLength = length < 0 ? -1 : length
    if (length > 0) at += length

    byte = body[at]!
    if (byte === 0) {
      this.headersAt = ++at
      this.headersCount = 0
    } else at = this.#headers(at, end)
    if (at !== end) throw invalid(`A record says it has ${end - this.at} bytes and has ${at - this.at}`)
    this.position = at
  }

  /** @throws KafkaError INVALID_RECORD when bytes are left after the last record. */
  ensureEnd(): void {
    if (this.position !== this.end) throw invalid(`${this.end - this.position} bytes are left after the last record`)
  }

  #headers(start: number, end: number): number {
    const body = this.body
    const count = longVarint(body, start)
    let at = varintEnd
    if (count < 0 || count > end - at) throw invalid(`A record has the impossible number of ${count} headers`)
    this.headersAt = at
    this.headersCount = count
    for (let index = 0; index < count; index++) {
      const keyLength = longVarint(body, at)
      if (keyLength < 0) throw invalid('A record header has no key')
      const valueLength = longVarint(body, varintEnd + keyLength)
      at = valueLength > 0 ? varintEnd + valueLength : varintEnd
      if (at > end) throw invalid('A record header does not fit into its record')
    }
    return at
  }
}

/** A varint at `at` of a body that a cursor has checked, for those who read headers lazily; `varintEndOf()` says where it ended. */
export const checkedVarint = (body: Uint8Array, at: number): number => longVarint(body, at)
/** Where the last `checkedVarint` ended. */
export const varintEndOf = (): number => varintEnd
