// Damaged batches: every one is read to the end or ends in a KafkaError of a code that says so, whatever its bytes, and the walk agrees with
// the reading of records one by one.

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ErrorCode, KafkaError } from '../errors.ts'
import { anySeed, damaged, randomFrom } from '../fuzz-testing.ts'
import { BATCH_HEADER_BYTES, batchesIn } from './batch.ts'
import { goldenBatches, goldenDamage } from './golden-records.ts'
import type { RecordBatch } from './batch.ts'
import { recordsOf, walkRecords } from './record.ts'

const samples = [...goldenBatches('v2'), ...goldenBatches('legacy'), ...goldenDamage()].map(({ base64 }) => Buffer.from(base64, 'base64'))
const small = samples.filter(({ length }) => length > BATCH_HEADER_BYTES && length < 8192)
const allowed: readonly number[] = [ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD, ErrorCode.MESSAGE_TOO_LARGE]
const MAX_OUTPUT = 1024 * 1024

/** What `work` counted, or the code it ended with. */
const outcomeOf = (work: () => number): string => {
  try {
    return `${work()} records`
  } catch (error) {
    if (!(error instanceof KafkaError) || !allowed.includes(error.code)) throw error
    return `code ${error.code}`
  }
}

const readOneByOne = (batch: RecordBatch): number => {
  let count = 0
  for (const record of recordsOf(batch, { maxOutputLength: MAX_OUTPUT })) {
    count++
    const { key, value, headers } = record
    const bytes = (key?.length ?? 0) + (value?.length ?? 0) + headers.reduce((sum, header) => sum + header.key.length, 0)
    if (bytes > MAX_OUTPUT * 4) throw new Error('a record is larger than all bytes there are')
  }
  return count
}

const walk = (batch: RecordBatch): number => {
  let count = 0
  walkRecords(batch, () => count++, { maxOutputLength: MAX_OUTPUT })
  return count
}

const round = (seed: number): void => {
  const random = randomFrom(seed)
  const bytes = damaged(small[random(small.length)]!, random, random(2) === 0 ? 0 : BATCH_HEADER_BYTES)
  outcomeOf(() => {
    let count = 0
    for (const batch of batchesIn(bytes)) {
      const valid = batch.checksumMatches()
      if (batch.magic === 2 && batch.sizeInBytes < BATCH_HEADER_BYTES) {
        expect(valid).toBe(false)
        continue
      }
      const read = outcomeOf(() => readOneByOne(batch))
      if (batch.magic === 2) expect(outcomeOf(() => walk(batch))).toBe(read)
      count++
    }
    return count
  })
}

describe('damaged batches', () => {
  it('end in a value or an error with a code', () => {
    fc.assert(fc.property(anySeed, round))
  })
})
