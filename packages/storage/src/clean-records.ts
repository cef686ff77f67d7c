// Takes records out of a batch as compaction does (Kafka's MemoryRecords.filterTo). What is left keeps its offsets, and the batch its base
// offset, last offset, sequences, epochs and compression. Records are copied as they lie; only where the base timestamp changes is the
// timestamp delta of each written anew. The base timestamp becomes that of the first record left, or the delete horizon (KIP-534).

import { Attribute, BATCH_HEADER_BYTES, BatchBuilder, openRecords, type RecordBatch, type RecordCursor, recordsOf } from '@ottla/protocol'
import type { PassPace } from './clean-pace.ts'
import { writeInt64 } from './int64.ts'

const FLAGS_AT = 21
const BASE_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const COUNT_AT = 57
const NO_TIMESTAMP = -1
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

/** Undefined where nothing is left. */
export type CleanResult = CleanBatch | undefined

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
class Chosen {
  readonly kept: boolean[] = []
  count = 0
  hasTombstone = false

  add(batch: RecordBatch, cursor: RecordCursor, rules: BatchRules): void {
    cursor.next()
    const keeps = rules.keeps(cursor, batch.baseOffset + cursor.offsetDelta)
    this.kept.push(keeps)
    if (!keeps) return
    this.count++
    this.hasTombstone ||= cursor.valueLength < 0
  }
}

/** The records of a batch that were chosen, with their new timestamp deltas. */
class Rebuilt {
  readonly #batch: RecordBatch
  readonly #horizonMs: number | undefined
  readonly #isLogAppendTime: boolean
  readonly #oldBase: number
  #newBase: number | undefined
  #maxTimestamp = NO_TIMESTAMP
  readonly #parts: Buffer[] = []

  constructor(batch: RecordBatch, horizonMs: number | undefined) {
    this.#batch = batch
    this.#horizonMs = horizonMs
    this.#newBase = horizonMs
    this.#isLogAppendTime = batch.isLogAppendTime
    this.#oldBase = batch.baseTimestamp
  }

  add(cursor: RecordCursor): void {
    const timestamp = this.#isLogAppendTime ? this.#batch.maxTimestamp : this.#oldBase + cursor.timestampDelta
    this.#newBase ??= timestamp
    this.#maxTimestamp = Math.max(this.#maxTimestamp, timestamp)
    const delta = timestamp - this.#newBase
    this.#parts.push(delta === cursor.timestampDelta ? cursor.body.subarray(cursor.at, cursor.position) : withDelta(cursor, delta))
  }

  finish(): RecordBatch {
    const batch = this.#batch
    const header = Buffer.from(batch.buffer.subarray(batch.at, batch.at + BATCH_HEADER_BYTES))
    const flags = batch.attributes & ~Attribute.deleteHorizon
    header.writeInt16BE(this.#horizonMs === undefined ? flags : flags | Attribute.deleteHorizon, FLAGS_AT)
    writeInt64(header, this.#newBase ?? NO_TIMESTAMP, BASE_TIMESTAMP_AT)
    writeInt64(header, this.#maxTimestamp, MAX_TIMESTAMP_AT)
    header.writeInt32BE(this.#parts.length, COUNT_AT)
    return BatchBuilder.withBody(header, Buffer.concat(this.#parts), batch.compression ?? 'none')
  }
}

/** Messages of magic 0 and 1 become a batch of magic 2, as in Kafka. */
const converted = (batch: RecordBatch, rules: BatchRules): CleanResult => {
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

/** What is left of a batch whose records were chosen. */
const chosenOf = (
  batch: RecordBatch,
  chosen: Chosen,
  context: { readonly rules: BatchRules; readonly pace: PassPace; readonly body: RecordCursor },
): CleanResult | Promise<CleanResult> => {
  const { body, pace, rules } = context
  const records = chosen.count
  if (records === 0) return rules.keepsEmpty ? { batch: emptied(batch), records } : undefined
  const needsHorizon = (chosen.hasTombstone || rules.needsHorizon) && !batch.hasDeleteHorizon
  if (records === batch.recordsCount && !needsHorizon) return { batch, records }
  const rebuilt = new Rebuilt(batch, needsHorizon ? rules.newHorizonMs : batch.hasDeleteHorizon ? batch.baseTimestamp : undefined)
  const done = pace.inSteps(batch.recordsCount, (from, until) => {
    for (let index = from; index < until; index++) {
      body.next()
      if (chosen.kept[index] === true) rebuilt.add(body)
    }
    return true
  })
  const finish = () => ({ batch: rebuilt.finish(), records })
  return done instanceof Promise ? done.then(finish) : finish()
}

/**
 * What is left of a batch; undefined when nothing is. Of a large one it gives the loop back from time to time: the batch's bytes must stay as
 * they are meanwhile. Throws KafkaError, or rejects with it, for a batch that cannot be read.
 */
export const cleanBatch = (batch: RecordBatch, rules: BatchRules, pace: PassPace): CleanResult | Promise<CleanResult> => {
  if (batch.magic < 2) return converted(batch, rules)
  if (batch.recordsCount === 0) return rules.keepsEmpty ? { batch: emptied(batch), records: 0 } : undefined
  const cursor = openRecords(batch)
  const { position } = cursor
  const chosen = new Chosen()
  const rest = () => {
    cursor.ensureEnd()
    cursor.position = position
    return chosenOf(batch, chosen, { rules, pace, body: cursor })
  }
  const done = pace.inSteps(batch.recordsCount, (from, until) => {
    for (let index = from; index < until; index++) chosen.add(batch, cursor, rules)
    return true
  })
  return done instanceof Promise ? done.then(rest) : rest()
}
