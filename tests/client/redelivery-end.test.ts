// Redelivery when consumers stop, rebalance and crash, and beside key-ordered concurrency.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { tracingChannel } from 'node:diagnostics_channel'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConsumerRunConfig } from '../../packages/client/src/consumer/types.ts'
import { Kafka } from '../../packages/client/src/kafka.ts'
import { logLevel } from '../../packages/client/src/logger.ts'
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

async function topicWith(values: readonly string[], numPartitions = 1) {
  const topic = `payments-${made++}`
  await using admin = kafka.admin()
  await admin.createTopics({ topics: [{ topic, numPartitions }] })
  await using producer = kafka.producer()
  await producer.connect()
  await producer.send({
    topic,
    messages: values.map((value, index) => ({ key: value.slice(0, 1), value, partition: index % numPartitions })),
  })
  return topic
}

async function running(topic: string, config: ConsumerRunConfig) {
  const consumer = kafka.consumer({ groupId: `${topic}-group`, heartbeatInterval: 100 })
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run(config)
  return consumer
}

test('a consumer stops at once while a message waits for its next try in place, which is not lost', async () => {
  const topic = await topicWith(['a'])
  const seen: string[] = []
  const config: ConsumerRunConfig = {
    retry: { attempts: 9, backoff: '1h' },
    eachMessage: async ({ message }) => {
      seen.push(String(message.value))
      throw new Error('later')
    },
  }
  const first = await running(topic, config)
  await expect.poll(() => seen).toEqual(['a'])
  const begin = performance.now()
  await first.disconnect()
  expect(performance.now() - begin).toBeLessThan(2_000)
  const second = await running(topic, config)
  await expect.poll(() => seen).toEqual(['a', 'a'])
  await second.disconnect()
})

test('a consumer whose circuit is open stops, and begins anew', async () => {
  const topic = await topicWith(['a', 'b', 'c'])
  const seen: string[] = []
  const config: ConsumerRunConfig = {
    deadLetter: { circuitBreaker: { deadLetters: 1, window: '1m', pause: null } },
    eachMessage: async ({ message }) => {
      seen.push(String(message.value))
      if (String(message.value) === 'a') throw new Error('no')
    },
  }
  const consumer = await running(topic, config)
  const opened = new Promise(resolve => void consumer.on('consumer.circuit_open', resolve))
  await opened
  await sleep(700)
  expect([seen, consumer.paused()]).toEqual([['a'], [{ topic, partitions: [0] }]])
  await consumer.stop()
  await consumer.run(config)
  await expect.poll(() => seen).toEqual(['a', 'b', 'c'])
  await consumer.disconnect()
})

test('a circuit without an end of its pause is closed by resume', async () => {
  const topic = await topicWith(['a', 'b'])
  const seen: string[] = []
  const consumer = await running(topic, {
    deadLetter: { circuitBreaker: { deadLetters: 1, window: '1m', pause: null } },
    eachMessage: async ({ message }) => {
      seen.push(String(message.value))
      if (seen.length === 1) throw new Error('no')
    },
  })
  const events: string[] = []
  consumer.on('consumer.circuit_close', ({ type }) => void events.push(type))
  await expect.poll(() => consumer.paused()).toEqual([{ topic, partitions: [0] }])
  consumer.resume([{ topic }])
  await expect.poll(() => seen).toEqual(['a', 'b'])
  expect(events).toEqual(['consumer.circuit_close'])
  await consumer.disconnect()
})

test('messages that wait in retry topics go on with another member', async () => {
  const topic = await topicWith(['a', 'b', 'c', 'd'], 2)
  const seen: string[] = []
  const config = (name: string): ConsumerRunConfig => ({
    retry: { attempts: 1, topics: { delays: ['2s'] } },
    deadLetter: {},
    eachMessage: async ({ message }) => {
      const value = String(message.value)
      const isFirst = !seen.some(line => line.endsWith(value))
      seen.push(`${name} ${value}`)
      if (isFirst) throw new Error('once')
    },
  })
  const one = await running(topic, config('one'))
  await expect.poll(() => seen.length).toBe(4)
  const two = await running(topic, config('two'))
  const begin = performance.now()
  await one.disconnect()
  expect(performance.now() - begin).toBeLessThan(2_000)
  await expect
    .poll(() => seen.filter(line => line.startsWith('two')).toSorted(), { timeout: 15_000 })
    .toEqual(['two a', 'two b', 'two c', 'two d'])
  await two.disconnect()
})

test('with order by key only the key of the failing message waits', async () => {
  const topic = await topicWith(['a1', 'b1', 'a2', 'b2'])
  const seen: string[] = []
  let failures = 2
  const consumer = await running(topic, {
    concurrency: 4,
    order: 'key',
    retry: { attempts: 3, backoff: 150 },
    deadLetter: {},
    eachMessage: async ({ message }) => {
      const value = String(message.value)
      if (value === 'a1' && failures-- > 0) throw new Error('not yet')
      seen.push(value)
    },
  })
  await expect.poll(() => seen).toEqual(['b1', 'b2', 'a1', 'a2'])
  await consumer.disconnect()
})

test('the tracing channel is told of later tries too', async () => {
  const topic = await topicWith(['a'])
  const traced: string[] = []
  const subscribers = {
    start: (trace: { topic: string }) => void (trace.topic === topic && traced.push('start')),
    end() {},
    asyncStart() {},
    asyncEnd() {},
    error() {},
  }
  const channel = tracingChannel<unknown, { topic: string }>('ottla:client:consume')
  channel.subscribe(subscribers)
  let failures = 1
  const consumer = await running(topic, {
    retry: { attempts: 1, topics: { delays: [50] } },
    deadLetter: {},
    eachMessage: async () => {
      if (failures-- > 0) throw new Error('once')
    },
  })
  await expect.poll(() => traced, { timeout: 10_000 }).toEqual(['start', 'start'])
  channel.unsubscribe(subscribers)
  await consumer.disconnect()
})

test('retry topics have as many partitions as the topic', async () => {
  const topic = await topicWith(['a'], 3)
  const consumer = await running(topic, { retry: { topics: { delays: ['1m'] } }, deadLetter: {}, eachMessage: async () => undefined })
  await using admin = kafka.admin()
  const names = [`${topic}.${topic}-group.retry.1`, `${topic}.${topic}-group.dlt`]
  const { topics } = await admin.fetchTopicMetadata({ topics: names })
  expect(topics.map(({ partitions }) => partitions.length)).toEqual([3, 3])
  await consumer.disconnect()
})

test('a run that is refused can be run rightly', async () => {
  const topic = await topicWith(['a'])
  const consumer = kafka.consumer({ groupId: `${topic}-group` })
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const refused = consumer.run({ deadLetter: {}, partitionsConsumedConcurrently: 0, eachMessage: async () => undefined })
  await expect(refused).rejects.toThrow('Invalid partitionsConsumedConcurrently 0')
  const died: string[] = []
  consumer.on('consumer.dead_letter', ({ payload }) => void died.push(payload.topic))
  await consumer.run({ deadLetter: {}, eachMessage: () => Promise.reject(new Error('no')) })
  await expect.poll(() => died).toEqual([topic])
  await consumer.disconnect()
})

test('what fails while the group rebalances is moved, committed, and not handled by the next owner as well', async () => {
  const topic = await topicWith(['a', 'b'])
  const seen: string[] = []
  const died: string[] = []
  const released = new AbortController()
  const config = (name: string): ConsumerRunConfig => ({
    deadLetter: {},
    eachMessage: async ({ message }) => {
      seen.push(`${name} ${String(message.value)}`)
      if (String(message.value) !== 'a') return
      await once(released.signal, 'abort')
      throw new Error('no')
    },
  })
  const one = await running(topic, config('one'))
  one.on('consumer.dead_letter', ({ payload }) => void died.push(payload.offset))
  await expect.poll(() => seen).toEqual(['one a'])
  const rebalancing = new Promise(resolve => void one.on('consumer.rebalancing', resolve))
  const joining = running(topic, config('two'))
  await rebalancing
  released.abort()
  const two = await joining
  await expect.poll(() => seen.filter(line => line.endsWith('b')).length).toBe(1)
  expect([seen.filter(line => line.endsWith('a')), died]).toEqual([['one a'], ['0']])
  await Promise.all([one.disconnect(), two.disconnect()])
  await using admin = kafka.admin()
  expect(await admin.fetchOffsets({ groupId: `${topic}-group`, topics: [topic] })).toMatchObject([{ partitions: [{ offset: '2' }] }])
})
