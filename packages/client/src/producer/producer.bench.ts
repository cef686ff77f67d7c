// From messages to the bytes of record batches, beside what KafkaJS does for the same: 1,000 messages of 1 KiB or of 100 B to one partition.
import { createRequire } from 'node:module'
import { bench, describe } from 'vitest'
import { VirtualClock } from '../consumer/fetch/fake-cluster-testing.ts'
import { Accumulator } from './accumulator.ts'
import type { BatchKind } from './batch.ts'
import { Delivery } from './delivery.ts'
import { placed } from './messages.ts'
import { partitioningOf } from './partitioners.ts'
import type { Message } from './types.ts'

const load = createRequire(import.meta.url)
const kafkajsRequest: (options: object) => { encode(): Promise<{ readonly buffer: Buffer }> } = load(
  'kafkajs/src/protocol/requests/produce/v7/request',
)

const COUNT = 1000
const partitionFacts = { partition: 0, leader: 1, leaderEpoch: 0, replicas: [1], isr: [1], offlineReplicas: [], errorCode: 0 }
const facts = { name: 't', id: '', isInternal: false, partitions: [partitionFacts] }
const kind: BatchKind = { acks: -1, timeoutMs: 30_000, compression: 'none', compressionLevel: undefined, isTransactional: false }

const rules = { partitioning: partitioningOf(undefined), maxRequestSize: 100 * 1024 * 1024, nowMs: 1_700_000_000_000 }
const settings = { batchSize: 1024 * 1024, deliveryTimeoutMs: 120_000, keptBytes: 32 * 1024 * 1024 }
const accumulator = new Accumulator({ clock: new VirtualClock(), random: { next: () => 0, bytes: size => Buffer.alloc(size) } }, settings)

/** Everything between `send` and the socket that costs time for each record. */
function encode(messages: readonly Message[]): number {
  const delivery = new Delivery()
  accumulator.append(placed(facts, messages, rules), kind, delivery)
  let bytes = 0
  for (const [batch, queue] of accumulator.incomplete) {
    bytes += batch.sealed({ producerId: 1, producerEpoch: 0, baseSequence: 0 }).length
    batch.attempts = 1
    queue.waiting.shift()
    accumulator.incomplete.delete(batch)
    batch.written({ baseOffset: 0, logAppendTimeMs: -1, logStartOffset: 0 })
  }
  return bytes
}

const shapes: readonly (readonly [string, Message])[] = [
  ['1 KiB, bytes', { value: Buffer.alloc(1024, 'v') }],
  ['1 KiB, text with a key', { key: 'key-0123', value: 'v'.repeat(1024) }],
  ['100 B, bytes with a key', { key: Buffer.from('key-0123'), value: Buffer.alloc(92, 'v') }],
  ['100 B, bytes with two headers', { value: Buffer.alloc(100, 'v'), headers: { trace: 'abcdef', kind: Buffer.from('order') } }],
]

describe.each(shapes)('1,000 messages to bytes: %s', (_name, message) => {
  const messages = Array.from({ length: COUNT }, () => ({ ...message }))
  bench('ottla', () => {
    if (encode(messages) < COUNT * 100) throw new Error('not all was written')
  })
  bench('kafkajs', async () => {
    const topicData = [{ topic: 't', partitions: [{ partition: 0, firstSequence: 0, messages }] }]
    const request = kafkajsRequest({ acks: -1, timeout: 30_000, producerId: 1, producerEpoch: 0, compression: 0, topicData })
    if ((await request.encode()).buffer.length < COUNT * 100) throw new Error('not all was written')
  })
})
