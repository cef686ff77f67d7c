// A record batch as a view over bytes, and the splitting of bytes into batches (class DefaultRecordBatch, KIP-98 for the format).
//
// Magic 2: baseOffset 8, batchLength 4 (what follows), partitionLeaderEpoch 4, magic 1, crc 4 (CRC-32C of all that follows), attributes 2,
// lastOffsetDelta 4, baseTimestamp 8, maxTimestamp 8, producerId 8, producerEpoch 2, baseSequence 4, count 4, records.
// Attributes: 0-2 compression, 3 LogAppendTime, 4 transactional, 5 control, 6 base timestamp is a delete horizon.

import { ErrorCode, KafkaError } from '../errors.ts'
import { COMPRESSION_MASK, type CompressionName, compressionOf } from './compression/codecs.ts'
import { crc32c } from './crc32c.ts'
import { LEGACY_OVERHEAD_BYTES, legacyBaseOffset, legacyChecksum, legacyMinimumBytes } from './legacy-fields.ts'
import { clampInt64, int16At, int32At, int64At, putInt16, putInt32, putInt64 } from './numbers.ts'

/** Bytes of `baseOffset` and `batchLength`, which every magic begins with. */
export const LOG_OVERHEAD_BYTES = 12
/** Bytes of a magic 2 batch before its records. */
export const BATCH_HEADER_BYTES = 61

/** Where the fields of a magic 2 header lie. */
export const Field = {
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordsCount: 57,
} as const

/** Bits of the attributes. */
export const Attribute = { logAppendTime: 0x08, transactional: 0x10, control: 0x20, deleteHorizon: 0x40 } as const

/** `sequence` plus `delta`, going on at 0 after 2^31-1 as sequence numbers do. */
export const nextSequence = (sequence: number, delta: number): number => {
  const sum = sequence + delta
  return sum > 0x7fffffff ? sum - 0x80000000 : sum
}

/**
 * One record batch, as a view: nothing is copied or decoded before it is asked for. 64-bit fields are numbers, clamped to the safe
 * integers. The fields of a batch whose `sizeInBytes` is below its header's size mean nothing: ask `ensureValid` first.
 */
export class RecordBatch {
  /** The bytes it lies in. */
  readonly buffer: Buffer
  /** Where in `buffer` it begins. */
  readonly at: number

  /** The whole batch must lie in `bytes`: `batchesIn` makes sure of it for bytes from outside. */
  constructor(bytes: Buffer, at = 0) {
    this.buffer = bytes
    this.at = at
  }

  /** For magic 0 and 1 the offset of the first message, for which a wrapped message must be decompressed. */
  get baseOffset(): number {
    return this.magic < 2 ? legacyBaseOffset(this) : int64At(this.buffer, this.at)
  }
  /** Bytes after this field. */
  get batchLength(): number {
    return int32At(this.buffer, this.at + Field.batchLength)
  }
  get sizeInBytes(): number {
    return LOG_OVERHEAD_BYTES + this.batchLength
  }
  get partitionLeaderEpoch(): number {
    return this.magic < 2 ? -1 : int32At(this.buffer, this.at + Field.partitionLeaderEpoch)
  }
  get magic(): number {
    return this.buffer[this.at + Field.magic]!
  }
  /** The checksum it states: CRC-32C for magic 2, CRC-32 before. */
  get crc(): number {
    return int32At(this.buffer, this.at + (this.magic < 2 ? 12 : Field.crc)) >>> 0
  }
  get attributes(): number {
    return this.magic < 2 ? this.buffer[this.at + 17]! : int16At(this.buffer, this.at + Field.attributes)
  }
  /** Undefined for the numbers that no compression has. */
  get compression(): CompressionName | undefined {
    return compressionOf(this.attributes)
  }
  get isCompressed(): boolean {
    return (this.attributes & COMPRESSION_MASK) !== 0
  }
  get isLogAppendTime(): boolean {
    return (this.attributes & Attribute.logAppendTime) !== 0 && this.magic > 0
  }
  get isTransactional(): boolean {
    return (this.attributes & Attribute.transactional) !== 0 && this.magic > 1
  }
  /** Whether it holds a control record, for readers and not for users. */
  get isControl(): boolean {
    return (this.attributes & Attribute.control) !== 0 && this.magic > 1
  }
  /** Whether `baseTimestamp` is the time from which on tombstones and markers in it may be removed (KIP-534). */
  get hasDeleteHorizon(): boolean {
    return (this.attributes & Attribute.deleteHorizon) !== 0 && this.magic > 1
  }
  get lastOffsetDelta(): number {
    return this.magic < 2 ? this.lastOffset - this.baseOffset : int32At(this.buffer, this.at + Field.lastOffsetDelta)
  }
  get lastOffset(): number {
    const first = int64At(this.buffer, this.at)
    return this.magic < 2 ? first : clampInt64(first + int32At(this.buffer, this.at + Field.lastOffsetDelta))
  }
  get nextOffset(): number {
    return this.lastOffset + 1
  }
  /** What the records' timestamps are relative to, in ms; also where it is a delete horizon. */
  get baseTimestamp(): number {
    return this.magic < 2 ? this.maxTimestamp : int64At(this.buffer, this.at + Field.baseTimestamp)
  }
  /** In ms, -1 for none. */
  get maxTimestamp(): number {
    const magic = this.magic
    return magic > 1 ? int64At(this.buffer, this.at + Field.maxTimestamp) : magic === 1 ? int64At(this.buffer, this.at + 18) : -1
  }
  get producerId(): number {
    return this.magic < 2 ? -1 : int64At(this.buffer, this.at + Field.producerId)
  }
  get producerEpoch(): number {
    return this.magic < 2 ? -1 : int16At(this.buffer, this.at + Field.producerEpoch)
  }
  get baseSequence(): number {
    return this.magic < 2 ? -1 : int32At(this.buffer, this.at + Field.baseSequence)
  }
  get lastSequence(): number {
    const first = this.baseSequence
    return first === -1 ? -1 : nextSequence(first, this.lastOffsetDelta)
  }
  /** How many records it states; -1 for magic 0 and 1, which do not say. */
  get recordsCount(): number {
    return this.magic < 2 ? -1 : int32At(this.buffer, this.at + Field.recordsCount)
  }
  /** Exactly its bytes, not copied. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.at, this.at + this.sizeInBytes)
  }

  /** Whether the bytes are those that the checksum was made of; false also where there is not room for a header. */
  checksumMatches(): boolean {
    const size = this.sizeInBytes
    if (this.magic < 2) return size >= legacyMinimumBytes(this.magic) && legacyChecksum(this) === this.crc
    if (size < BATCH_HEADER_BYTES) return false
    return crc32c(this.buffer, this.at + Field.attributes, this.at + size) === this.crc
  }

  /** @throws KafkaError CORRUPT_MESSAGE when the size or the checksum is wrong. */
  ensureValid(): void {
    if (!this.checksumMatches()) throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, `Record batch is corrupt (stored checksum ${this.crc})`)
  }

  /** Outside the checksum. */
  setBaseOffset(offset: number): void {
    putInt64(this.buffer, this.at, offset)
  }

  /** Outside the checksum. */
  setPartitionLeaderEpoch(epoch: number): void {
    putInt32(this.buffer, this.at + Field.partitionLeaderEpoch, epoch)
  }

  /** Says that all records have the time at which they were appended, and makes the checksum anew. */
  setLogAppendTime(timestamp: number): void {
    this.setMaxTimestamp(timestamp, true)
  }

  /** Sets the maximum timestamp and what timestamps mean; makes the checksum anew where that changes anything. */
  setMaxTimestamp(timestamp: number, isLogAppendTime: boolean): void {
    const { buffer, at, attributes } = this
    if (this.maxTimestamp === timestamp && ((attributes & Attribute.logAppendTime) !== 0) === isLogAppendTime) return
    const known = attributes & 0x77
    putInt16(buffer, at + Field.attributes, isLogAppendTime ? known | Attribute.logAppendTime : known)
    putInt64(buffer, at + Field.maxTimestamp, timestamp)
    this.seal()
  }

  /** Names the producer and the first record's place in the order of what it sends, and makes the checksum anew. */
  setProducer(producer: { readonly producerId: number; readonly producerEpoch: number; readonly baseSequence: number }): void {
    const { buffer, at } = this
    putInt64(buffer, at + Field.producerId, producer.producerId)
    putInt16(buffer, at + Field.producerEpoch, producer.producerEpoch)
    putInt32(buffer, at + Field.baseSequence, producer.baseSequence)
    this.seal()
  }

  /** Makes the checksum anew. */
  seal(): void {
    const { buffer, at } = this
    putInt32(buffer, at + Field.crc, crc32c(buffer, at + Field.attributes, at + this.sizeInBytes))
  }
}

const corrupt = (message: string): KafkaError => new KafkaError(ErrorCode.CORRUPT_MESSAGE, message)

/**
 * Size in bytes of the batch at `at`, or 0 when it does not lie in the bytes as a whole (a partial batch at the end, which readers
 * ignore; class ByteBufferLogInputStream).
 * @throws KafkaError CORRUPT_MESSAGE for a length or a magic that cannot be.
 */
export const batchSizeAt = (bytes: Buffer, at: number, end: number): number => {
  if (end - at < LOG_OVERHEAD_BYTES) return 0
  const length = int32At(bytes, at + Field.batchLength)
  if (length < LEGACY_OVERHEAD_BYTES) throw corrupt(`Record batch has the length ${length}, less than any message has`)
  if (length > 0x7fffffff - LOG_OVERHEAD_BYTES) throw corrupt(`Record batch has the length ${length}, more than any batch can have`)
  if (end - at <= Field.magic) return 0
  const magic = bytes[at + Field.magic]!
  if (magic > 2) throw corrupt(`Record batch has the unknown magic ${magic}`)
  const size = LOG_OVERHEAD_BYTES + length
  return size <= end - at ? size : 0
}

/**
 * The complete batches in `bytes`, one view each; a partial batch at the end is left out. Checksums are not looked at.
 * @throws KafkaError CORRUPT_MESSAGE, while iterating, for a length or a magic that cannot be.
 */
export function* batchesIn(bytes: Buffer, at = 0, end = bytes.length): Generator<RecordBatch, void, undefined> {
  let position = at
  for (let size = batchSizeAt(bytes, position, end); size > 0; size = batchSizeAt(bytes, position, end)) {
    yield new RecordBatch(bytes, position)
    position += size
  }
}
