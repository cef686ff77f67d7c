import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ErrorCode, KafkaError } from '../errors.ts'
import { batchesIn, nextSequence, RecordBatch } from './batch.ts'
import { BatchBuilder, type RecordInit } from './builder.ts'
import type { CompressionName } from './compression/codecs.ts'
import { recordsOf, walkRecords } from './record.ts'

const bytes = fc.option(fc.uint8Array({ maxLength: 200 }), { nil: null })
const record = fc.record({
  timestamp: fc.oneof(
    fc.constant(-1),
    fc.integer({ min: 0, max: 2 ** 31 }),
    fc.maxSafeInteger().map(time => Math.floor(time / 4)),
  ),
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 20 }), value: bytes }), { maxLength: 3 }),
})
const compression = fc.constantFrom('none', 'gzip', 'snappy', 'lz4', 'zstd')

const plain = (value: Uint8Array | string | null | undefined): string | null =>
  value === null || value === undefined ? null : Buffer.from(value).toString('hex')
const formOf = ({ timestamp, key, value, headers = [] }: RecordInit): object => ({
  timestamp,
  key: plain(key),
  value: plain(value),
  headers: headers.map(header => ({ key: Buffer.from(header.key).toString(), value: plain(header.value) })),
})

const repeating = (codec: CompressionName, length: number): BatchBuilder =>
  new BatchBuilder({ compression: codec, compressionLevel: 2 }).append({ value: 'so '.repeat(length / 3), timestamp: 1 })

describe('BatchBuilder', () => {
  it('gives back what was appended', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 30 }), compression, fc.nat(2 ** 40), (records, name, baseOffset) => {
        const builder = new BatchBuilder({ compression: name, baseOffset }, 16)
        for (const each of records) builder.append(each)
        const batch = builder.build()
        batch.ensureValid()
        const read = [...recordsOf(batch)]
        expect(read.map(formOf)).toEqual(records.map(formOf))
        expect(read.map(({ offset }) => offset)).toEqual(records.map((_, index) => baseOffset + index))
        expect(batch.maxTimestamp).toBe(Math.max(-1, ...records.map(({ timestamp }) => timestamp)))
        expect(batch).toMatchObject({
          baseOffset,
          recordsCount: records.length,
          lastOffset: baseOffset + records.length - 1,
          compression: name,
        })
      }),
    )
  })

  it('does not go back in offsets', () => {
    const builder = new BatchBuilder({ baseOffset: 10 }).append({ offset: 15 })
    expect(() => builder.append({ offset: 15 })).toThrow(RangeError)
    expect(builder.append({}).build().lastOffset).toBe(16)
  })

  it('estimates not less than what a record adds', () => {
    fc.assert(
      fc.property(record, each => {
        const builder = new BatchBuilder()
        const before = builder.sizeInBytes
        expect(builder.append(each).sizeInBytes - before).toBeLessThanOrEqual(BatchBuilder.estimateSize(each))
      }),
    )
  })
})

const built = (): RecordBatch => new BatchBuilder().append({ timestamp: 5, value: 'a' }).append({ timestamp: 7, value: 'b' }).build()

describe('RecordBatch', () => {
  it('is patched outside its checksum by the leader', () => {
    const batch = built()
    batch.setBaseOffset(2 ** 45 + 3)
    batch.setPartitionLeaderEpoch(9)
    expect(batch).toMatchObject({ baseOffset: 2 ** 45 + 3, lastOffset: 2 ** 45 + 4, nextOffset: 2 ** 45 + 5, partitionLeaderEpoch: 9 })
    expect(batch.checksumMatches()).toBe(true)
  })

  it('gets the time of its append with a new checksum', () => {
    const batch = built()
    batch.setLogAppendTime(99)
    expect(batch).toMatchObject({ isLogAppendTime: true, maxTimestamp: 99 })
    expect(batch.checksumMatches()).toBe(true)
    expect([...recordsOf(batch)].map(({ timestamp }) => timestamp)).toEqual([99, 99])
  })

  it('is found behind others, and not where it is cut off', () => {
    const both = Buffer.concat([built().bytes, built().bytes])
    expect([...batchesIn(both)].map(({ at }) => at)).toEqual([0, both.length / 2])
    for (let end = both.length / 2; end < both.length; end++) expect([...batchesIn(both, 0, end)]).toHaveLength(1)
    const [second] = batchesIn(both, both.length / 2)
    expect(second?.bytes.equals(built().bytes)).toBe(true)
  })

  it('does not decompress more than it is told to', () => {
    const batch = new BatchBuilder({ compression: 'gzip' }).append({ value: Buffer.alloc(100_000) }).build()
    expect(() => walkRecords(batch, undefined, { maxOutputLength: 99_999 })).toThrow(
      new KafkaError(ErrorCode.MESSAGE_TOO_LARGE, 'A gzip body has more than 99999 bytes when it is decompressed'),
    )
    walkRecords(batch)
  })

  it('counts sequences on from 0', () => {
    expect([nextSequence(0, 1), nextSequence(0x7ffffffe, 1), nextSequence(0x7fffffff, 1), nextSequence(0x7ffffffe, 4)]).toEqual([
      1, 0x7fffffff, 0, 2,
    ])
  })

  it('is the same when another thread compressed its records', async () => {
    for (const codec of ['gzip', 'zstd', 'snappy', 'lz4', 'none'] as const) {
      const aside = repeating(codec, 90_000)
      const compressed = aside.compressAside()
      if (codec !== 'zstd') expect(compressed !== undefined).toBe(codec === 'gzip')
      await compressed
      expect(aside.build().bytes.equals(repeating(codec, 90_000).build().bytes)).toBe(true)
      expect(repeating(codec, 3000).compressAside()).toBeUndefined()
    }
    const wrong = new BatchBuilder({ compression: 'gzip', compressionLevel: 40 }).append({ value: Buffer.alloc(100_000) })
    await expect(wrong.compressAside()).rejects.toThrow()
  })
})
