// The records of a produced batch: walked once, without allocating anything for each, and compressed anew where the topic wants it. This part
// needs nothing but the bytes and a few numbers, so that it also runs in a worker thread.

import {
  BatchBuilder,
  BATCH_HEADER_BYTES,
  type CompressionName,
  ErrorCode,
  KafkaError,
  openRecords,
  type RecordBatch,
  type RecordCursor,
  recordsOf,
} from '@ottla/protocol'
import type { LogConfig } from './config.ts'

/** What records must be like and what becomes of them; can be sent to a worker thread. */
export interface BodyRules {
  /** Compression in which the topic wants them. */
  readonly compression: CompressionName
  readonly compressionLevel: number | undefined
  readonly requiresKeys: boolean
  readonly usesAppendTime: boolean
  /** CreateTimes from here to there, in ms. */
  readonly earliest: number
  readonly latest: number
  /** The most bytes that a compressed body may become. */
  readonly maxOutputLength: number
}

/** What the records showed. */
export interface CheckedBody {
  readonly maxTimestamp: number
  readonly offsetDeltaOfMaxTimestamp: number
  readonly uncompressedBytes: number
  /** A new batch, where the one given cannot be kept. */
  readonly rewritten?: Buffer
}

/** An error of one record: its place in the batch, and why. */
export interface RecordError {
  readonly batchIndex: number
  readonly batchIndexErrorMessage: string
}

/** Records break the topic's rules; for each of them, up to a thousand, it says why (KIP-467). */
export class RecordValidationError extends KafkaError {
  readonly recordErrors: readonly RecordError[]

  constructor(code: number, message: string, recordErrors: readonly RecordError[]) {
    super(code, message)
    this.name = 'RecordValidationError'
    this.recordErrors = recordErrors
  }
}

/** So many errors by record are reported: enough to see what is wrong, and an answer is never much larger than the request. */
const MAX_RECORD_ERRORS = 1000
/** What a body may become at the most, and what it may in every case, however small the topic's batches are. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
const MIN_OUTPUT_BYTES = 1024 * 1024
const OUTPUT_RATIO = 16

const targetOf = (config: LogConfig, batch: RecordBatch): CompressionName => {
  if (config.compressionType === 'producer' || batch.isControl) return batch.compression ?? 'none'
  return config.compressionType === 'uncompressed' ? 'none' : config.compressionType
}

const levelOf = (config: LogConfig, name: CompressionName): number | undefined => {
  if (name === 'gzip') return config.compressionGzipLevel
  return name === 'zstd' ? config.compressionZstdLevel : undefined
}

/** The rules of a topic for a batch that came at `now`. */
export const bodyRules = (config: LogConfig, now: number, batch: RecordBatch): BodyRules => {
  const compression = targetOf(config, batch)
  const { messageTimestampBeforeMaxMs: before, messageTimestampAfterMaxMs: after } = config
  return {
    compression,
    compressionLevel: levelOf(config, compression),
    requiresKeys: config.cleanupPolicy.compact,
    usesAppendTime: config.messageTimestampType === 'LogAppendTime',
    earliest: before >= Number.MAX_SAFE_INTEGER ? -Infinity : now - before,
    latest: after >= Number.MAX_SAFE_INTEGER ? Infinity : now + after,
    maxOutputLength: Math.min(MAX_OUTPUT_BYTES, Math.max(MIN_OUTPUT_BYTES, config.maxMessageBytes * OUTPUT_RATIO)),
  }
}

/** Gathers what is wrong with records. */
class Faults {
  readonly #errors: RecordError[] = []
  #count = 0
  #code: number = ErrorCode.INVALID_RECORD

  add(batchIndex: number, code: number, batchIndexErrorMessage: string): void {
    this.#count++
    if (code === ErrorCode.INVALID_TIMESTAMP) this.#code = code
    if (this.#errors.length < MAX_RECORD_ERRORS) this.#errors.push({ batchIndex, batchIndexErrorMessage })
  }

  toError(): RecordValidationError {
    const what = this.#code === ErrorCode.INVALID_TIMESTAMP ? 'timestamps are not allowed' : (this.#errors[0]?.batchIndexErrorMessage ?? '')
    return new RecordValidationError(this.#code, `${this.#count} records were refused: ${what}`, this.#errors)
  }
}

const faultOf = (rules: BodyRules, record: RecordCursor, timestamp: number): { code: number; message: string } => {
  if (rules.requiresKeys && record.keyLength < 0)
    return { code: ErrorCode.INVALID_RECORD, message: 'A compacted topic takes no record without a key' }
  if (rules.usesAppendTime || timestamp === -1) {
    return { code: ErrorCode.INVALID_TIMESTAMP, message: 'The batch says LogAppendTime, which is for the broker to say' }
  }
  return {
    code: ErrorCode.INVALID_TIMESTAMP,
    message: `The timestamp ${timestamp} does not lie between ${rules.earliest} and ${rules.latest}`,
  }
}

/** The batch again, in the topic's compression, its records' bytes as they are. */
const recompressed = (batch: RecordBatch, records: RecordCursor, start: number, rules: BodyRules): Buffer => {
  const header = batch.buffer.subarray(batch.at, batch.at + BATCH_HEADER_BYTES)
  return BatchBuilder.withBody(header, records.body.subarray(start, records.end), rules.compression, rules.compressionLevel).bytes
}

/** The batch again, with offset deltas 0, 1, 2... */
const renumbered = (batch: RecordBatch, records: RecordCursor, rules: BodyRules): Buffer => {
  const { producerId, producerEpoch, baseSequence, isTransactional } = batch
  const { compression, compressionLevel } = rules
  const identity = { producerId, producerEpoch, baseSequence, isTransactional, compression }
  const builder = new BatchBuilder(compressionLevel === undefined ? identity : { ...identity, compressionLevel }, records.end)
  for (const { timestamp, key, value, headers } of recordsOf(batch, rules)) builder.append({ timestamp, key, value, headers })
  return builder.build().bytes
}

/**
 * Walks the records of a batch and checks them against `rules`.
 * @throws RecordValidationError when they break them, KafkaError INVALID_RECORD when they are malformed or not as many as the batch says,
 * MESSAGE_TOO_LARGE when they become more than allowed.
 */
export const checkBody = (batch: RecordBatch, rules: BodyRules): CheckedBody => {
  const records = openRecords(batch, rules.maxOutputLength)
  const start = records.position
  const count = batch.recordsCount
  const { baseTimestamp, isLogAppendTime } = batch
  const { requiresKeys, earliest, latest } = rules
  const checksTimes = !rules.usesAppendTime
  // Readers of a topic with CreateTime will see the records' own times, so those are checked.
  if (isLogAppendTime && checksTimes) batch.setMaxTimestamp(batch.maxTimestamp, false)
  let maxTimestamp = -1
  let offsetDeltaOfMaxTimestamp = 0
  let areNumbered = true
  let faults: Faults | undefined
  for (let index = 0; index < count; index++) {
    records.next()
    const timestamp = baseTimestamp + records.timestampDelta
    const isTimed = checksTimes && timestamp !== -1
    if ((requiresKeys && records.keyLength < 0) || (isTimed ? timestamp < earliest || timestamp > latest : isLogAppendTime)) {
      const fault = faultOf(rules, records, timestamp)
      faults ??= new Faults()
      faults.add(index, fault.code, fault.message)
    }
    if (timestamp > maxTimestamp) {
      maxTimestamp = timestamp
      offsetDeltaOfMaxTimestamp = records.offsetDelta
    }
    if (records.offsetDelta !== index) areNumbered = false
  }
  records.ensureEnd()
  if (faults !== undefined) throw faults.toError()
  const found = {
    maxTimestamp: Math.min(maxTimestamp, Number.MAX_SAFE_INTEGER),
    offsetDeltaOfMaxTimestamp,
    uncompressedBytes: records.end - start,
  }
  const isOtherwise = rules.compression !== batch.compression
  if (!isOtherwise && (areNumbered || !batch.isCompressed)) return found
  return { ...found, rewritten: areNumbered ? recompressed(batch, records, start, rules) : renumbered(batch, records, rules) }
}
