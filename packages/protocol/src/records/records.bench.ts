// A batch of 1,000 records of 100 B, decoded and encoded by us and by two clients, side by side in one run; then what only a broker does.

import { createRequire } from 'node:module'
import { createRecordsBatch, type MessageRecord, readRecordsBatch, Reader as PlatformaticReader } from '@platformatic/kafka'
import { bench, describe } from 'vitest'
import { BatchBuilder } from './builder.ts'
import { compress, decompress } from './compression/index.ts'
import { crc32c } from './crc32c.ts'
import { RecordBatch } from './batch.ts'
import { recordsOf, walkRecords } from './record.ts'

interface KafkajsBytes {
  readonly buffer: Buffer
}
const load = createRequire(import.meta.url)
const kafkajsDecoder: new (bytes: Buffer) => object = load('kafkajs/src/protocol/decoder')
const kafkajsDecode: (decoder: object) => Promise<{ readonly records: readonly unknown[] }> = load(
  'kafkajs/src/protocol/recordBatch/v0/decoder',
)
const kafkajsRecord: (record: object) => object = load('kafkajs/src/protocol/recordBatch/record/v0')
const kafkajsBatch: { RecordBatch(options: object): Promise<KafkajsBytes> } = load('kafkajs/src/protocol/recordBatch/v0')

const COUNT = 1000
const START = 1_700_000_000_000
const key = Buffer.from('key-0123')
const value = Buffer.alloc(92, 'v')

const encode = (): RecordBatch => {
  const builder = new BatchBuilder()
  for (let index = 0; index < COUNT; index++) builder.append({ timestamp: START + index, key, value })
  return builder.build()
}
const bytes = encode().bytes

describe('decode 1,000 records of 100 B, keys and values taken', () => {
  bench('ottla', () => {
    let sum = 0
    for (const record of recordsOf(new RecordBatch(bytes))) sum += (record.key?.length ?? 0) + (record.value?.length ?? 0)
    if (sum !== COUNT * 100) throw new Error('not all was read')
  })
  bench('@platformatic/kafka', () => {
    if (readRecordsBatch(PlatformaticReader.from(bytes)).records.length !== COUNT) throw new Error('not all was read')
  })
  bench('kafkajs', async () => {
    // Its decoder begins at the first offset, as ours does.
    if ((await kafkajsDecode(new kafkajsDecoder(bytes))).records.length !== COUNT) throw new Error('not all was read')
  })
})

describe('encode 1,000 records of 100 B', () => {
  bench('ottla', () => void encode())
  bench('@platformatic/kafka', () => {
    const messages: MessageRecord[] = []
    for (let index = 0; index < COUNT; index++) messages.push({ key, value, timestamp: BigInt(START + index), topic: 't', partition: 0 })
    void createRecordsBatch(messages).buffer
  })
  bench('kafkajs', async () => {
    const records: object[] = []
    for (let index = 0; index < COUNT; index++) records.push(kafkajsRecord({ offsetDelta: index, timestampDelta: index, key, value }))
    const batch = { firstTimestamp: START, maxTimestamp: START + COUNT - 1, lastOffsetDelta: COUNT - 1, records }
    void (await kafkajsBatch.RecordBatch(batch)).buffer
  })
})

describe('what a broker does with 1,000 records of 100 B', () => {
  const batch = new RecordBatch(bytes)
  bench('checksum', () => void crc32c(bytes, 21))
  bench('walk', () => walkRecords(batch))
})

describe('compression of the same 1,000 records', () => {
  const text = Buffer.from(
    Array.from({ length: COUNT }, (_, index) => `{"id":${index * 7919},"name":"customer ${(index * 31) % 97}"}`).join('\n'),
  )
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const body = compress(codec, text)
    bench(`${codec} compress`, () => void compress(codec, text))
    bench(`${codec} decompress`, () => void decompress(codec, body, { maxOutputLength: text.length }))
  }
})
