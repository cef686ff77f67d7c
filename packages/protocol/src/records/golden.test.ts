import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ErrorCode, KafkaError } from '../errors.ts'
import { batchesIn, type RecordBatch } from './batch.ts'
import { BatchBuilder } from './builder.ts'
import { ControlType, controlTypeOf, endTransactionMarker, readEndTransaction } from './control.ts'
import { crc32c } from './crc32c.ts'
import { clamped, type GoldenBatch, type GoldenRecord, goldenBatches, goldenDamage } from './golden-records.ts'
import { murmur2 } from './murmur2.ts'
import { type RecordView, recordsOf, walkRecords } from './record.ts'

const base64 = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null

const headerOf = (batch: RecordBatch, golden: GoldenBatch): object => ({
  baseOffset: batch.baseOffset,
  lastOffset: batch.lastOffset,
  position: batch.at,
  sizeInBytes: batch.sizeInBytes,
  magic: batch.magic,
  crc: batch.crc,
  compression: batch.compression,
  timestampType: batch.magic === 0 ? 'NoTimestampType' : batch.isLogAppendTime ? 'LogAppendTime' : 'CreateTime',
  maxTimestamp: batch.maxTimestamp,
  producerId: batch.producerId,
  producerEpoch: batch.producerEpoch,
  baseSequence: batch.baseSequence,
  lastSequence: batch.lastSequence,
  isTransactional: batch.isTransactional,
  isControl: batch.isControl,
  partitionLeaderEpoch: batch.partitionLeaderEpoch,
  ...(golden.baseTimestamp === undefined ? {} : { baseTimestamp: batch.baseTimestamp }),
  ...(golden.count === undefined ? {} : { count: batch.recordsCount }),
  ...(batch.hasDeleteHorizon ? { deleteHorizonMs: batch.baseTimestamp } : {}),
})

const recordForm = (record: RecordView, golden: GoldenRecord | undefined, isControl: boolean): object => {
  const { value } = record
  const isLarge = golden?.valueLength !== undefined
  return {
    offset: record.offset,
    timestamp: record.timestamp,
    key: base64(record.key),
    ...(isLarge
      ? {
          valueLength: value?.length,
          valueSha256: createHash('sha256')
            .update(value ?? '')
            .digest(golden.valueSha256?.length === 64 ? 'hex' : 'base64'),
        }
      : { value: base64(value) }),
    headers: record.headers.map(header => [header.key, base64(header.value)]),
    ...(isControl ? { control: controlForm(record) } : {}),
  }
}

const controlForm = (record: RecordView): object => {
  const type = Object.entries(ControlType).find(([, number]) => number === controlTypeOf(record))?.[0]
  const end = readEndTransaction(record)
  return end === undefined ? { type } : { type, coordinatorEpoch: end.coordinatorEpoch }
}

const int64Fields = ['producerId', 'baseOffset', 'lastOffset', 'maxTimestamp', 'baseTimestamp', 'offset', 'timestamp']
const clampedForm = (value: object): object =>
  Object.fromEntries(Object.entries(value).map(([name, field]) => [name, int64Fields.includes(name) ? clamped(field) : field]))

describe.each(['v2', 'legacy'] as const)('batches of %s', file => {
  it.each(goldenBatches(file))('$name', ({ base64: text, batches }) => {
    const read = [...batchesIn(Buffer.from(text, 'base64'))]
    expect(read).toHaveLength(batches.length)
    for (const [index, batch] of read.entries()) {
      const golden = batches[index]!
      batch.ensureValid()
      const { records, ...header } = golden
      expect(headerOf(batch, golden)).toEqual(clampedForm(header))
      const forms = [...recordsOf(batch)].map((record, at) => recordForm(record, records[at], batch.isControl))
      expect(forms).toEqual(records.map(clampedForm))
      let visited = 0
      if (batch.magic === 2) walkRecords(batch, () => visited++)
      if (batch.magic === 2) expect(visited).toBe(records.length)
    }
  })
})

/** Error code that our reader owes where Kafka's raised an exception; what it raised by accident may be anything better. */
const codesFor: Record<string, readonly number[]> = {
  CorruptRecordException: [ErrorCode.CORRUPT_MESSAGE],
  InvalidRecordException: [ErrorCode.INVALID_RECORD],
  KafkaException: [ErrorCode.INVALID_RECORD, ErrorCode.CORRUPT_MESSAGE],
  IllegalArgumentException: [ErrorCode.INVALID_RECORD, ErrorCode.CORRUPT_MESSAGE],
}

describe('damaged bytes', () => {
  it.each(goldenDamage())('$name', ({ base64: text, read }) => {
    let stage: string | undefined = 'batches'
    let batches = 0
    let records = 0
    let code: number | undefined
    try {
      for (const batch of batchesIn(Buffer.from(text, 'base64'))) {
        batches++
        stage = 'ensureValid'
        batch.ensureValid()
        stage = 'records'
        for (const record of recordsOf(batch)) records += record.headers.length >= 0 ? 1 : 0
        stage = 'batches'
      }
      stage = undefined
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      code = error.code
    }
    expect({ stage, batches, records }).toEqual({ stage: read.stage, batches: read.batches, records: read.records })
    if (read.exception !== undefined) expect(codesFor[read.exception]).toContain(code)
  })
})

describe('built batches', () => {
  const uncompressed = goldenBatches('v2').filter(({ batches }) => batches.length === 1 && batches[0]?.compression === 'none')
  const beyondNumbers = new Set([
    'base-offset-max',
    'timestamp-max',
    'large-timestamp-deltas',
    'partial-last-batch',
    'partial-last-header',
    'idempotent-later',
    'empty-batch-after-compaction',
  ])

  it.each(uncompressed.filter(({ name }) => !beyondNumbers.has(name)))('has the same bytes: $name', ({ base64: text }) => {
    const bytes = Buffer.from(text, 'base64')
    for (const original of batchesIn(bytes)) expect(rebuilt(original).bytes.equals(original.bytes)).toBe(true)
  })

  it('writes the end of a transaction as Kafka does', () => {
    for (const name of ['control-commit', 'control-abort']) {
      const golden = goldenBatches('v2').find(vector => vector.name === name)
      const options = { producerId: 2000, producerEpoch: 1, timestamp: 1_700_000_000_000, baseOffset: 55, partitionLeaderEpoch: 6 }
      const marker = endTransactionMarker({ isCommit: name === 'control-commit', coordinatorEpoch: 9 }, options)
      expect(marker.bytes.toString('base64')).toBe(golden?.base64)
    }
  })
})

/** The batch built again from what was read. */
const rebuilt = (batch: RecordBatch): RecordBatch => {
  const builder = new BatchBuilder({
    baseOffset: batch.baseOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    ...(batch.isLogAppendTime ? { logAppendTime: batch.maxTimestamp } : {}),
    ...(batch.hasDeleteHorizon ? { deleteHorizonMs: batch.baseTimestamp } : {}),
  })
  // A batch of LogAppendTime hides the times its records came with: those are taken from the walk.
  const times: number[] = []
  walkRecords(batch, record => times.push(batch.baseTimestamp + record.timestampDelta))
  for (const [index, record] of [...recordsOf(batch)].entries()) {
    builder.append({ offset: record.offset, timestamp: times[index] ?? -1, key: record.key, value: record.value, headers: record.headers })
  }
  return builder.build(batch.lastOffset)
}

interface HashVectors {
  readonly murmur2: readonly { readonly hex: string; readonly hash: number }[]
  readonly crc: readonly { readonly hex: string; readonly crc32c: number }[]
}

describe('hashes', () => {
  const vectors: HashVectors = JSON.parse(
    gunzipSync(readFileSync(new URL('../../fixtures/records/hashes.json.gz', import.meta.url))).toString(),
  )

  it('murmur2', () => {
    for (const { hex, hash } of vectors.murmur2) expect(murmur2(Buffer.from(hex, 'hex'))).toBe(hash)
  })

  it('crc32c, in one piece and in two', () => {
    const cases = vectors.crc.map(({ hex, crc32c: expected }) => ({ bytes: Buffer.from(hex, 'hex'), expected }))
    const long = Buffer.alloc(5000, 'ottla')
    for (const { bytes, expected } of [...cases, { bytes: long, expected: crc32c(long) }]) {
      expect(crc32c(bytes)).toBe(expected)
      for (const cut of [0, 1, 7, bytes.length >> 1])
        if (cut <= bytes.length) expect(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut))).toBe(expected)
    }
  })
})
