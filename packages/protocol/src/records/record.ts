// Records one by one, for those who want their keys and values: lazily, as views over the batch's bytes where it is not compressed.

import { ErrorCode, KafkaError } from '../errors.ts'
import { BATCH_HEADER_BYTES, type RecordBatch } from './batch.ts'
import { COMPRESSION_MASK } from './compression/codecs.ts'
import { decompress } from './compression/index.ts'
import { checkedVarint, RecordCursor, varintEndOf } from './cursor.ts'
import { legacyRecords } from './legacy.ts'

/** What a batch may become when it is decompressed, unless it is said otherwise. */
export const MAX_DECOMPRESSED_BYTES = 64 * 1024 * 1024

/** A header of a record. */
export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** A record as read. Keys and values share memory with what the batch lies in, or with its decompressed body. */
export interface RecordView {
  readonly offset: number
  /** In ms, -1 for none; the time of the append where the batch says LogAppendTime. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** Limits of reading. */
export interface ReadOptions {
  /** The most bytes that a compressed body may become; 64 MiB by default. */
  readonly maxOutputLength?: number
}

const noHeaders: readonly RecordHeader[] = []

/** What `subarray` of a Buffer makes, made without its checks of arguments, which cost twice as much as the rest. */
const View: new (memory: ArrayBufferLike, at: number, length: number) => Buffer = Reflect.get(Buffer, Symbol.species)

const safe = (value: number): number => Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))

/** Records' bytes, and where they lie in memory: asking a Buffer for that each time costs as much as making a view. */
class Body {
  readonly bytes: Buffer
  readonly #memory: ArrayBufferLike
  readonly #at: number

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.#memory = bytes.buffer
    this.#at = bytes.byteOffset
  }

  /** A view, null for a negative length. */
  view(at: number, length: number): Buffer | null {
    return length < 0 ? null : new View(this.#memory, this.#at + at, length)
  }
}

class LazyRecord implements RecordView {
  readonly offset: number
  readonly timestamp: number
  readonly #body: Body
  readonly #keyAt: number
  readonly #keyLength: number
  readonly #valueAt: number
  readonly #valueLength: number
  readonly #headersAt: number
  readonly #headersCount: number

  constructor(body: Body, cursor: RecordCursor, offset: number, timestamp: number) {
    this.offset = offset
    this.timestamp = timestamp
    this.#body = body
    this.#keyAt = cursor.keyAt
    this.#keyLength = cursor.keyLength
    this.#valueAt = cursor.valueAt
    this.#valueLength = cursor.valueLength
    this.#headersAt = cursor.headersAt
    this.#headersCount = cursor.headersCount
  }

  get key(): Buffer | null {
    return this.#body.view(this.#keyAt, this.#keyLength)
  }
  get value(): Buffer | null {
    return this.#body.view(this.#valueAt, this.#valueLength)
  }
  get headers(): readonly RecordHeader[] {
    if (this.#headersCount === 0) return noHeaders
    const { bytes } = this.#body
    const headers: RecordHeader[] = []
    let at = this.#headersAt
    for (let index = 0; index < this.#headersCount; index++) {
      const keyLength = checkedVarint(bytes, at)
      const keyAt = varintEndOf()
      const key = bytes.toString('utf8', keyAt, keyAt + keyLength)
      const valueLength = checkedVarint(bytes, keyAt + keyLength)
      at = varintEndOf()
      headers.push({ key, value: this.#body.view(at, valueLength) })
      if (valueLength > 0) at += valueLength
    }
    return headers
  }
}

/**
 * A cursor before the first record of a magic 2 batch, whose body is decompressed for it.
 * @throws KafkaError INVALID_RECORD when the body cannot be decompressed or the count is negative, MESSAGE_TOO_LARGE when it would
 * become larger than allowed.
 */
export const openRecords = (batch: RecordBatch, maxOutputLength: number = MAX_DECOMPRESSED_BYTES): RecordCursor => {
  const { buffer, attributes } = batch
  if (batch.recordsCount < 0) throw new KafkaError(ErrorCode.INVALID_RECORD, `Record batch has the count ${batch.recordsCount}`)
  const from = batch.at + BATCH_HEADER_BYTES
  const end = batch.at + batch.sizeInBytes
  if ((attributes & COMPRESSION_MASK) === 0) return new RecordCursor(buffer, from, end)
  const name = batch.compression
  if (name === undefined)
    throw new KafkaError(ErrorCode.INVALID_RECORD, `Record batch has the unknown compression ${attributes & COMPRESSION_MASK}`)
  return new RecordCursor(decompress(name, buffer.subarray(from, end), { maxOutputLength }))
}

/** Reads one record after the other; a class of its own because a generator costs as much as the reading. */
class RecordIterator implements IterableIterator<RecordView, undefined> {
  readonly #batch: RecordBatch
  readonly #cursor: RecordCursor
  readonly #body: Body
  readonly #count: number
  readonly #baseOffset: number
  readonly #baseTimestamp: number
  readonly #appendTime: number | undefined
  #read = 0

  constructor(batch: RecordBatch, maxOutputLength: number | undefined) {
    this.#batch = batch
    this.#count = batch.recordsCount
    this.#baseOffset = batch.baseOffset
    this.#baseTimestamp = batch.baseTimestamp
    this.#appendTime = batch.isLogAppendTime ? batch.maxTimestamp : undefined
    this.#cursor = this.#count === 0 ? new RecordCursor(batch.buffer, 0, 0) : openRecords(batch, maxOutputLength)
    this.#body = new Body(this.#cursor.body)
  }

  next(): IteratorResult<RecordView, undefined> {
    if (this.#read >= this.#count) return { done: true, value: undefined }
    const cursor = this.#cursor
    cursor.next()
    if (++this.#read === this.#count) cursor.ensureEnd()
    const timestamp = this.#appendTime ?? safe(this.#baseTimestamp + cursor.timestampDelta)
    return { done: false, value: new LazyRecord(this.#body, cursor, safe(this.#baseOffset + cursor.offsetDelta), timestamp) }
  }

  [Symbol.iterator](): this {
    return this
  }

  get [Symbol.toStringTag](): string {
    return `records of ${this.#batch.baseOffset}`
  }
}

/**
 * The records of a batch of any magic, read one by one as they are asked for. The checksum is not looked at.
 * @throws KafkaError as `openRecords`, and INVALID_RECORD while iterating when a record is malformed or the count does not fit.
 */
export const recordsOf = (batch: RecordBatch, options: ReadOptions = {}): IterableIterator<RecordView, undefined> =>
  batch.magic < 2 ? legacyRecords(batch, options.maxOutputLength) : new RecordIterator(batch, options.maxOutputLength)

/**
 * Visits every record of a magic 2 batch without making objects of them: the cursor given to `visit` is the same one each time. Without
 * a visitor it checks that the records are as many as the batch says and well formed.
 * @throws KafkaError as `recordsOf`.
 */
export const walkRecords = (batch: RecordBatch, visit?: (record: RecordCursor, index: number) => void, options: ReadOptions = {}): void => {
  const count = batch.recordsCount
  if (count === 0) return
  const cursor = openRecords(batch, options.maxOutputLength)
  for (let index = 0; index < count; index++) {
    cursor.next()
    if (visit !== undefined) visit(cursor, index)
  }
  cursor.ensureEnd()
}
