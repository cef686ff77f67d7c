import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import {
  BatchBuilder,
  type BatchOptions,
  type CompressionName,
  ErrorCode,
  errorOf,
  KafkaError,
  RecordBatch,
  type RecordInit,
  recordsOf,
} from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { defaultLogConfig, type LogConfig } from './config.ts'
import { type Validated, type ValidateOptions, validateBatch } from './validate.ts'
import { RecordValidationError } from './validate-body.ts'

const NOW = 1_700_000_100_000
const options = (config: Partial<LogConfig> = {}): ValidateOptions => ({ config: { ...defaultLogConfig, ...config }, now: NOW })

const now = (records: Buffer, given: ValidateOptions = options()): Validated => {
  const result = validateBatch(records, given)
  if (result instanceof Promise) throw new Error('expected an answer at once')
  return result
}

const errorFrom = (work: () => unknown): KafkaError => {
  try {
    work()
  } catch (error) {
    if (error instanceof KafkaError) return error
    throw error
  }
  throw new Error('expected a KafkaError')
}

const batchOf = (records: readonly RecordInit[], given: BatchOptions = {}): Buffer => {
  const builder = new BatchBuilder(given)
  for (const record of records) builder.append(record)
  return builder.build().bytes
}

const three = [0, 1, 2].map(index => ({ timestamp: NOW - 2 + index, key: `key-${index}`, value: `value-${index}` }))

interface Vector {
  readonly name: string
  readonly base64: string
}
interface Answer {
  readonly file: 'v2' | 'legacy' | 'corrupt'
  readonly name: string
  readonly answer: string
}

const lines = <T>(name: string): T[] =>
  gunzipSync(readFileSync(new URL(`../../protocol/fixtures/records/${name}.jsonl.gz`, import.meta.url)))
    .toString()
    .trim()
    .split('\n')
    .map((line): T => JSON.parse(line))

describe('the answers of a broker of Kafka', () => {
  const vectors = new Map<string, string>()
  for (const file of ['v2', 'legacy', 'corrupt']) for (const { name, base64 } of lines<Vector>(file)) vectors.set(`${file} ${name}`, base64)
  // Without a transactional id the request itself is refused, before anybody looks at the batch.
  const answers = lines<Answer>('produced').filter(({ answer }) => answer !== 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED')

  it.each(answers)('$file $name: $answer', ({ file, name, answer }) => {
    const records = Buffer.from(vectors.get(`${file} ${name}`) ?? '', 'base64')
    // The broker that was asked had a later clock.
    const given = { ...options(), now: 1_790_000_000_000 }
    let outcome = 'NONE'
    try {
      now(records, given)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      outcome = errorOf(error.code).name
    }
    if (answer === 'UNKNOWN_SERVER_ERROR') expect(['CORRUPT_MESSAGE', 'INVALID_RECORD']).toContain(outcome)
    else expect(outcome).toBe(answer)
  })
})

describe('sizes', () => {
  it('refuses a batch above max.message.bytes before looking at its checksum', () => {
    const records = batchOf(three)
    records[20] = 1
    expect(errorFrom(() => now(records, options({ maxMessageBytes: records.length - 1 }))).code).toBe(ErrorCode.MESSAGE_TOO_LARGE)
    expect(errorFrom(() => now(records, options({ maxMessageBytes: records.length }))).code).toBe(ErrorCode.CORRUPT_MESSAGE)
  })

  it('refuses a batch that becomes too large in the compression of the topic', () => {
    const records = batchOf([{ timestamp: NOW, value: Buffer.alloc(5000) }], { compression: 'gzip' })
    const error = errorFrom(() => now(records, options({ maxMessageBytes: 1000, compressionType: 'uncompressed' })))
    expect(error.code).toBe(ErrorCode.MESSAGE_TOO_LARGE)
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('refuses a bomb in %s', compression => {
    const records = batchOf([{ timestamp: NOW, value: Buffer.alloc(17 * 1024 * 1024) }], { compression })
    const error = errorFrom(() => now(records))
    expect(error.code).toBe(ErrorCode.MESSAGE_TOO_LARGE)
  })
})

describe('timestamps', () => {
  it('corrects the maximum timestamp', () => {
    const batch = new RecordBatch(batchOf(three))
    batch.setMaxTimestamp(NOW + 77, false)
    const result = now(batch.bytes)
    expect(result.maxTimestamp).toBe(NOW)
    expect(result.offsetDeltaOfMaxTimestamp).toBe(2)
    expect(result.logAppendTime).toBe(-1)
    expect(result.batch.maxTimestamp).toBe(NOW)
    expect(result.batch.checksumMatches()).toBe(true)
  })

  it('leaves the bytes as they came where all is well', () => {
    const records = batchOf(three)
    const before = Buffer.from(records)
    const result = now(records)
    expect(result.rewritten).toBe(false)
    expect(records.equals(before)).toBe(true)
  })

  it('sets the time of the append in place', () => {
    const result = now(batchOf(three), options({ messageTimestampType: 'LogAppendTime' }))
    expect(result).toMatchObject({ maxTimestamp: NOW, logAppendTime: NOW, offsetDeltaOfMaxTimestamp: 0, rewritten: false })
    expect(result.batch.checksumMatches()).toBe(true)
    expect([...recordsOf(result.batch)].map(record => record.timestamp)).toEqual([NOW, NOW, NOW])
  })

  it('refuses times outside the window, by record', () => {
    const records = batchOf([
      { timestamp: NOW - 1001 },
      { timestamp: NOW - 1000 },
      { timestamp: NOW + 500 },
      { timestamp: NOW + 501 },
      { timestamp: -1 },
    ])
    const error = errorFrom(() => now(records, options({ messageTimestampBeforeMaxMs: 1000, messageTimestampAfterMaxMs: 500 })))
    expect(error.code).toBe(ErrorCode.INVALID_TIMESTAMP)
    expect(error instanceof RecordValidationError && error.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 3])
  })

  it('refuses LogAppendTime from a producer on a topic of LogAppendTime', () => {
    const records = batchOf(three, { logAppendTime: NOW })
    expect(errorFrom(() => now(records, options({ messageTimestampType: 'LogAppendTime' }))).code).toBe(ErrorCode.INVALID_TIMESTAMP)
    const kept = now(records)
    expect(kept.batch.isLogAppendTime).toBe(false)
  })
})

describe('compacted topics', () => {
  it('want keys, and say which records have none', () => {
    const records = batchOf([{ timestamp: NOW, key: 'a' }, { timestamp: NOW, key: null }, { timestamp: NOW, key: '' }, { timestamp: NOW }])
    const error = errorFrom(() => now(records, options({ cleanupPolicy: { compact: true, delete: false } })))
    expect(error.code).toBe(ErrorCode.INVALID_RECORD)
    expect(error instanceof RecordValidationError && error.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1, 3])
  })

  it('bound what they say', () => {
    const records = batchOf(Array.from({ length: 5000 }, () => ({ timestamp: NOW })))
    const error = errorFrom(() => now(records, options({ cleanupPolicy: { compact: true, delete: true } })))
    expect(error instanceof RecordValidationError && error.recordErrors.length).toBe(1000)
  })
})

const plain = (source: RecordBatch): object[] =>
  [...recordsOf(source)].map(({ offset, timestamp, key, value, headers }) => ({ offset, timestamp, key, value, headers }))

describe('compression of the topic', () => {
  const names: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
  const pairs = names.flatMap(from => names.map(to => ({ from, to })))

  it.each(pairs)('from $from to $to', ({ from, to }) => {
    const identity = { producerId: 77, producerEpoch: 3, baseSequence: 11, isTransactional: true }
    const records = batchOf([...three, { timestamp: NOW, key: null, value: null, headers: [{ key: 'h', value: 'v' }] }], {
      ...identity,
      compression: from,
    })
    const result = now(records, options({ compressionType: to === 'none' ? 'uncompressed' : to }))
    expect(result.rewritten).toBe(from !== to)
    const { batch } = result
    batch.ensureValid()
    expect(batch).toMatchObject({ compression: to, ...identity, recordsCount: 4, lastOffsetDelta: 3, maxTimestamp: NOW })
    expect(plain(batch)).toEqual(plain(new RecordBatch(records)))
  })

  it('numbers the records of a compressed batch anew where they are not 0, 1, 2', () => {
    const builder = new BatchBuilder({ compression: 'lz4' })
    for (const [index, record] of three.entries()) builder.append({ ...record, offset: index * 2 })
    const holes = builder.build(2).bytes
    const result = now(holes)
    expect(result.rewritten).toBe(true)
    expect([...recordsOf(result.batch)].map(record => record.offset)).toEqual([0, 1, 2])
  })
})

describe('coordinators', () => {
  it('may write control batches', () => {
    const records = batchOf([{ timestamp: NOW, key: Buffer.from([0, 0, 0, 1]), value: Buffer.alloc(6) }], { isControl: true })
    expect(errorFrom(() => now(records)).code).toBe(ErrorCode.INVALID_RECORD)
    expect(now(records, { ...options({ compressionType: 'gzip' }), origin: 'coordinator' }).rewritten).toBe(false)
  })
})
