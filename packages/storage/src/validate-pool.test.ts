import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchBuilder, type BatchOptions, ErrorCode, KafkaError, RecordBatch, recordsOf } from '@ottla/protocol'
import { afterAll, describe, expect, it } from 'vitest'
import { defaultLogConfig, type LogConfig } from './config.ts'
import { type ValidateOptions, validateBatch } from './validate.ts'
import { RecordValidationError } from './validate-body.ts'
import { ValidationPool } from './validate-pool.ts'
import { ValidationQueue } from './validate-queue.ts'

const NOW = 1_700_000_100_000
const pool = new ValidationPool({ threads: 1 })
afterAll(() => pool.close())

const options = (config: Partial<LogConfig> = {}): ValidateOptions => ({ config: { ...defaultLogConfig, ...config }, now: NOW, pool })

/** About 200 KB that hardly compress. */
const noise = randomBytes(200_000)
const large = (given: BatchOptions, key: string | null = 'k'): Buffer => {
  const builder = new BatchBuilder(given)
  for (let index = 0; index < 200; index++)
    builder.append({ timestamp: NOW - index, key, value: noise.subarray(index * 1000, index * 1000 + 1000) })
  return builder.build().bytes
}

const small = (): Buffer => new BatchBuilder().append({ timestamp: NOW, value: 'v' }).build().bytes
const expanding = (megabytes: number): Buffer =>
  new BatchBuilder({ compression: 'gzip' }).append({ timestamp: NOW, value: Buffer.alloc(megabytes * 1024 * 1024) }).build().bytes

const rejection = async (work: unknown): Promise<KafkaError> => {
  try {
    await work
  } catch (error) {
    if (error instanceof KafkaError) return error
    throw error
  }
  throw new Error('expected a KafkaError')
}

describe('validation in a pool', () => {
  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('answers later for a large body in %s', async compression => {
    const records = large({ compression })
    const before = Buffer.from(records)
    const result = validateBatch(records, options())
    expect(result).toBeInstanceOf(Promise)
    expect(await result).toMatchObject({ maxTimestamp: NOW, offsetDeltaOfMaxTimestamp: 0, rewritten: false })
    expect(records.equals(before)).toBe(true)
  })

  it('answers at once for what is not compressed or small', () => {
    expect(validateBatch(large({}), options())).not.toBeInstanceOf(Promise)
    const little = new BatchBuilder({ compression: 'zstd' }).append({ timestamp: NOW, value: noise.subarray(0, 1000) }).build()
    expect(validateBatch(little.bytes, options())).not.toBeInstanceOf(Promise)
  })

  it('brings back a batch in the compression of the topic', async () => {
    const records = large({ compression: 'gzip', producerId: 5, producerEpoch: 1, baseSequence: 9 })
    const { batch, rewritten } = await validateBatch(records, options({ compressionType: 'lz4', messageTimestampType: 'LogAppendTime' }))
    expect(rewritten).toBe(true)
    batch.ensureValid()
    expect(batch).toMatchObject({
      compression: 'lz4',
      producerId: 5,
      baseSequence: 9,
      recordsCount: 200,
      maxTimestamp: NOW,
      isLogAppendTime: true,
    })
    expect([...recordsOf(batch)][199]?.value?.equals(noise.subarray(199_000))).toBe(true)
  })

  it('rejects with what is wrong with the records', async () => {
    const error = await rejection(
      validateBatch(large({ compression: 'snappy' }, null), options({ cleanupPolicy: { compact: true, delete: false } })),
    )
    expect(error.code).toBe(ErrorCode.INVALID_RECORD)
    expect(error instanceof RecordValidationError && error.recordErrors).toHaveLength(200)
  })

  it('takes small bodies that become large, and refuses bombs', async () => {
    const result = validateBatch(expanding(3), options())
    expect(result).toBeInstanceOf(Promise)
    expect((await result).uncompressedBytes).toBeGreaterThan(3_000_000)
    expect((await rejection(validateBatch(expanding(20), options()))).code).toBe(ErrorCode.MESSAGE_TOO_LARGE)
  })

  it('rejects a body that does not decompress', async () => {
    const batch = new RecordBatch(large({ compression: 'gzip' }))
    batch.buffer.fill(7, 1000, 1100)
    batch.seal()
    expect((await rejection(validateBatch(batch.bytes, options()))).code).toBe(ErrorCode.INVALID_RECORD)
  })

  it('bounds its queue', async () => {
    const narrow = new ValidationPool({ threads: 1, maxWaiting: 2 })
    const given = { ...options(), pool: narrow }
    const results = await Promise.allSettled(Array.from({ length: 5 }, async () => validateBatch(large({ compression: 'gzip' }), given)))
    await narrow.close()
    const codes = results.map(result => (result.status === 'rejected' && result.reason instanceof KafkaError ? result.reason.code : 0))
    expect(codes).toEqual([0, 0, 0, ErrorCode.REQUEST_TIMED_OUT, ErrorCode.REQUEST_TIMED_OUT])
    expect(narrow.pending).toBe(0)
  })
})

/** Uses a pool of one thread, which ends after its first batch. */
const endsAfter = async (answer: string, use: (given: ValidateOptions, lost: ValidationPool) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-worker-'))
  const file = join(folder, 'worker.mjs')
  const lines = ["import { parentPort } from 'node:worker_threads'", `parentPort.on('message', () => { ${answer}; process.exit(3) })`]
  writeFileSync(file, lines.join('\n'))
  const lost = new ValidationPool({ threads: 1, file })
  try {
    await use({ ...options(), pool: lost }, lost)
  } finally {
    await lost.close()
    rmSync(folder, { recursive: true })
  }
}

describe('a thread that ends without a word', () => {
  it('fails its batch, and the next has a new one', async () => {
    await endsAfter('', async (given, lost) => {
      const both = [large({ compression: 'gzip' }), large({ compression: 'gzip' })].map(records => validateBatch(records, given))
      for (const result of both) expect((await rejection(result)).code).toBe(ErrorCode.UNKNOWN_SERVER_ERROR)
      expect(lost.pending).toBe(0)
    })
  })

  it('is given nothing to do any more', async () => {
    await endsAfter("parentPort.postMessage({ code: 87, message: 'no' })", async given => {
      for (let round = 0; round < 2; round++) {
        expect((await rejection(validateBatch(large({ compression: 'gzip' }), given))).code).not.toBe(ErrorCode.NONE)
        await sleep(100)
      }
    })
  })
})

describe('a queue of one partition', () => {
  it('tells in the order of asking', async () => {
    const queue = new ValidationQueue()
    const told: number[] = []
    const work = [large({ compression: 'gzip' }), small(), large({ compression: 'lz4' }), small()].map((records, index) => {
      const result = queue.validate(records, options())
      expect(result).toBeInstanceOf(Promise)
      return Promise.resolve(result).then(() => told.push(index))
    })
    await Promise.all(work)
    expect(told).toEqual([0, 1, 2, 3])
    expect(queue.validate(small(), options())).not.toBeInstanceOf(Promise)
  })

  it('goes on after a batch that was refused', async () => {
    const queue = new ValidationQueue()
    const refused = queue.validate(large({ compression: 'gzip' }, null), options({ cleanupPolicy: { compact: true, delete: false } }))
    const accepted = queue.validate(large({ compression: 'gzip' }), options())
    expect((await rejection(refused)).code).toBe(ErrorCode.INVALID_RECORD)
    expect((await accepted).maxTimestamp).toBe(NOW)
  })
})

describe('a pool without threads', () => {
  it('refuses what waits where no thread can be begun, and keeps none of it', async () => {
    // A path that is neither absolute nor relative is refused as a lack of threads is: within the call.
    const without = new ValidationPool({ threads: 2, file: 'nowhere' })
    const given = { config: defaultLogConfig, now: NOW, pool: without }
    const errors = await Promise.all([1, 2].map(() => rejection(validateBatch(large({ compression: 'gzip' }), given))))
    expect(errors.map(({ code }) => code)).toEqual([ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.UNKNOWN_SERVER_ERROR])
    expect(without.pending).toBe(0)
    await without.close()
  })
})
