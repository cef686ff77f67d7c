// Damaged batches with a checksum made after the damage, as a broken or hostile client would send them: a KafkaError of a code that fits, or a
// batch that every reader can read, with offsets 0 to n - 1 as far as its header says.

import { BATCH_HEADER_BYTES, BatchBuilder, ErrorCode, KafkaError, RecordBatch, recordsOf, seededRandom } from '@ottla/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultLogConfig } from './config.ts'
import { validateBatch } from './validate.ts'

const NOW = 1_700_000_000_000

type Below = (limit: number) => number

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const targets = ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const allowed: readonly number[] = [
  ErrorCode.INVALID_RECORD,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.INVALID_TIMESTAMP,
]

const damagedBatch = (random: Below): Buffer => {
  const builder = new BatchBuilder({
    compression: codecs[random(5)]!,
    ...(random(2) === 0 ? {} : { producerId: 1, producerEpoch: 0, baseSequence: 0 }),
  })
  for (let left = 1 + random(8); left > 0; left--) {
    const headers = random(4) === 0 ? [{ key: 'h', value: random(2) === 0 ? null : 'v' }] : []
    builder.append({
      timestamp: NOW + random(100) - 50,
      key: random(2) === 0 ? null : 'key',
      value: Buffer.alloc(random(200), 'v'),
      headers,
    })
  }
  const batch = builder.build()
  // Half of the damage is to the records, the other half anywhere after the checksum.
  const from = random(2) === 0 ? BATCH_HEADER_BYTES : 21
  for (let times = random(3); times > 0; times--) batch.buffer[from + random(batch.sizeInBytes - from)] = random(256)
  batch.seal()
  return batch.bytes
}

const checkOne = (random: Below): void => {
  const config = {
    ...defaultLogConfig,
    compressionType: targets[random(6)]!,
    messageTimestampType: random(3) === 0 ? ('LogAppendTime' as const) : ('CreateTime' as const),
    cleanupPolicy: { compact: random(3) === 0, delete: false },
  }
  const result = validateBatch(damagedBatch(random), { config, now: NOW })
  if (result instanceof Promise) throw new Error('there is no pool to answer later')
  const { batch, maxTimestamp } = result
  expect(batch.checksumMatches()).toBe(true)
  expect(batch.maxTimestamp).toBe(maxTimestamp)
  const timestamps = [...recordsOf(new RecordBatch(batch.bytes))].map(record => record.timestamp)
  expect(timestamps.length).toBe(batch.recordsCount)
  expect(batch.lastOffsetDelta).toBe(batch.recordsCount - 1)
  expect(timestamps.reduce((most, timestamp) => Math.max(most, timestamp), -1)).toBe(maxTimestamp)
}

describe('damaged batches of clients', () => {
  it('are refused with a code, or can be read', () => {
    const outcomes = { accepted: 0, refused: 0 }
    const round = (seed: number): void => {
      try {
        const random = seededRandom(seed)
        checkOne(limit => random.below(limit))
        outcomes.accepted++
      } catch (error) {
        if (!(error instanceof KafkaError) || !allowed.includes(error.code)) throw error
        outcomes.refused++
      }
    }
    fc.assert(fc.property(fc.noShrink(fc.noBias(fc.nat())), round))
    expect(outcomes.accepted * outcomes.refused).toBeGreaterThan(0)
  })
})
