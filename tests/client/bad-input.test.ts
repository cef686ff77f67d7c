// What programs do wrong, and what is wrong in logs, end to end: typed errors, nothing skipped, nothing committed that was not handled, and never an
// unhandled rejection.
import { setTimeout as sleep } from 'node:timers/promises'
import { startKafka, type TestKafka } from '@ottla/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Consumer, ConsumerConfig, ConsumerRunConfig, KafkaConfig } from '@ottla/client'
import { until } from './consumer-world.ts'
import { changeBatch, frameProxy, withLongRecord, withUnknownCodec, withWrongChecksum, withWrongCodec } from './frame-proxy.ts'

let kafka: TestKafka
let names = 0
const rejections: unknown[] = []
const noted = (reason: unknown): void => void rejections.push(reason)
const retry = { initialRetryTime: 5, maxRetryTime: 20, retries: 2 }

beforeAll(async () => {
  process.on('unhandledRejection', noted)
  kafka = await startKafka()
})
afterAll(async () => {
  await kafka.close()
  await sleep(10)
  process.off('unhandledRejection', noted)
  expect(rejections).toEqual([])
})

const freshTopic = async (partitions = 1): Promise<string> => {
  const topic = `topic-${++names}`
  await kafka.createTopics({ [topic]: { partitions } })
  return topic
}

/** A consumer of the topic that tells of its crashes. */
async function running(topic: string, run: ConsumerRunConfig, config: Partial<ConsumerConfig> = {}, client: Partial<KafkaConfig> = {}) {
  const groupId = `group-${++names}`
  const consumer: Consumer = kafka.client({ retry, ...client }).consumer({
    groupId,
    offsetReset: 'earliest',
    maxWaitTimeInMs: 50,
    heartbeatInterval: 100,
    ...config,
  })
  const crashes: { error: Error; restart: boolean }[] = []
  consumer.on('consumer.crash', ({ payload }) => void crashes.push(payload))
  await consumer.subscribe({ topics: [topic] })
  await consumer.run(run)
  const committed = async (partition = 0): Promise<number> => {
    await using admin = kafka.client().admin()
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return Number(offsets?.partitions.find(at => at.partition === partition)?.offset ?? -1)
  }
  return { consumer, crashes, committed, [Symbol.asyncDispose]: () => consumer.disconnect() }
}

/** A producer as a program without types has it. */
interface Untyped {
  send(record: object): Promise<unknown>
}

test.each([
  ['an oversized message', { messages: [{ value: Buffer.alloc(2_000_000) }] }, { type: 'MESSAGE_TOO_LARGE', retriable: false }],
  ['a header that is not bytes', { messages: [{ value: 'v', headers: { h: 5 } }] }, { name: 'KafkaJSNonRetriableError' }],
  ['an undefined topic', { topic: undefined, messages: [{ value: 'v' }] }, { name: 'KafkaJSNonRetriableError', message: 'Invalid topic' }],
  ['a partition out of range', { messages: [{ value: 'v', partition: 7 }] }, { name: 'KafkaJSUnknownPartitionError' }],
  ['a negative partition', { messages: [{ value: 'v', partition: -1 }] }, { name: 'KafkaJSUnknownPartitionError' }],
  ['a timestamp that is no integer', { messages: [{ value: 'v', timestamp: '1.5' }] }, { name: 'KafkaJSNonRetriableError' }],
  ['a message that is none', { messages: [null] }, { name: 'KafkaJSNonRetriableError' }],
])('%s is refused by the producer, and nothing is sent', async (_, record, error) => {
  const topic = await freshTopic()
  await using producer = kafka.client({ retry }).producer()
  await producer.connect()
  const untyped: Untyped = producer
  await expect(untyped.send({ topic, ...record })).rejects.toMatchObject(error)
  expect(await kafka.topic(topic).records()).toEqual([])
  await producer.send({ topic, messages: [{ value: 'goes on' }] })
})

function notBad(text: string): string {
  if (text === 'bad') throw new Error('no')
  return text
}

test('a serializer that throws fails its call only', async () => {
  const topic = await freshTopic()
  await using producer = kafka.client({ retry }).producer({ serializers: { value: notBad } })
  await producer.connect()
  const sends = await Promise.allSettled(['a', 'bad', 'b'].map(text => producer.send({ topic, messages: [{ value: text }] })))
  expect(sends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(sends[1]).toMatchObject({ reason: { name: 'KafkaJSSerializationError', cause: { message: 'no' } } })
  expect((await kafka.topic(topic).records()).length).toBe(2)
})

test.each<[string, unknown, object, boolean]>([
  ['an error', new Error('no'), { name: 'KafkaJSNumberOfRetriesExceeded', message: 'no' }, true],
  ['a text', 'no', { name: 'KafkaJSNumberOfRetriesExceeded', message: 'no' }, true],
  ['nothing', undefined, { name: 'KafkaJSNumberOfRetriesExceeded', message: 'undefined' }, true],
  ['a mistake', new TypeError('no function'), { name: 'KafkaJSNonRetriableError', message: 'no function' }, false],
])('a handler that throws %s is called again, then the consumer crashes, and goes on where it was', async (_, thrown, error, restart) => {
  const topic = await freshTopic()
  await kafka.topic(topic).produce(['0', '1', '2'].map(value => ({ value })))
  const handled: string[] = []
  let tries = 0
  let isMended = false
  const run: ConsumerRunConfig = {
    eachMessage: async ({ message }) => {
      if (message.offset === '1' && !isMended) {
        tries++
        throw thrown
      }
      handled.push(message.offset)
    },
  }
  await using it = await running(topic, run)
  await until(() => it.crashes.length > 0)
  expect(it.crashes[0]).toMatchObject({ error, restart })
  expect([await it.committed(), handled[0], handled[1]]).toEqual([1, '0', undefined])
  expect(tries).toBeGreaterThanOrEqual(restart ? 1 + retry.retries : 1)
  isMended = true
  if (!restart) await it.consumer.run(run)
  await until(() => handled.length === 3)
  expect(handled).toEqual(['0', '1', '2'])
})

test.each(['eachMessage', 'eachBatch'] as const)(
  '%s that hangs is not waited for any longer than stopTimeout, and may reject later',
  async each => {
    const topic = await freshTopic()
    await kafka.topic(topic).produce([{ value: '0' }, { value: '1' }])
    let reject: ((error: Error) => void) | undefined
    let signal: AbortSignal | undefined
    const hang = async (payload: { signal: AbortSignal }): Promise<void> => {
      ;({ signal } = payload)
      return new Promise((_, rejected) => {
        reject = rejected
      })
    }
    const it = await running(topic, { [each]: hang }, { stopTimeout: 50 })
    await until(() => signal !== undefined)
    await it.consumer.stop()
    expect(signal?.aborted).toBe(true)
    expect(await it.committed()).toBe(-1)
    reject?.(new Error('after stop'))
    await it.consumer.disconnect()
    expect(it.crashes).toEqual([])
  },
)

test('a handler that rejects while stop waits for it leaves its record to the next run', async () => {
  const topic = await freshTopic()
  await kafka.topic(topic).produce([{ value: '0' }, { value: '1' }])
  let isStopping: Promise<void> | undefined
  const it = await running(topic, {
    eachMessage: async ({ message }) => {
      if (message.offset === '0') return
      isStopping = it.consumer.stop()
      await sleep(20)
      throw new Error('stopped')
    },
  })
  await until(() => isStopping !== undefined)
  await isStopping
  expect([await it.committed(), it.crashes]).toEqual([1, []])
  await it.consumer.disconnect()
})

const json = (data: Buffer | null): unknown => JSON.parse(String(data))

test('a value that cannot be deserialized is never passed over: the error says where it is, and a middleware may deal with it', async () => {
  const topic = await freshTopic()
  await kafka.topic(topic).produce(['{"n":0}', 'no json', '{"n":2}'].map(value => ({ value })))
  const handled: string[] = []
  const eachMessage = async ({ message }: { message: { offset: string } }): Promise<void> => void handled.push(message.offset)
  await using stuck = await running(topic, { eachMessage }, { value: json })
  await until(() => stuck.crashes.length > 1)
  const { error } = stuck.crashes[0] ?? {}
  expect(error).toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded' })
  expect(error?.cause).toMatchObject({ name: 'KafkaJSDeserializationError', topic, partition: 0, offset: '1', isKey: false })
  expect([handled, await stuck.committed()]).toEqual([['0'], 1])
  const moved: string[] = []
  const deadLetters: ConsumerConfig['middleware'] = [
    next => async context => {
      try {
        await next(context)
      } catch {
        moved.push(context.message.offset)
      }
    },
  ]
  await using it = await running(topic, { eachMessage }, { value: json, middleware: deadLetters })
  await until(() => handled.length === 3)
  expect([handled, moved, it.crashes]).toEqual([['0', '0', '2'], ['1'], []])
})

test('a batch that was damaged on its way is asked for again', async () => {
  const topic = await freshTopic()
  await kafka.topic(topic).produce([{ value: '0' }, { value: '1' }])
  const damage = kafka.faults.corrupt({ topic })
  const handled: string[] = []
  await using it = await running(topic, { eachMessage: async ({ message }) => void handled.push(message.offset) })
  await until(() => handled.length === 2)
  await damage.consumed
  expect([handled, it.crashes]).toEqual([['0', '1'], []])
})

test.each([
  ['a codec that there is not', withUnknownCodec],
  ['a codec that it is not compressed by', withWrongCodec],
  ['a record that is longer than it', withLongRecord],
  ['a wrong checksum', withWrongChecksum],
])('a batch with %s is no end of other partitions, and a crash that says where it is', async (_, change) => {
  const topic = await freshTopic(2)
  await kafka.topic(topic).produce({ value: 'before', partition: 0 })
  await kafka.topic(topic).produce({ value: 'poison', partition: 0 })
  await kafka.topic(topic).produce({ value: 'behind', partition: 0 })
  await kafka.topic(topic).produce({ value: 'other', partition: 1 })
  let isDamaged = true
  await using proxy = await frameProxy(Number(kafka.bootstrap.split(':')[1]), answer => {
    if (isDamaged) changeBatch(answer, 'poison', change)
  })
  const handled: string[] = []
  const run: ConsumerRunConfig = { eachMessage: async ({ message }) => void handled.push(String(message.value)) }
  await using it = await running(topic, run, {}, { socketFactory: proxy.socketFactory })
  await until(() => it.crashes.length > 0)
  expect(it.crashes).toMatchObject([{ error: { name: 'KafkaJSCorruptRecordError', topic, partition: 0, offset: '1' }, restart: false }])
  expect(handled.toSorted()).toEqual(['before', 'other'])
  expect([await it.committed(0), await it.committed(1)]).toEqual([1, 1])
  await it.consumer.run(run)
  it.consumer.seek({ topic, partition: 0, offset: '2' })
  await until(() => handled.length === 3)
  isDamaged = false
  it.consumer.seek({ topic, partition: 0, offset: '1' })
  await until(() => handled.length === 5)
  expect(handled.slice(2)).toEqual(['behind', 'poison', 'behind'])
})

test('commits of partitions that are not there are refused, and the consumer goes on', async () => {
  const topic = await freshTopic()
  const handled: string[] = []
  await using it = await running(topic, { eachMessage: async ({ message }) => void handled.push(message.offset) })
  const commit = it.consumer.commitOffsets([{ topic, partition: 7, offset: '1' }])
  await expect(commit).rejects.toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded', cause: { type: 'UNKNOWN_TOPIC_OR_PARTITION' } })
  await kafka.topic(topic).produce({ value: '0' })
  await until(() => handled.length === 1)
  expect(it.crashes).toEqual([])
})

test('a topic that is not there and may not be made is named when it is subscribed', async () => {
  const consumer = kafka.client({ retry }).consumer({ groupId: 'nowhere', allowAutoTopicCreation: false })
  await consumer.connect()
  await expect(consumer.subscribe({ topics: ['nowhere'] })).rejects.toMatchObject({ message: expect.stringContaining('nowhere') })
  await consumer.disconnect()
})
