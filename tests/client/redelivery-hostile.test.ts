// Redelivery with messages that are hard to move, strange messages in its topics, and groups that read each other's.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConsumerConfig, ConsumerRunConfig } from '../../packages/client/src/consumer/types.ts'
import { Kafka } from '../../packages/client/src/kafka.ts'
import { logLevel } from '../../packages/client/src/logger.ts'
import type { Message } from '../../packages/client/src/producer/types.ts'
import { CompressionTypes } from '../../packages/client/src/compression.ts'
import type { DeadLetter } from '../../packages/client/src/redelivery/dead-letters.ts'
import { deadLetters } from '../../packages/client/src/redelivery/dead-letters.ts'
import type { TestBroker } from './broker.ts'
import { startBroker } from './broker.ts'

let broker: TestBroker
let kafka: Kafka
let made = 0

beforeAll(async () => {
  broker = await startBroker()
  kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20 } })
})
afterAll(() => broker[Symbol.asyncDispose]())

async function produce(topic: string, messages: Message[], compression: CompressionTypes = CompressionTypes.None) {
  await using producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages, compression })
}

async function makeTopic(topic: string, config: Record<string, string> = {}) {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  await using admin = kafka.admin()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] })
}

async function running(of: Pick<ConsumerConfig, 'groupId'> & { topics: (string | RegExp)[] }, config: ConsumerRunConfig) {
  const consumer = kafka.consumer({ groupId: of.groupId })
  const died: string[] = []
  consumer.on('consumer.dead_letter', ({ payload }) => void died.push(payload.deadLetterTopic))
  await consumer.subscribe({ topics: of.topics, fromBeginning: true })
  await consumer.run(config)
  return { died, consumer, [Symbol.asyncDispose]: () => consumer.disconnect() }
}

const settingsOf = async (topic: string, names: string[]) => {
  await using admin = kafka.admin()
  const { resources } = await admin.describeConfigs({ resources: [{ type: 2, name: topic, configNames: names }] })
  return Object.fromEntries((resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]))
}

test('topics that are made have room for headers, keep what waits, and compact nothing', async () => {
  const topic = `long-${made++}`
  await makeTopic(topic, { 'max.message.bytes': '2000000', 'cleanup.policy': 'compact' })
  const retry = { topics: { delays: ['1s', '30d'] } } as const
  const createTopics = { configEntries: [{ name: 'segment.bytes', value: '2097152' }] }
  await using run = await running(
    { topics: [topic], groupId: 'g' },
    { retry, deadLetter: {}, createTopics, eachMessage: async () => undefined },
  )
  const settings = ['cleanup.policy', 'retention.ms', 'max.message.bytes', 'segment.bytes']
  const common = { 'cleanup.policy': 'delete', 'max.message.bytes': '2032768', 'segment.bytes': '2097152' }
  expect(await settingsOf(`${topic}.g.retry.2`, settings)).toEqual({ ...common, 'retention.ms': String(37 * 86_400_000) })
  expect(await settingsOf(`${topic}.g.dlt`, settings)).toEqual({ ...common, 'retention.ms': '604800000' })
  expect(run.died).toEqual([])
})

test('what is too large as it is, as it came compressed, is moved all the same', async () => {
  const topic = `large-${made++}`
  await makeTopic(topic, { 'max.message.bytes': '20000' })
  await produce(topic, [{ value: 'x'.repeat(200_000) }], CompressionTypes.GZIP)
  await produce(topic, [{ value: 'next' }])
  const deadLetter = {}
  await using run = await running({ topics: [topic], groupId: 'g' }, { deadLetter, eachMessage: () => Promise.reject(new Error('no')) })
  await expect.poll(() => run.died.length).toBe(2)
  const letters: DeadLetter[] = []
  for await (const letter of deadLetters(kafka, { from: `${topic}.g.dlt` })) letters.push(letter)
  expect(letters.map(({ value, exception }) => [value?.length, exception?.exception, exception?.stack === ''])).toEqual([
    [200_000, 'Error', true],
    [4, 'Error', false],
  ])
})

test('messages that others wrote to a retry topic end in the dead letters of its topic', async () => {
  const topic = `strange-${made++}`
  await makeTopic(topic)
  await makeTopic(`${topic}.g.retry.1`)
  const hostile = {
    'kafka_dlt-original-topic': 'elsewhere',
    'kafka_dlt-original-partition': Buffer.alloc(8, 0x7f),
    'kafka_dlt-original-offset': '1',
    'retry_topic-attempts': Buffer.alloc(8, 0x0f),
    'ottla_retry-stage': '-9',
  }
  await produce(`${topic}.g.retry.1`, [{ value: 'plain' }, { value: 'hostile', headers: hostile }])
  const retry = { attempts: 1, topics: { delays: ['1ms', '1ms'] } } as const
  await using run = await running(
    { topics: [topic], groupId: 'g' },
    { retry, deadLetter: {}, eachMessage: () => Promise.reject(new Error('no')) },
  )
  await expect.poll(() => run.died, { timeout: 10_000 }).toEqual([`${topic}.g.dlt`, `${topic}.g.dlt`])
})

test('an open circuit holds what came out of retry topics too', async () => {
  const topic = `held-${made++}`
  await makeTopic(topic)
  await makeTopic(`${topic}.g.retry.1`)
  await produce(
    `${topic}.g.retry.1`,
    Array.from({ length: 50 }, (_, index) => ({ value: String(index) })),
  )
  const seen: string[] = []
  const retry = { attempts: 1, topics: { delays: ['1ms'] } } as const
  const deadLetter = { circuitBreaker: { deadLetters: 3, window: '1m', pause: null } } as const
  await using run = await running(
    { topics: [topic], groupId: 'g' },
    {
      retry,
      deadLetter,
      eachMessage: async ({ message }) => {
        seen.push(String(message.value))
        if (seen.length <= 3) throw new Error('no')
      },
    },
  )
  await expect.poll(() => run.died.length, { timeout: 10_000 }).toBe(3)
  await sleep(700)
  expect(seen).toEqual(['0', '1', '2'])
  run.consumer.resume([{ topic }])
  await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(50)
})

test("groups with patterns do not take each other's failed messages", async () => {
  const topic = `both-${made++}`
  await makeTopic(topic)
  for (const group of ['g', 'h']) await makeTopic(`${topic}.${group}.dlt`)
  const seen: string[] = []
  const config: ConsumerRunConfig = {
    deadLetter: {},
    eachMessage: async payload => {
      seen.push(payload.topic)
      throw new Error('no')
    },
  }
  await using one = await running({ topics: [new RegExp(`^${topic}`)], groupId: 'g' }, config)
  await using two = await running({ topics: [new RegExp(`^${topic}`)], groupId: 'h' }, config)
  await produce(topic, [{ value: 'a' }])
  await expect.poll(() => [...one.died, ...two.died].toSorted()).toEqual([`${topic}.g.dlt`, `${topic}.h.dlt`])
  await sleep(400)
  expect(seen).toEqual([topic, topic])
})

test('a consumer that is stopped while it begins does not run', async () => {
  const topic = `stopped-${made++}`
  await makeTopic(topic)
  await produce(topic, [{ value: 'a' }])
  const consumer = kafka.consumer({ groupId: `${topic}-g` })
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const seen: string[] = []
  const run = consumer.run({ deadLetter: {}, eachMessage: async ({ message }) => void seen.push(String(message.value)) })
  await consumer.stop()
  await run
  await sleep(300)
  expect([seen, consumer.assignment()]).toEqual([[], []])
  await consumer.disconnect()
})
