// What a broker's validation costs a produced batch: checksum, header and a walk over every record.

import { BatchBuilder, type BatchOptions, RecordBatch } from '@ottla/protocol'
import { bench, describe } from 'vitest'
import { defaultLogConfig } from './config.ts'
import { validateBatch } from './validate.ts'

const NOW = 1_700_000_000_000
const BATCH_BYTES = 256 * 1024

const batchOf = (size: number, options: BatchOptions = {}): RecordBatch => {
  const builder = new BatchBuilder(options)
  for (let index = 0; builder.sizeInBytes < BATCH_BYTES; index++) {
    builder.append({ timestamp: NOW + index, value: Buffer.alloc(size, `value ${index * 7919} `) })
  }
  return builder.build()
}

const options = { config: defaultLogConfig, now: NOW }

for (const size of [10, 100, 1024, 10_240]) {
  const batch = batchOf(size)
  const { bytes, recordsCount } = batch
  describe(`${bytes.length} B in ${recordsCount} records of ${size} B`, () => {
    bench('validate', () => void validateBatch(bytes, options))
    bench('checksum alone', () => void batch.checksumMatches())
  })
}

describe('one record of 100 B', () => {
  const { bytes } = new BatchBuilder().append({ timestamp: NOW, value: Buffer.alloc(100) }).build()
  bench('validate', () => void validateBatch(bytes, options))
})

describe('256 KiB in records of 100 B, compressed', () => {
  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const { bytes } = batchOf(100, { compression })
    bench(compression, () => void validateBatch(bytes, options))
  }
})
