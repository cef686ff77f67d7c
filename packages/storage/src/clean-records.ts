// Takes records out of a batch as compaction does (Kafka's MemoryRecords.filterTo). What is left keeps its offsets, and the batch its base
// offset, last offset, sequences, epochs and compression. Records are copied as they lie; only where the base timestamp changes is the
// timestamp delta of each written anew. The base timestamp becomes that of the first record left, or the delete horizon (KIP-534).

import { Attribute, BATCH_HEADER_BYTES, BatchBuilder, openRecords, type RecordBatch, type RecordCursor, recordsOf } from '@ottla/protocol'
import type { CleanPace } from './clean-pace.ts'
import { writeInt64 } from './int64.ts'

const FLAGS_AT = 21
const BASE_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const COUNT_AT = 57
const NO_TIMESTAMP = -1
/** So many records are looked at between two looks at the clock. */
const RECORDS_AT_A_TIME = 64
const LONGEST_VARLONG = 10
const LONGEST_VARINT = 5

/** What is to become of a batch. */
export interface BatchRules {
  /** Whether a record of a magic 2 batch stays. */
  keeps(cursor: RecordCursor, offset: number): boolean
  /** The same for a message of an older format. */
  keepsMessage(key: Buffer | null, value: Buffer | null, offset: number): boolean
  /** Keeps the header when no record is left. */
  readonly keepsEmpty: boolean
  /** What the delete horizon becomes if this batch has none and needs one. */
  readonly newHorizonMs: number
  /** It needs one even without a tombstone: a marker of a transaction of which nothing is left. */
  readonly needsHorizon: boolean
}

/** A batch as it goes into the cleaned segment. */
export interface CleanBatch {
  /** The batch that was given where nothing changes. */
  readonly batch: RecordBatch
  readonly records: number
}

/** Puts a signed varlong (zigzag) of a safe integer at `at`; returns where it ends. */
const putVarlong = (bytes: Buffer, start: number, value: number): number => {
  let at = start
  // Twice a safe integer need not be safe: the lowest seven bits are taken apart first.
  const half = value < 0 ? -value - 1 : value
  let rest = Math.floor(half / 64)
  let byte = (half % 64) * 2 + (value < 0 ? 1 : 0)
  while (rest > 0) {
    bytes[at++] = byte | 0x80
    byte = rest % 128
    rest = Math.floor(rest / 128)
  }
  bytes[at++] = byte
  return at
}

/** A record with another timestamp delta; everything else of it is copied. */
const withDelta = (cursor: RecordCursor, delta: number): Buffer => {
  const { body, at, position } = cursor
  let from = at
  while ((body[from] ?? 0) >= 0x80) from++
  const attributesAt = from + 1
  from = attributesAt + 1
  while ((body[from] ?? 0) >= 0x80) from++
  from++
  const fields = Buffer.allocUnsafe(1 + LONGEST_VARLONG)
  fields[0] = body[attributesAt] ?? 0
  const fieldsEnd = putVarlong(fields, 1, delta)
  const restBytes = position - from
  const record = Buffer.allocUnsafe(LONGEST_VARINT + fieldsEnd + restBytes)
  let end = putVarlong(record, 0, fieldsEnd + restBytes)
  end += fields.copy(record, end, 0, fieldsEnd)
  end += body.copy(record, end, from, position)
  return record.subarray(0, end)
}

/** The header alone, as DefaultRecordBatch.writeEmptyHeader makes it. */
const emptied = (batch: RecordBatch): RecordBatch => {
  const header = Buffer.from(batch.buffer.subarray(batch.at, batch.at + BATCH_HEADER_BYTES))
  header.writeInt16BE(batch.attributes & (Attribute.logAppendTime | Attribute.transactional | Attribute.control), FLAGS_AT)
  writeInt64(header, NO_TIMESTAMP, BASE_TIMESTAMP_AT)
  header.writeInt32BE(0, COUNT_AT)
  return BatchBuilder.withBody(header, Buffer.alloc(0), 'none')
}

/** Which records of a batch stay, by their number. */
interface Chosen {
  readonly kept: boolean[]
  readonly count: number
  readonly hasTombstone: boolean
}

const choose = async (batch: RecordBatch, cursor: RecordCursor, context: { rules: BatchRules; pace: CleanPace }): Promise<Chosen> => {
  const { rules, pace } = context
  const { baseOffset, recordsCount } = batch
  const kept: boolean[] = []
  let count = 0
  let hasTombstone = false
  for (let index = 0; index < recordsCount; index++) {
    cursor.next()
    const keeps = rules.keeps(cursor, baseOffset + cursor.offsetDelta)
    kept.push(keeps)
    if (keeps) {
      count++
      hasTombstone ||= cursor.valueLength < 0
    }
    if (index % RECORDS_AT_A_TIME === 0 && pace.isDue) await pace.pause()
  }
  cursor.ensureEnd()
  return { kept, count, hasTombstone }
}

/** The batch with the records chosen, and this delete horizon where it has one. */
const rebuilt = async (
  batch: RecordBatch,
  chosen: Chosen,
  context: { readonly horizonMs: number | undefined; readonly body: RecordCursor; readonly pace: CleanPace },
): Promise<RecordBatch> => {
  const { body, horizonMs, pace } = context
  const { compression = 'none', isLogAppendTime, recordsCount } = batch
  const oldBase = batch.baseTimestamp
  let newBase = horizonMs
  let maxTimestamp = NO_TIMESTAMP
  const parts: Buffer[] = []
  for (let index = 0; index < recordsCount; index++) {
    body.next()
    if (chosen.kept[index] === true) {
      const timestamp = isLogAppendTime ? batch.maxTimestamp : oldBase + body.timestampDelta
      newBase ??= timestamp
      maxTimestamp = Math.max(maxTimestamp, timestamp)
      const delta = timestamp - newBase
      parts.push(delta === body.timestampDelta ? body.body.subarray(body.at, body.position) : withDelta(body, delta))
    }
    if (index % RECORDS_AT_A_TIME === 0 && pace.isDue) await pace.pause()
  }
  const header = Buffer.from(batch.buffer.subarray(batch.at, batch.at + BATCH_HEADER_BYTES))
  const flags = batch.attributes & ~Attribute.deleteHorizon
  header.writeInt16BE(horizonMs === undefined ? flags : flags | Attribute.deleteHorizon, FLAGS_AT)
  writeInt64(header, newBase ?? NO_TIMESTAMP, BASE_TIMESTAMP_AT)
  writeInt64(header, maxTimestamp, MAX_TIMESTAMP_AT)
  header.writeInt32BE(chosen.count, COUNT_AT)
  return BatchBuilder.withBody(header, Buffer.concat(parts), compression)
}

/** Messages of magic 0 and 1 become a batch of magic 2, as in Kafka. */
const converted = (batch: RecordBatch, rules: BatchRules): CleanBatch | undefined => {
  const kept = [...recordsOf(batch)].filter(({ key, offset, value }) => rules.keepsMessage(key, value, offset))
  const [first] = kept
  if (first === undefined) return undefined
  const horizonMs = kept.some(({ value }) => value === null) ? rules.newHorizonMs : undefined
  const builder = new BatchBuilder({
    compression: batch.compression ?? 'none',
    baseOffset: first.offset,
    ...(batch.isLogAppendTime ? { logAppendTime: batch.maxTimestamp } : {}),
    ...(horizonMs === undefined ? {} : { deleteHorizonMs: horizonMs }),
  })
  for (const { key, offset, timestamp, value } of kept) builder.append({ key, offset, timestamp, value })
  return { batch: builder.build(), records: kept.length }
}

/**
 * What is left of a batch; undefined when nothing is. Gives the loop back from time to time: the batch's bytes must stay as they are
 * meanwhile. Throws KafkaError for a batch that cannot be read.
 */
export const cleanBatch = async (batch: RecordBatch, rules: BatchRules, pace: CleanPace): Promise<CleanBatch | undefined> => {
  if (batch.magic < 2) return converted(batch, rules)
  if (batch.recordsCount === 0) return rules.keepsEmpty ? { batch: emptied(batch), records: 0 } : undefined
  const cursor = openRecords(batch)
  const { position } = cursor
  const chosen = await choose(batch, cursor, { rules, pace })
  if (chosen.count === 0) return rules.keepsEmpty ? { batch: emptied(batch), records: 0 } : undefined
  const needsHorizon = (chosen.hasTombstone || rules.needsHorizon) && !batch.hasDeleteHorizon
  if (chosen.count === batch.recordsCount && !needsHorizon) return { batch, records: chosen.count }
  cursor.position = position
  const horizonMs = needsHorizon ? rules.newHorizonMs : batch.hasDeleteHorizon ? batch.baseTimestamp : undefined
  return { batch: await rebuilt(batch, chosen, { horizonMs, body: cursor, pace }), records: chosen.count }
}
