// Record batches as they come in a Fetch answer to messages as handlers get them, beside KafkaJS's decoder and @platformatic/kafka's: keys, values,
// offsets and timestamps are looked at, as a handler would.
import { createRequire } from 'node:module'
import { BatchBuilder } from '@ottla/protocol'
import { Reader as PlatformaticReader, readRecordsBatch } from '@platformatic/kafka'
import { bench, describe } from 'vitest'
import { Fetched } from './fetched.ts'
import { messagesOf } from './message.ts'

interface Message {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly offset: string | bigint
}
const load = createRequire(import.meta.url)
const KafkajsDecoder: new (bytes: Buffer) => object = load('kafkajs/src/protocol/decoder')
const kafkajsDecode: (decoder: object) => Promise<{ readonly records: readonly Message[] }> = load(
  'kafkajs/src/protocol/recordBatch/v0/decoder',
)

const START = 1_700_000_000_000
const FIRST_OFFSET = 5_000_000_000

const look = (messages: readonly Message[]): number => {
  let sum = 0
  for (const { key, value, offset } of messages) sum += (key?.length ?? 0) + (value?.length ?? 0) + (typeof offset === 'string' ? 1 : 0)
  return sum
}

for (const { valueBytes, count, headers, perTime } of [
  { valueBytes: 1024, count: 1000, headers: 0, perTime: 8 },
  { valueBytes: 100, count: 1000, headers: 0, perTime: 8 },
  { valueBytes: 100, count: 1000, headers: 0, perTime: 1 },
  { valueBytes: 100, count: 1000, headers: 2, perTime: 8 },
])
  describe(`${count} records of ${valueBytes} B with ${headers} headers, ${perTime} a millisecond`, () => {
    const builder = new BatchBuilder({ baseOffset: FIRST_OFFSET })
    for (let index = 0; index < count; index++) {
      const named = Array.from({ length: headers }, (_, header) => ({ key: `header-${header}`, value: 'some value' }))
      builder.append({
        timestamp: START + Math.floor(index / perTime),
        key: `key-${index}`,
        value: Buffer.alloc(valueBytes, 'v'),
        headers: named,
      })
    }
    const { bytes } = builder.build()
    const facts = {
      topic: 't',
      partition: 0,
      fetchOffset: FIRST_OFFSET,
      endOffset: 0,
      highWatermark: 0,
      logStartOffset: 0,
      version: 1,
      aborted: null,
    }
    for (const checkCrcs of [true, false])
      bench(`ottla${checkCrcs ? ', checksum too' : ''}`, () => {
        const fetched = new Fetched(facts, bytes, -1)
        fetched.scan()
        fetched.open(checkCrcs)
        if (look(messagesOf(fetched)) === 0) throw new Error('nothing was read')
      })
    bench('kafkajs', async () => {
      if (look((await kafkajsDecode(new KafkajsDecoder(bytes))).records) === 0) throw new Error('nothing was read')
    })
    bench('@platformatic/kafka', () => {
      if (readRecordsBatch(PlatformaticReader.from(bytes)).records.length !== count) throw new Error('nothing was read')
    })
  })
