// The client's consumer beside a broker of this repository: what KafkaJS never had.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createConsumer } from '../../packages/client/src/consumer/consumer.ts'
import type { StandardSchema } from '../../packages/client/src/consumer/codec.ts'
import type { HandlerMiddleware } from '../../packages/client/src/consumer/run/handler.ts'
import { startWorld, until, type World } from './consumer-world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const parse = (data: Buffer | null): { id: number } => {
  const parsed: { id: number } = JSON.parse(data?.toString() ?? 'null')
  return parsed
}

const validate = (value: unknown) => (typeof value === 'number' ? { value } : { issues: [{ message: 'not a number' }] })

const texts = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `v${from + index}`)

test('a stream of messages ends with break, and commits what it was done with', async () => {
  const topic = await world.createTopic(world.name('stream'))
  await world.write(topic, texts(10))
  const consumer = world.consumer({ groupId: 'stream' })
  await consumer.subscribe({ topic })
  const got: string[] = []
  for await (const { message } of consumer.stream({ by: 'message' })) {
    if (message.offset === '4') break
    got.push(message.offset)
  }
  expect(got).toEqual(['0', '1', '2', '3'])
  expect(await world.committed('stream', topic)).toBe(4)
  for await (const { batch } of consumer.stream()) {
    expect([batch.firstOffset(), batch.messages.length]).toEqual(['4', 6])
    await world.write(topic, texts(2, 10))
    break
  }
  expect(await world.committed('stream', topic)).toBe(4)
  const batches: string[] = []
  for await (const { batch } of consumer.stream()) {
    batches.push(`${batch.firstOffset()}-${batch.lastOffset()}`)
    if (batch.lastOffset() === '11') await world.write(topic, texts(1, 12))
    if (batch.lastOffset() === '12') break
  }
  expect(batches).toEqual(['4-11', '12-12'])
  expect(await world.committed('stream', topic)).toBe(12)
})

test('a stream ends when its signal is aborted, when the consumer stops, and with an exception', async () => {
  const topic = await world.createTopic(world.name('abort'))
  const consumer = world.consumer()
  await consumer.subscribe({ topic })
  const ending = new AbortController()
  setTimeout(() => ending.abort(), 50)
  for await (const _ of consumer.stream({ signal: ending.signal })) throw new Error('nothing is there')
  for await (const _ of consumer.stream({ signal: ending.signal, by: 'message' })) throw new Error('nothing is there')
  setTimeout(() => void consumer.stop(), 50)
  for await (const _ of consumer.stream()) throw new Error('nothing is there')
  await world.write(topic, ['x'])
  const failing = async () => {
    for await (const { message } of consumer.stream({ by: 'message' })) throw new Error(`at ${message.offset}`)
  }
  await expect(failing()).rejects.toThrow('at 0')
  await expect(failing()).rejects.toThrow('at 0')
})

test('many handlers at once keep the order of keys, and every message is handled once', async () => {
  const topic = await world.createTopic(world.name('keys'), 2)
  const write = async (partition: number) => {
    const records = Array.from({ length: 300 }, (_, index) => ({ key: `${partition}-${index % 7}`, value: String(index) }))
    await world.write(topic, records, partition)
  }
  await write(0)
  await write(1)
  const consumer = world.consumer({ groupId: 'keys' })
  await consumer.subscribe({ topic })
  const byKey = new Map<string, number[]>()
  const inHand = new Set<string>()
  let most = 0
  let handled = 0
  await consumer.run({
    concurrency: 10,
    order: 'key',
    eachMessage: async ({ message }) => {
      const key = message.key?.toString() ?? ''
      if (inHand.has(key)) throw new TypeError(`two of ${key} at once`)
      inHand.add(key)
      most = Math.max(most, inHand.size)
      await new Promise(resolve => setTimeout(resolve, Number(message.offset) % 3))
      byKey.set(key, [...(byKey.get(key) ?? []), Number(message.value?.toString())])
      inHand.delete(key)
      handled++
    },
  })
  await until(() => handled === 600)
  await until(async () => (await world.committed('keys', topic, 0)) === 300 && (await world.committed('keys', topic, 1)) === 300)
  expect([...byKey.values()].every(values => values.every((value, at) => at === 0 || value > (values[at - 1] ?? 0)))).toBe(true)
  expect([byKey.size, handled, most]).toEqual([14, 600, 10])
})

test('what is not finished is not committed, and is handed out again', async () => {
  const topic = await world.createTopic(world.name('gaps'))
  await world.write(topic, texts(20))
  const first = world.consumer({ groupId: 'gaps', stopTimeout: 50 })
  await first.subscribe({ topic })
  const done: string[] = []
  await first.run({
    concurrency: 5,
    order: 'none',
    eachMessage: async ({ message, signal }) => {
      if (message.offset === '6')
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('told to stop'))))
      done.push(message.offset)
    },
  })
  await until(() => done.length === 19)
  await until(async () => (await world.committed('gaps', topic)) === 6)
  await first.stop()
  const again: string[] = []
  const second = world.consumer({ groupId: 'gaps' })
  await second.subscribe({ topic })
  await second.run({ eachMessage: async ({ message }) => void again.push(message.offset) })
  await until(() => again.length === 14)
  expect(again[0]).toBe('6')
})

test('messages are typed by their deserializers, and what cannot be deserialized fails as a handler does', async () => {
  const topic = await world.createTopic(world.name('typed'))
  await world.write(topic, [
    { key: 'k1', value: '{"id":1}' },
    { key: 'k2', value: 'not json' },
  ])
  const failures: unknown[] = []
  const deadLetters: HandlerMiddleware = next => async context => {
    try {
      await next(context)
    } catch (error) {
      failures.push([context.message.offset, context.attempt, error])
      if (context.attempt === 1) return
      throw error
    }
  }
  const consumer = createConsumer(world.clusterOf(), {
    groupId: 'typed',
    key: data => data?.toString() ?? '',
    value: { deserialize: parse },
    middleware: [deadLetters],
  })
  await consumer.subscribe({ topic, fromBeginning: true })
  const ids: number[] = []
  const keys: string[] = []
  await consumer.run({
    eachMessage: async ({ message }) => {
      ids.push(message.value.id)
      keys.push(message.key)
    },
  })
  await until(async () => (await world.committed('typed', topic)) === 2)
  await consumer.disconnect()
  expect([ids, keys]).toEqual([[1], ['k1']])
  expect(failures).toMatchObject([
    ['1', 0, { name: 'KafkaJSDeserializationError', topic, partition: 0, offset: '1', isKey: false }],
    ['1', 1, { name: 'KafkaJSDeserializationError' }],
  ])
})

test('a Standard Schema is a deserializer of JSON, and topics may have their own', async () => {
  const numbers = await world.createTopic(world.name('numbers'))
  const words = await world.createTopic(world.name('words'))
  await world.write(numbers, ['7', '"seven"'])
  await world.write(words, ['w'])
  const schema: StandardSchema<number> = { '~standard': { version: 1, vendor: 'test', validate } }
  const consumer = createConsumer(world.clusterOf({ retries: 0 }), {
    groupId: world.name('schema'),
    codecs: { [numbers]: { value: schema }, [words]: { value: (data: Buffer | null) => data?.toString() ?? '' } },
    retry: { restartOnFailure: async () => false },
  })
  const crashes: string[] = []
  consumer.on('consumer.crash', ({ payload }) => void crashes.push(payload.error.message))
  await consumer.subscribe({ topics: [numbers, words], fromBeginning: true })
  const got: (number | string)[] = []
  await consumer.run({
    eachBatch: async ({ batch }) => {
      got.push(...batch.messages.map(({ value }) => value))
    },
  })
  await until(() => crashes.length === 1 && got.length === 2)
  expect(new Set(got)).toEqual(new Set([7, 'w']))
  expect(crashes).toEqual([`The value of the record at offset 1 of ${numbers}-0 could not be deserialized: not a number`])
})

test('handlers are told to node:diagnostics_channel with their trace', async () => {
  const topic = await world.createTopic(world.name('traced'))
  await world.write(topic, [{ value: 'x', headers: { traceparent: '00-1-2-01' } }])
  const traces: unknown[] = []
  const listener = (message: unknown) => void traces.push(message)
  subscribe('tracing:ottla:client:consume:asyncEnd', listener)
  const consumer = world.consumer({ groupId: 'traced' })
  await consumer.subscribe({ topic })
  await consumer.run({ eachMessage: async () => {} })
  await until(() => traces.length === 1)
  unsubscribe('tracing:ottla:client:consume:asyncEnd', listener)
  expect(traces).toMatchObject([{ groupId: 'traced', topic, partition: 0, traceparent: '00-1-2-01', message: { offset: '0' } }])
})
