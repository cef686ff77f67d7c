import { BatchBuilder, ManualClock, RecordBatch, recordsOf, seededRandom } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { crc32 } from 'node:zlib'
import { CleanPace } from './clean-pace.ts'
import { type BatchRules, cleanBatch } from './clean-records.ts'
import { CompactedLog } from './compaction-testing.ts'
import { MemoryDisk } from './memory-disk.ts'

const pace = new CleanPace({ clock: new ManualClock() })

const keeping = (kept: ReadonlySet<number>, rest: Partial<BatchRules> = {}): BatchRules => ({
  keeps: (_, offset) => kept.has(offset),
  keepsMessage: (_key, _value, offset) => kept.has(offset),
  keepsEmpty: false,
  newHorizonMs: 5000,
  needsHorizon: false,
  ...rest,
})

const contents = (batch: RecordBatch) =>
  [...recordsOf(batch)].map(({ offset, timestamp, key, value, headers }) => ({
    offset,
    timestamp,
    key: key && String(key),
    value: value && String(value),
    headers: headers.map(header => [header.key, header.value && String(header.value)]),
  }))

const times = [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2 ** 31, -(2 ** 31) - 1, 2 ** 40, -(2 ** 40), 1_700_000_000_000]

const sized = (text: string | null): Buffer => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(text === null ? -1 : text.length, 0)
  return Buffer.concat([length, Buffer.from(text ?? '')])
}

/** A message of magic 1. */
const message = (offset: number, key: string, value: string | null): Buffer => {
  const head = Buffer.alloc(18)
  head.writeBigInt64BE(BigInt(offset), 0)
  head[16] = 1
  const time = Buffer.alloc(8)
  time.writeBigInt64BE(1_600_000_000_000n + BigInt(offset), 0)
  const bytes = Buffer.concat([head, time, sized(key), sized(value)])
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(16)), 12)
  return bytes
}

describe('a batch from which records are taken', () => {
  it('has all of the others as they were', async () => {
    const random = seededRandom(3)
    for (let round = 0; round < 300; round++) {
      const compression = (['none', 'gzip', 'lz4', 'snappy', 'zstd'] as const)[random.below(5)] ?? 'none'
      const isLogAppendTime = random.below(5) === 0
      const builder = new BatchBuilder({
        baseOffset: 100,
        compression,
        producerId: 4,
        producerEpoch: 1,
        baseSequence: 9,
        ...(isLogAppendTime ? { logAppendTime: 77 } : {}),
      })
      const count = 1 + random.below(12)
      const base = random.below(2) * 1_700_000_000_000
      for (let index = 0; index < count; index++) {
        builder.append({
          offset: 100 + index * 3,
          timestamp: base + (times[random.below(times.length)] ?? 0),
          key: `k${index}`,
          value: random.below(4) === 0 ? null : 'v'.repeat(random.below(300)),
          headers: Array.from({ length: random.below(3) }, (_, at) => ({ key: `h${at}`, value: random.below(2) === 0 ? null : 'x' })),
        })
      }
      const batch = builder.build(140)
      const before = contents(batch)
      const kept = new Set(before.map(({ offset }) => offset).filter(() => random.below(3) > 0))
      const expected = before.filter(({ offset }) => kept.has(offset))
      const result = await cleanBatch(batch, keeping(kept), pace)
      if (expected.length === 0) {
        expect(result).toBeUndefined()
        continue
      }
      const left = result?.batch ?? batch
      left.ensureValid()
      expect(contents(left)).toEqual(expected)
      const hasTombstone = expected.some(({ value }) => value === null)
      expect(left).toMatchObject({ baseOffset: 100, lastOffset: 140, compression, producerId: 4, producerEpoch: 1, baseSequence: 9 })
      expect(left.hasDeleteHorizon).toBe(hasTombstone)
      expect(left.isLogAppendTime).toBe(isLogAppendTime)
      expect(left.maxTimestamp).toBe(Math.max(-1, ...expected.map(({ timestamp }) => timestamp)))
      if (hasTombstone) expect(left.baseTimestamp).toBe(5000)
      else expect(left === batch).toBe(expected.length === before.length)
      // A horizon stays what it is.
      const again = await cleanBatch(left, keeping(new Set([expected[0]?.offset ?? 0]), { newHorizonMs: 9999 }), pace)
      expect(again?.batch.hasDeleteHorizon).toBe(hasTombstone)
      expect(contents(again?.batch ?? left)).toEqual(expected.slice(0, 1))
    }
  })

  it('may have very many, which are gone through in small portions', async () => {
    let pauses = 0
    const pause = () => {
      pauses++
      return Promise.resolve()
    }
    const busy = new CleanPace({ clock: new ManualClock(), sliceMs: -1, pause })
    const builder = new BatchBuilder({ compression: 'lz4' })
    for (let index = 0; index < 1000; index++) builder.append({ timestamp: index, key: `k${index}`, value: 'v' })
    const kept = new Set(Array.from({ length: 300 }, (_, index) => index * 3 + 1))
    const result = await cleanBatch(builder.build(), keeping(kept), busy)
    expect(result?.records).toBe(300)
    expect(result && contents(result.batch).map(({ offset }) => offset)).toEqual([...kept])
    expect(pauses).toBeGreaterThan(30)
    const test = await CompactedLog.open({ config: { segmentBytes: 100_000 } })
    const many = Array.from({ length: 1000 }, (_, index) => [`k${index % 400}`, String(index)] as const)
    test.append(many, { compression: 'gzip' })
    test.roll()
    expect(await test.compact({ pace: busy })).toMatchObject({ endOffset: 1000, keys: 400 })
    expect((await test.records()).map(({ offset }) => offset)).toEqual(Array.from({ length: 400 }, (_, index) => 600 + index))
    expect(pauses).toBeGreaterThan(70)
  })

  it('may be left without any', async () => {
    const batch = new BatchBuilder({ producerId: 4, producerEpoch: 1, baseSequence: 9, compression: 'lz4', deleteHorizonMs: 7 })
      .append({ timestamp: 30, key: 'k', value: null })
      .append({ timestamp: 20, key: 'l', value: 'v' })
      .build()
    const result = await cleanBatch(batch, keeping(new Set(), { keepsEmpty: true }), pace)
    expect(result?.batch.bytes.length).toBe(61)
    result?.batch.ensureValid()
    expect(result?.batch).toMatchObject({ recordsCount: 0, lastOffset: 1, lastSequence: 10, maxTimestamp: 30, attributes: 0 })
    const again = await cleanBatch(result!.batch, keeping(new Set(), { keepsEmpty: true }), pace)
    expect(again?.batch.bytes.toString('hex')).toBe(result?.batch.bytes.toString('hex'))
  })
})

describe('messages of old formats', () => {
  it('are compacted too, and become batches', async () => {
    const disk = new MemoryDisk()
    disk.makeDirectorySync('/logs/c-0')
    const file = disk.openSync('/logs/c-0/00000000000000000000.log', 'create')
    const messages = [message(0, 'a', '1'), message(1, 'b', '1'), message(2, 'a', '2'), message(3, 'b', null), message(4, 'c', '1')]
    file.writeSync(messages, 0)
    file.closeSync()
    const test = await CompactedLog.open({ disk })
    test.settle()
    test.append([['c', '2']])
    test.roll()
    await test.compact()
    expect(await test.lines()).toEqual(['2 a=2', '3 b=null', '5 c=2'])
    const batches = await test.batches()
    expect(batches.map(batch => [batch.magic, batch.baseOffset, batch.maxTimestamp])).toEqual([
      [2, 2, 1_600_000_000_002],
      [2, 3, 1_600_000_000_003],
      [2, 5, test.clock.now()],
    ])
    expect(batches[1]?.hasDeleteHorizon).toBe(true)
  })
})
