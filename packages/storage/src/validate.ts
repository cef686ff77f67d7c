// What a broker makes sure of before it appends what a client produced (classes LogValidator and UnifiedLog; KIP-32 and KIP-1030 for timestamps,
// KIP-98 and KIP-360 for producers, KIP-467 for errors by record). The batch is looked at where it lies and patched in place; only a topic
// whose `compression.type` is not the producer's, or a compressed batch whose offset deltas are not 0, 1, 2..., makes a new one of it.
// Base offset, leader epoch and the producer's sequence are the business of the log.

import { BATCH_HEADER_BYTES, batchSizeAt, ErrorCode, KafkaError, RecordBatch } from '@ottla/protocol'
import type { LogConfig } from './config.ts'
import { bodyRules, type BodyRules, type CheckedBody, checkBody } from './validate-body.ts'
import type { ValidationPool } from './validate-pool.ts'

/** What decides about a batch. */
export interface ValidateOptions {
  readonly config: LogConfig
  /** The broker's wall clock, in ms. */
  readonly now: number
  /** A coordinator may write control batches and batches of any sequence. `client` by default. */
  readonly origin?: 'client' | 'coordinator'
  /** Where bodies that take long are decompressed. Without one everything is done at once. */
  readonly pool?: ValidationPool
}

/** A batch that may be appended. */
export interface Validated {
  /** Over the bytes given, or over new ones. */
  readonly batch: RecordBatch
  /** In ms, -1 when no record has a timestamp. */
  readonly maxTimestamp: number
  /** Which record has it first: its offset minus the base offset. */
  readonly offsetDeltaOfMaxTimestamp: number
  /** The time that the topic's LogAppendTime gave to the records, else -1. */
  readonly logAppendTime: number
  /** Bytes of the records without compression. */
  readonly uncompressedBytes: number
  /** Whether `batch` is a new one. */
  readonly rewritten: boolean
}

/** Compressed bodies up to this size are decompressed on the spot, if they stay below `INLINE_OUTPUT_BYTES`. */
const INLINE_INPUT_BYTES = 64 * 1024
/** About two milliseconds of gzip; what becomes larger goes to the pool. */
const INLINE_OUTPUT_BYTES = 1024 * 1024

const invalid = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_RECORD, message)

/** The one batch in `records`; a partial one behind it is ignored, as Kafka does. */
const onlyBatch = (records: Buffer): RecordBatch => {
  const size = batchSizeAt(records, 0, records.length)
  if (size === 0) throw invalid('There is no complete record batch')
  const batch = new RecordBatch(records)
  if (batch.magic !== 2) throw invalid(`Record batches have magic 2, this one has ${batch.magic}`)
  if (batchSizeAt(records, size, records.length) > 0) throw invalid('There is more than one record batch')
  return batch
}

/** What the header alone shows, and the checksum. */
const checkHeader = (batch: RecordBatch, options: ValidateOptions): void => {
  const isClient = options.origin !== 'coordinator'
  const { maxMessageBytes } = options.config
  if (isClient && batch.baseOffset !== 0) throw invalid(`The base offset is ${batch.baseOffset}, a producer's is 0`)
  if (batch.sizeInBytes > maxMessageBytes) {
    throw new KafkaError(
      ErrorCode.MESSAGE_TOO_LARGE,
      `The batch has ${batch.sizeInBytes} bytes, more than max.message.bytes, ${maxMessageBytes}`,
    )
  }
  batch.ensureValid()
  if (batch.compression === undefined) throw invalid('The batch has a compression that does not exist')
  if (!isClient) return
  const count = batch.recordsCount
  if (count <= 0) throw invalid(`The batch has the count ${count}`)
  if (batch.lastOffsetDelta !== count - 1)
    throw invalid(`The batch has ${count} records and a last offset delta of ${batch.lastOffsetDelta}`)
  if (batch.isControl) throw invalid('Clients do not write control batches')
  if (batch.producerId > -1 && batch.baseSequence < 0) {
    throw invalid(`The batch has a producer id and the sequence ${batch.baseSequence}`)
  }
}

/** Puts what the records showed into the header, or takes the new batch. */
const finish = (batch: RecordBatch, body: CheckedBody, options: ValidateOptions): Validated => {
  const { config, now } = options
  const usesAppendTime = config.messageTimestampType === 'LogAppendTime'
  const maxTimestamp = usesAppendTime ? now : body.maxTimestamp
  let result = batch
  if (body.rewritten !== undefined) {
    result = new RecordBatch(body.rewritten)
    if (result.sizeInBytes > config.maxMessageBytes) {
      throw new KafkaError(
        ErrorCode.MESSAGE_TOO_LARGE,
        `The batch has ${result.sizeInBytes} bytes in the topic's compression, more than max.message.bytes, ${config.maxMessageBytes}`,
      )
    }
  }
  result.setMaxTimestamp(maxTimestamp, usesAppendTime)
  return {
    batch: result,
    maxTimestamp,
    offsetDeltaOfMaxTimestamp: usesAppendTime ? 0 : body.offsetDeltaOfMaxTimestamp,
    logAppendTime: usesAppendTime ? now : -1,
    uncompressedBytes: body.uncompressedBytes,
    rewritten: body.rewritten !== undefined,
  }
}

const checkLater = async (pool: ValidationPool, batch: RecordBatch, rules: BodyRules, options: ValidateOptions): Promise<Validated> =>
  finish(batch, await pool.check(batch, rules), options)

/**
 * Validates what a client produced to a partition. The answer comes at once, unless the body is compressed and large and there is a pool;
 * then `records` must stay as they are until the promise settles, and the caller keeps the batches of a partition in order
 * (`ValidationQueue`).
 * @throws RecordValidationError INVALID_RECORD or INVALID_TIMESTAMP for records that break the topic's rules, KafkaError CORRUPT_MESSAGE for
 * a wrong length or checksum, MESSAGE_TOO_LARGE, INVALID_RECORD for everything else; the promise rejects with the same.
 */
export const validateBatch = (records: Buffer, options: ValidateOptions): Validated | Promise<Validated> => {
  const batch = onlyBatch(records)
  checkHeader(batch, options)
  const { config, now, pool } = options
  const rules = bodyRules(config, now, batch)
  if (pool === undefined || (!batch.isCompressed && rules.compression === 'none')) return finish(batch, checkBody(batch, rules), options)
  const size = batch.sizeInBytes - BATCH_HEADER_BYTES
  if (size > INLINE_INPUT_BYTES) return checkLater(pool, batch, rules, options)
  let body: CheckedBody
  try {
    body = checkBody(batch, { ...rules, maxOutputLength: Math.min(rules.maxOutputLength, INLINE_OUTPUT_BYTES) })
  } catch (error) {
    const isLarge = error instanceof KafkaError && error.code === ErrorCode.MESSAGE_TOO_LARGE && rules.maxOutputLength > INLINE_OUTPUT_BYTES
    if (isLarge) return checkLater(pool, batch, rules, options)
    throw error
  }
  return finish(batch, body, options)
}
