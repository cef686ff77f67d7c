// Makes record batches of magic 2 (class MemoryRecordsBuilder). Records are written straight behind the room for the header, so that an
// uncompressed batch is never copied.

import { ErrorCode, KafkaError } from '../errors.ts'
import { Attribute, BATCH_HEADER_BYTES, Field, LOG_OVERHEAD_BYTES, RecordBatch } from './batch.ts'
import { COMPRESSION_MASK, type CompressionName, compressionId } from './compression/codecs.ts'
import { compress, compressAside } from './compression/index.ts'
import { putInt16, putInt32, putInt64 } from './numbers.ts'

/** What a batch says about itself; what is left out is as a client without a producer id would say it. */
export interface BatchOptions {
  readonly compression?: CompressionName
  /** Level of gzip, lz4 or zstd, where one can be chosen. */
  readonly compressionLevel?: number
  /** Offset of the first record, 0 by default. */
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  /** Says LogAppendTime and this time, in ms. */
  readonly logAppendTime?: number
  /** Sets the delete horizon, in ms, which takes the place of the base timestamp (KIP-534). */
  readonly deleteHorizonMs?: number
}

/** A record to be written. */
export interface RecordInit {
  /** In ms, -1 by default. */
  readonly timestamp?: number
  readonly key?: Uint8Array | string | null
  readonly value?: Uint8Array | string | null
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | string | null }[]
  /** For batches with holes; by default one more than the one before. */
  readonly offset?: number
}

/** Bytes of a zigzag varint of at most 32 bits. */
const varintSize = (value: number): number => {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5
}

/** Bytes of a zigzag varlong of a safe integer. */
const varlongSize = (value: number): number => {
  if (value === value << 0) return varintSize(value)
  let rest = (value < 0 ? -value - 1 : value) * 2
  let size = 1
  for (; rest >= 0x80; rest /= 128) size++
  return size
}

const putVarint = (bytes: Uint8Array, start: number, value: number): number => {
  let at = start
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = rest | 0x80
  bytes[at++] = rest
  return at
}

const putVarlong = (bytes: Uint8Array, start: number, value: number): number => {
  if (value === value << 0) return putVarint(bytes, start, value)
  let at = start
  // The zigzag form of a safe integer may have 54 bits: the lowest is kept apart.
  const half = value < 0 ? -value - 1 : value
  bytes[at++] = ((half % 64) * 2 + (value < 0 ? 1 : 0)) | 0x80
  let rest = Math.floor(half / 64)
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 0x80
  bytes[at++] = rest
  return at
}

/** What a key, a value or the value of a header can be. */
type Content = Uint8Array | string | null | undefined

/** Bytes of a content, -1 for none. */
const contentLength = (content: Content): number =>
  typeof content === 'string' ? Buffer.byteLength(content) : content == null ? -1 : content.length

const fieldSize = (length: number): number => (length < 0 ? 1 : varintSize(length) + length)

/** Below this a loop is quicker than a call into the runtime. */
const SHORT_BYTES = 64

const putRange = (bytes: Buffer, start: number, { source, from, until }: { source: Buffer; from: number; until: number }): number => {
  const at = putVarint(bytes, start, until - from)
  if (until - from > SHORT_BYTES) source.copy(bytes, at, from, until)
  else for (let next = from; next < until; next++) bytes[at + next - from] = source[next] ?? 0
  return at + until - from
}

/** Where a record's key and value lie in a buffer: the value follows the key. */
export interface RecordPlace {
  readonly keyAt: number
  readonly valueAt: number
  readonly end: number
  /** No value, which is not the same as an empty one. */
  readonly isTombstone: boolean
}

/** Text whose bytes have been counted. */
interface Text {
  readonly text: string
  readonly length: number
}

const putText = (bytes: Buffer, start: number, { text, length }: Text): number => {
  const at = putVarint(bytes, start, length)
  if (length !== text.length) bytes.write(text, at, length, 'utf8')
  else if (length > SHORT_BYTES) bytes.write(text, at, length, 'latin1')
  else for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index)
  return at + length
}

const putField = (bytes: Buffer, start: number, content: Exclude<Content, string>): number => {
  if (content == null) {
    bytes[start] = 1
    return start + 1
  }
  const length = content.length
  const at = putVarint(bytes, start, length)
  if (length > SHORT_BYTES) bytes.set(content, at)
  else for (let index = 0; index < length; index++) bytes[at + index] = content[index]!
  return at + length
}

const putContent = (bytes: Buffer, start: number, content: Content): number =>
  typeof content === 'string'
    ? putText(bytes, start, { text: content, length: Buffer.byteLength(content) })
    : putField(bytes, start, content)

/** The headers of a record. */
type Headers = RecordInit['headers']

const headersSize = (headers: Headers): number => {
  if (headers === undefined) return 1
  let size = varintSize(headers.length)
  for (const { key, value } of headers) size += fieldSize(contentLength(key)) + fieldSize(contentLength(value))
  return size
}

const putHeaders = (bytes: Buffer, start: number, headers: Headers): number => {
  if (headers === undefined) {
    bytes[start] = 0
    return start + 1
  }
  let at = putVarint(bytes, start, headers.length)
  for (const { key, value } of headers) at = putContent(bytes, putContent(bytes, at, key), value)
  return at
}

/** Who sends a batch, and where it is in the order of what that producer sends to the partition (KIP-98). */
export interface BatchProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

/** Builds one batch: `append` records, then `build` once. */
export class BatchBuilder {
  #options: BatchOptions
  readonly #baseOffset: number
  #bytes: Buffer
  #length = BATCH_HEADER_BYTES
  #count = 0
  #baseTimestamp = -1
  #maxTimestamp = -1
  #offsetOfMaxTimestamp = -1
  #lastOffset: number
  /** The compressed records, where that was done before `build`. */
  #body: Buffer | undefined

  /** `room`: about how many bytes the records will have, to spare growing, or memory to be written into, header included. */
  constructor(options: BatchOptions = {}, room: number | Buffer = 1024) {
    this.#options = options
    this.#baseOffset = options.baseOffset ?? 0
    this.#lastOffset = this.#baseOffset - 1
    this.#bytes = typeof room === 'number' ? Buffer.allocUnsafe(BATCH_HEADER_BYTES + room) : room
    this.#baseTimestamp = options.deleteHorizonMs ?? -1
  }

  /** Records appended. */
  get count(): number {
    return this.#count
  }
  /** Bytes of the batch before compression. */
  get sizeInBytes(): number {
    return this.#length
  }
  /** In ms, -1 before the first record. */
  get maxTimestamp(): number {
    return this.#maxTimestamp
  }
  /** Offset of the first record with `maxTimestamp`. */
  get offsetOfMaxTimestamp(): number {
    return this.#offsetOfMaxTimestamp
  }

  /** Bytes that `record` would add to an uncompressed batch, as a bound from above within a few bytes. */
  static estimateSize(record: RecordInit): number {
    return 26 + fieldSize(contentLength(record.key)) + fieldSize(contentLength(record.value)) + headersSize(record.headers)
  }

  /**
   * A batch with the header of another one and records that are encoded already, compressed as said. The header's numbers must be those of
   * the records; its checksum is made anew.
   */
  static withBody(header: Buffer, records: Buffer, compression: CompressionName, level?: number): RecordBatch {
    const body = compress(compression, records, level)
    const size = BATCH_HEADER_BYTES + body.length
    const bytes = Buffer.allocUnsafe(size)
    bytes.set(header.subarray(0, BATCH_HEADER_BYTES))
    bytes.set(body, BATCH_HEADER_BYTES)
    const batch = new RecordBatch(bytes)
    putInt32(bytes, Field.batchLength, size - LOG_OVERHEAD_BYTES)
    putInt16(bytes, Field.attributes, (batch.attributes & ~COMPRESSION_MASK) | compressionId(compression))
    batch.seal()
    return batch
  }

  /** Adds a record. @throws RangeError when its offset is not above the one before. */
  append(record: RecordInit): this {
    const offset = record.offset ?? this.#lastOffset + 1
    if (offset <= this.#lastOffset) throw new RangeError(`Offset ${offset} is not above ${this.#lastOffset}`)
    return this.#write(record, offset, record.timestamp ?? -1)
  }

  /** Adds a record with the time given; `offset` and `timestamp` of the record itself are not looked at, so that it may be an object of the caller's users. */
  add(record: Pick<RecordInit, 'key' | 'value' | 'headers'>, timestamp: number): this {
    return this.#write(record, this.#lastOffset + 1, timestamp)
  }

  /** Names the producer; until `build`. */
  setProducer(producer: BatchProducer): void {
    this.#options = { ...this.#options, ...producer }
  }

  #write(record: Pick<RecordInit, 'key' | 'value' | 'headers'>, offset: number, timestamp: number): this {
    const timestampDelta = this.#timestampDelta(timestamp)
    const offsetDelta = offset - this.#baseOffset
    const { key, value, headers } = record
    const valueLength = contentLength(value)
    const size =
      1 +
      varlongSize(timestampDelta) +
      varintSize(offsetDelta) +
      fieldSize(contentLength(key)) +
      fieldSize(valueLength) +
      headersSize(headers)
    const bytes = this.#room(size + 5)
    let at = putVarint(bytes, this.#length, size)
    bytes[at++] = 0
    at = putVarlong(bytes, at, timestampDelta)
    at = putVarint(bytes, at, offsetDelta)
    at = putContent(bytes, at, key)
    at = typeof value === 'string' ? putText(bytes, at, { text: value, length: valueLength }) : putField(bytes, at, value)
    return this.#appended(putHeaders(bytes, at, headers), offset, timestamp)
  }

  /** Adds a record without headers whose key and value are somewhere already; they are copied. */
  appendFrom(source: Buffer, place: RecordPlace, timestamp: number): this {
    const { keyAt, valueAt, end, isTombstone } = place
    const offset = this.#lastOffset + 1
    const timestampDelta = this.#timestampDelta(timestamp)
    const offsetDelta = offset - this.#baseOffset
    const keySize = varintSize(valueAt - keyAt) + valueAt - keyAt
    const valueSize = isTombstone ? 1 : varintSize(end - valueAt) + end - valueAt
    const size = 2 + varlongSize(timestampDelta) + varintSize(offsetDelta) + keySize + valueSize
    const bytes = this.#room(size + 5)
    let at = putVarint(bytes, this.#length, size)
    bytes[at++] = 0
    at = putVarlong(bytes, at, timestampDelta)
    at = putVarint(bytes, at, offsetDelta)
    at = putRange(bytes, at, { source, from: keyAt, until: valueAt })
    at = isTombstone ? putField(bytes, at, null) : putRange(bytes, at, { source, from: valueAt, until: end })
    bytes[at++] = 0
    return this.#appended(at, offset, timestamp)
  }

  #timestampDelta(timestamp: number): number {
    if (this.#count === 0 && this.#options.deleteHorizonMs === undefined) this.#baseTimestamp = timestamp
    return timestamp - this.#baseTimestamp
  }

  #appended(end: number, offset: number, timestamp: number): this {
    this.#length = end
    this.#count++
    this.#lastOffset = offset
    if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp
      this.#offsetOfMaxTimestamp = offset
    }
    return this
  }

  /**
   * Compresses in another thread what is much, so that `build` has nothing to do; undefined where that is left to `build`. Nothing may be added
   * from now on, nor `build` be called before it resolves.
   */
  compressAside(): Promise<void> | undefined {
    const { compression = 'none', compressionLevel } = this.#options
    const body = compressAside(compression, this.#bytes.subarray(BATCH_HEADER_BYTES, this.#length), compressionLevel)
    return body?.then(bytes => {
      this.#body = bytes
    })
  }

  /**
   * The batch, whose memory the builder gives away. `lastOffset` makes it end later than its last record, as compaction leaves batches.
   * @throws KafkaError MESSAGE_TOO_LARGE when it is larger than any batch can be.
   */
  build(lastOffset = this.#lastOffset): RecordBatch {
    const options = this.#options
    const compression = options.compression ?? 'none'
    let bytes = this.#bytes
    let size = this.#length
    if (compression !== 'none') {
      const body = this.#body ?? compress(compression, bytes.subarray(BATCH_HEADER_BYTES, size), options.compressionLevel)
      size = BATCH_HEADER_BYTES + body.length
      bytes = Buffer.allocUnsafe(size)
      bytes.set(body, BATCH_HEADER_BYTES)
    }
    if (size > 0x7fffffff) throw new KafkaError(ErrorCode.MESSAGE_TOO_LARGE)
    const attributes =
      compressionId(compression) |
      (options.logAppendTime === undefined ? 0 : Attribute.logAppendTime) |
      (options.isTransactional === true ? Attribute.transactional : 0) |
      (options.isControl === true ? Attribute.control : 0) |
      (options.deleteHorizonMs === undefined ? 0 : Attribute.deleteHorizon)
    putInt64(bytes, 0, this.#baseOffset)
    putInt32(bytes, Field.batchLength, size - LOG_OVERHEAD_BYTES)
    putInt32(bytes, Field.partitionLeaderEpoch, options.partitionLeaderEpoch ?? -1)
    bytes[Field.magic] = 2
    putInt16(bytes, Field.attributes, attributes)
    putInt32(bytes, Field.lastOffsetDelta, lastOffset - this.#baseOffset)
    putInt64(bytes, Field.baseTimestamp, this.#baseTimestamp)
    putInt64(bytes, Field.maxTimestamp, options.logAppendTime ?? this.#maxTimestamp)
    putInt64(bytes, Field.producerId, options.producerId ?? -1)
    putInt16(bytes, Field.producerEpoch, options.producerEpoch ?? -1)
    putInt32(bytes, Field.baseSequence, options.baseSequence ?? -1)
    putInt32(bytes, Field.recordsCount, this.#count)
    const batch = new RecordBatch(bytes.length === size ? bytes : bytes.subarray(0, size))
    batch.seal()
    return batch
  }

  #room(size: number): Buffer {
    const needed = this.#length + size
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    return this.#bytes
  }
}
