// Retries in place, retry topics, dead letters and the circuit breaker, against our broker.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { IHeaders } from '../../packages/client/src/consumer/fetch/message.ts'
import type { Consumer, ConsumerRunConfig } from '../../packages/client/src/consumer/types.ts'
import { KafkaJSNonRetriableError } from '../../packages/client/src/errors/index.ts'
import { Kafka } from '../../packages/client/src/kafka.ts'
import { logLevel } from '../../packages/client/src/logger.ts'
import type { Producer } from '../../packages/client/src/producer/types.ts'
import type { TestBroker } from './broker.ts'
import { startBroker } from './broker.ts'

let broker: TestBroker
let kafka: Kafka
let producer: Producer
let made = 0

beforeAll(async () => {
  broker = await startBroker()
  kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20 } })
  producer = kafka.producer()
  await producer.connect()
})
afterAll(async () => {
  await producer.disconnect()
  await broker[Symbol.asyncDispose]()
})

/** A topic, a group and what was told. */
async function setting(numPartitions = 1) {
  const topic = `orders-${made++}`
  const groupId = `shipping-${made}`
  await using admin = kafka.admin()
  await admin.createTopics({ topics: [{ topic, numPartitions }] })
  return { topic, groupId }
}

const eventNames = [
  'consumer.retry',
  'consumer.recovered',
  'consumer.dead_letter',
  'consumer.circuit_open',
  'consumer.circuit_close',
] as const

async function running(of: { topics: (string | RegExp)[]; groupId: string }, config: ConsumerRunConfig) {
  const consumer = kafka.consumer({ groupId: of.groupId })
  const events: { type: string; payload: object }[] = []
  for (const name of eventNames)
    consumer.on(name, ({ type, payload }: { type: string; payload: object }) => void events.push({ type, payload }))
  await consumer.subscribe({ topics: of.topics, fromBeginning: true })
  await consumer.run(config)
  return { consumer, events, types: () => events.map(({ type }) => type), [Symbol.asyncDispose]: () => consumer.disconnect() }
}

/** All messages of a topic. */
async function messagesOf(topic: string, most: number) {
  const reader: Consumer = kafka.consumer({ groupId: null, offsetReset: 'earliest' })
  const found: { key: Buffer | null; value: Buffer | null; headers: IHeaders }[] = []
  await using admin = kafka.admin()
  const partitions = await admin.fetchTopicOffsets(topic)
  reader.assign(partitions.map(({ partition }) => ({ topic, partition, offset: '-2' })))
  for await (const { message } of reader.stream({ by: 'message' })) {
    found.push({ key: message.key, value: message.value, headers: message.headers ?? {} })
    if (found.length === most) break
  }
  await reader.disconnect()
  return found
}

const committedOf = async (groupId: string, topic: string) => {
  await using admin = kafka.admin()
  const [of] = await admin.fetchOffsets({ groupId, topics: [topic] })
  return of?.partitions.map(({ offset }) => offset)
}

test('a handler that fails is called again in place, in order', async () => {
  const { topic, groupId } = await setting()
  const seen: string[] = []
  await producer.send({ topic, messages: [{ value: 'a' }, { value: 'b' }] })
  let failures = 2
  await using run = await running(
    { topics: [topic], groupId },
    {
      retry: { attempts: 3, backoff: 5 },
      eachMessage: async ({ message }) => {
        seen.push(String(message.value))
        if (failures-- > 0) throw new Error('not yet')
      },
    },
  )
  await expect.poll(() => seen).toEqual(['a', 'a', 'a', 'b'])
  expect(run.events).toMatchObject([
    { type: 'consumer.retry', payload: { topic, offset: '0', attempts: 1, retryTopic: null, error: new Error('not yet') } },
    { type: 'consumer.retry', payload: { attempts: 2 } },
    { type: 'consumer.recovered', payload: { topic, offset: '0', attempts: 3 } },
  ])
  await expect.poll(() => committedOf(groupId, topic)).toEqual(['2'])
})

const int = (value: number, bytes: 4 | 8) => Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex')

test('what fails to the end goes to the dead letters, byte for byte', async () => {
  const { topic, groupId } = await setting()
  const own = { plain: Buffer.from([0, 255]), twice: ['a', 'b'], 'kafka_dlt-exception-fqcn': 'from before' }
  const sent = { key: Buffer.from([1, 2]), value: Buffer.from([0xff, 0]), headers: own, timestamp: '1700000000000' }
  await producer.send({ topic, messages: [sent] })
  const counts: unknown[] = []
  const count = (message: unknown) => void counts.push(message)
  subscribe('ottla:client:dead_letter', count)
  await using run = await running(
    { topics: [topic], groupId },
    {
      retry: { attempts: 2, backoff: 1 },
      deadLetter: { headers: () => ({ reason: 'a test' }) },
      eachMessage: async () => {
        throw new RangeError('poison', { cause: new TypeError('why') })
      },
    },
  )
  await expect.poll(() => run.types()).toEqual(['consumer.retry', 'consumer.dead_letter'])
  const deadLetterTopic = `${topic}.${groupId}.dlt`
  expect(run.events[1]?.payload).toMatchObject({
    topic,
    offset: '0',
    attempts: 2,
    deadLetterTopic,
    deadLetterPartition: 0,
    deadLetterOffset: '0',
  })
  const [letter] = await messagesOf(deadLetterTopic, 1)
  expect(letter).toMatchObject({ key: sent.key, value: sent.value })
  expect(letter?.headers).toMatchObject({
    plain: own.plain,
    twice: [Buffer.from('a'), Buffer.from('b')],
    'kafka_dlt-exception-fqcn': [Buffer.from('from before'), Buffer.from('RangeError')],
    'kafka_dlt-exception-cause-fqcn': Buffer.from('TypeError'),
    'kafka_dlt-exception-message': Buffer.from('poison'),
    'kafka_dlt-original-topic': Buffer.from(topic),
    'kafka_dlt-original-partition': int(0, 4),
    'kafka_dlt-original-offset': int(0, 8),
    'kafka_dlt-original-timestamp': int(1_700_000_000_000, 8),
    'kafka_dlt-original-consumer-group': Buffer.from(groupId),
    'retry_topic-attempts': int(2, 4),
    reason: Buffer.from('a test'),
  })
  expect(String(letter?.headers['kafka_dlt-exception-stacktrace'])).toMatch(/^RangeError: poison\n/)
  await expect.poll(() => committedOf(groupId, topic)).toEqual(['1'])
  unsubscribe('ottla:client:dead_letter', count)
  expect(counts).toMatchObject([{ type: 'consumer.dead_letter', counts: { deadLetters: 1, retriesInPlace: 1 } }])
})

test('retry topics: later tries do not hold up the others, and show the message as it was', async () => {
  const { topic, groupId } = await setting(2)
  const seen: { value: string; at: number; topic: string; offset: string; headers: IHeaders | undefined }[] = []
  await producer.send({
    topic,
    messages: [
      { value: 'bad', partition: 1, headers: { h: 'x' } },
      { value: 'good', partition: 1 },
    ],
  })
  await using run = await running(
    { topics: [topic], groupId },
    {
      retry: { attempts: 1, topics: { delays: [300, '600ms'] } },
      deadLetter: {},
      eachMessage: async ({ topic: of, message }) => {
        seen.push({ value: String(message.value), at: performance.now(), topic: of, offset: message.offset, headers: message.headers })
        if (String(message.value) === 'bad') throw new Error('always')
      },
    },
  )
  await expect.poll(() => run.types(), { timeout: 10_000 }).toEqual(['consumer.retry', 'consumer.retry', 'consumer.dead_letter'])
  expect(seen.map(({ value }) => value)).toEqual(['bad', 'good', 'bad', 'bad'])
  expect(seen[2]).toMatchObject({ topic, offset: '0', headers: { h: Buffer.from('x') } })
  expect(Object.keys(seen[3]?.headers ?? {})).toEqual(['h'])
  expect((seen[2]?.at ?? 0) - (seen[0]?.at ?? 0)).toBeGreaterThan(280)
  expect((seen[3]?.at ?? 0) - (seen[2]?.at ?? 0)).toBeGreaterThan(580)
  const [letter] = await messagesOf(`${topic}.${groupId}.dlt`, 1)
  expect(letter?.headers['retry_topic-attempts']).toEqual(Buffer.from([0, 0, 0, 3]))
  expect(letter?.headers['kafka_dlt-original-partition']).toEqual(Buffer.from([0, 0, 0, 1]))
  await expect.poll(() => committedOf(`${groupId}.retry`, `${topic}.${groupId}.retry.2`)).toContain('1')
})

test('a message that waits in a retry topic is not lost when the consumer stops', async () => {
  const { topic, groupId } = await setting()
  const seen: string[] = []
  const config: ConsumerRunConfig = {
    retry: { attempts: 1, topics: { delays: [800] } },
    deadLetter: {},
    eachMessage: async ({ message }) => {
      seen.push(String(message.value))
      if (seen.length === 1) throw new Error('once')
    },
  }
  await producer.send({ topic, messages: [{ value: 'a' }] })
  const first = await running({ topics: [topic], groupId }, config)
  await expect.poll(() => first.types()).toEqual(['consumer.retry'])
  await sleep(200)
  await first.consumer.disconnect()
  expect(seen).toEqual(['a'])
  await using second = await running({ topics: [topic], groupId }, config)
  await expect.poll(() => seen, { timeout: 10_000 }).toEqual(['a', 'a'])
  expect(second.types()).toEqual(['consumer.recovered'])
})

test('a pattern does not read its own retry topics as others', async () => {
  const { topic, groupId } = await setting()
  const seen: string[] = []
  await producer.send({ topic, messages: [{ value: 'a' }] })
  const config: ConsumerRunConfig = {
    retry: { attempts: 1, topics: { delays: [50] } },
    deadLetter: {},
    eachMessage: async ({ topic: of }) => {
      seen.push(of)
      throw new Error('always')
    },
  }
  await using admin = kafka.admin()
  await admin.createTopics({ topics: [`${topic}.${groupId}.retry.1`, `${topic}.${groupId}.dlt`].map(name => ({ topic: name })) })
  await using run = await running({ topics: [new RegExp(`^${topic}`)], groupId }, config)
  await expect.poll(() => run.types(), { timeout: 10_000 }).toEqual(['consumer.retry', 'consumer.dead_letter'])
  await sleep(300)
  expect(seen).toEqual([topic, topic])
})

test('errors that say so, and what cannot be deserialized, go to the dead letters at once', async () => {
  const { topic, groupId } = await setting()
  await producer.send({ topic, messages: [{ value: '{' }, { value: '1' }, { value: '2' }] })
  const seen: unknown[] = []
  const consumer = kafka.consumer({ groupId, value: (data: Buffer | null): number => JSON.parse(String(data)) })
  const letters: string[] = []
  consumer.on('consumer.dead_letter', ({ payload }) => void letters.push(payload.error.name))
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    retry: { attempts: 5 },
    deadLetter: {},
    eachMessage: async ({ message }) => {
      seen.push(message.value)
      if (message.value === 1) throw new KafkaJSNonRetriableError('never')
    },
  })
  await expect.poll(() => seen).toEqual([1, 2])
  expect(letters).toEqual(['KafkaJSDeserializationError', 'KafkaJSNonRetriableError'])
  await consumer.disconnect()
})

test('too many dead letters pause the consumer, and it goes on', async () => {
  const { topic, groupId } = await setting()
  await producer.send({ topic, messages: Array.from({ length: 6 }, (_, value) => ({ value: String(value) })) })
  const seen: string[] = []
  let broken = true
  await using run = await running(
    { topics: [topic], groupId },
    {
      deadLetter: { circuitBreaker: { deadLetters: 2, window: '1m', pause: 400 } },
      eachMessage: async ({ message }) => {
        seen.push(String(message.value))
        if (broken) throw new Error('database is down')
      },
    },
  )
  await expect.poll(() => run.types()).toEqual(['consumer.dead_letter', 'consumer.dead_letter', 'consumer.circuit_open'])
  await sleep(150)
  expect(seen).toEqual(['0', '1'])
  await expect.poll(() => run.types().filter(type => type === 'consumer.circuit_open').length, { timeout: 5_000 }).toBe(2)
  expect(seen).toEqual(['0', '1', '2'])
  broken = false
  await expect.poll(() => seen, { timeout: 5_000 }).toEqual(['0', '1', '2', '3', '4', '5'])
})

test('nothing is committed when the dead letter cannot be written, and the consumer says why', async () => {
  const { topic, groupId } = await setting()
  await producer.send({ topic, messages: [{ value: 'a' }] })
  await using run = await running(
    { topics: [topic], groupId },
    { deadLetter: { topic: 'not a topic' }, eachMessage: () => Promise.reject(new Error('always')) },
  )
  const crash = await new Promise(resolve => void run.consumer.on('consumer.crash', ({ payload }) => resolve(payload)))
  expect(crash).toMatchObject({ groupId, restart: false, error: { type: 'INVALID_TOPIC_EXCEPTION' } })
  expect(run.types()).toEqual([])
  expect(await committedOf(groupId, topic)).toEqual(['-1'])
})

const refused: [ConsumerRunConfig, RegExp][] = [
  [{ retry: { attempts: 0 } }, /Invalid retry.attempts 0/],
  [{ retry: { topics: { delays: ['5m'] } } }, /retry.topics needs deadLetter/],
  [{ retry: { backoff: -5 } }, /Invalid retry.backoff/],
  [{ deadLetter: { circuitBreaker: { deadLetters: 0, window: 1, pause: 1 } } }, /circuitBreaker.deadLetters/],
]

test.each(refused)('%j is refused', async (config, message) => {
  const consumer = kafka.consumer({ groupId: 'refused' })
  const run = consumer.run({ ...config, eachMessage: async () => undefined })
  await expect(run).rejects.toThrow(message)
  await expect(consumer.run({ deadLetter: {}, eachBatch: async () => undefined })).rejects.toThrow(
    'retry and deadLetter are for eachMessage',
  )
  await consumer.disconnect()
})
