import { BatchBuilder, type BatchOptions } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { type LagLog, timestampAt } from './lag-time.ts'

/** A log of one batch, that begins at offset 10. */
function logOf(timestamps: readonly number[], options: BatchOptions & { readonly valueBytes?: number } = {}) {
  const { valueBytes = 1, ...batch } = options
  const builder = new BatchBuilder({ ...batch, baseOffset: 10 })
  for (const timestamp of timestamps) builder.append({ timestamp, value: Buffer.alloc(valueBytes) })
  const bytes = builder.build().bytes
  const calls = { reads: 0, releases: 0 }
  const log: LagLog = {
    highWatermark: 10 + timestamps.length,
    logStartOffset: 0,
    read: () => {
      calls.reads += 1
      const release = () => void (calls.releases += 1)
      return { chunks: [bytes.subarray(0, 7), bytes.subarray(7)], size: bytes.length, baseOffset: 10, nextOffset: 10, release }
    },
  }
  return { log, calls }
}

it('the time is that of the record, where that is cheap to find', async () => {
  const { log, calls } = logOf([1_000, 5_000, 2_000])
  expect(await timestampAt(log, 10)).toBe(1_000)
  expect(await timestampAt(log, 11)).toBe(5_000)
  expect(await timestampAt(log, 12)).toBe(2_000)
  expect(await timestampAt(log, 9)).toBe(1_000)
  expect(await timestampAt(log, 13)).toBeNull()
  expect(calls).toEqual({ reads: 5, releases: 5 })
})

it('the time in compressed and in large batches is estimated', async () => {
  for (const options of [{ compression: 'gzip' as const }, { valueBytes: 64 * 1024 }]) {
    const { log } = logOf([1_000, 1_001, 3_000], options)
    expect(await timestampAt(log, 10)).toBe(1_000)
    expect(await timestampAt(log, 11)).toBe(2_000)
    expect(await timestampAt(log, 12)).toBe(3_000)
  }
})

it('the time of the append, and where there is only a greatest time, is that', async () => {
  expect(await timestampAt(logOf([1, 2], { logAppendTime: 77 }).log, 10)).toBe(77)
  expect(await timestampAt(logOf([10, 20], { deleteHorizonMs: 5, compression: 'gzip' }).log, 10)).toBe(20)
  expect(await timestampAt(logOf([10, 20], { deleteHorizonMs: 5 }).log, 10)).toBe(10)
})

it('records without a time, and logs that cannot be read, have none', async () => {
  expect(await timestampAt(logOf([-1, -1]).log, 10)).toBeNull()
  const { log } = logOf([1])
  const broken = { ...log, read: () => Promise.reject(new Error('closed')) }
  expect(await timestampAt(broken, 10)).toBeNull()
  const empty = { chunks: [], size: 0, baseOffset: 10, nextOffset: 10, release: () => undefined }
  expect(await timestampAt({ ...log, read: () => empty }, 10)).toBeNull()
})
