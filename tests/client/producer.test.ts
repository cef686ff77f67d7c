// The producer against our broker: what KafkaJS's own specs expect, and what they do not know: idempotence, batching, codecs, serializers.
import { tracingChannel } from 'node:diagnostics_channel'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CompressionTypes } from '../../packages/client/src/compression.ts'
import { createProducer } from '../../packages/client/src/producer/producer.ts'
import type { TestBroker } from './broker.ts'
import { startBroker } from './broker.ts'
import { batchesOf, clusterOf, freshTopic, producerOf, recordsIn } from './producer-world.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

test('messages are written and their places told', async () => {
  await using producer = await producerOf(broker.bootstrap)
  const topic = await freshTopic(broker.bootstrap)
  const messages = Array.from({ length: 10 }, (_, index) => ({ key: `key-${index}`, value: `value-${index}` }))
  const placed = { topicName: topic, partition: 0, errorCode: 0, logAppendTime: '-1', logStartOffset: '0' }
  expect(await producer.send({ topic, messages })).toEqual([{ ...placed, baseOffset: '0' }])
  expect(await producer.send({ topic, messages, acks: 1 })).toEqual([{ ...placed, baseOffset: '10' }])
  expect(await producer.send({ topic, messages, acks: 0 })).toEqual([])
  await expect.poll(async () => (await recordsIn(broker.bootstrap, topic)).length).toBe(30)
  const records = await recordsIn(broker.bootstrap, topic)
  expect(records.map(({ value }) => value)).toEqual([...messages, ...messages, ...messages].map(({ value }) => value))
  expect(records.map(({ key }) => key).slice(0, 3)).toEqual(['key-0', 'key-1', 'key-2'])
})

test('keys, tombstones, headers and times arrive as they were given', async () => {
  await using producer = await producerOf(broker.bootstrap)
  const topic = await freshTopic(broker.bootstrap)
  const headers = { a: 'text', b: Buffer.from([1, 2]), c: ['x', Buffer.from('y')], d: undefined }
  await producer.send({
    topic,
    messages: [
      { key: null, value: null, timestamp: '1234' },
      { key: 'ключ', value: 'ä'.repeat(300), headers, timestamp: 99 },
      { key: Buffer.from('k'), value: '' },
    ],
  })
  const records = await recordsIn(broker.bootstrap, topic)
  expect(records.slice(0, 2)).toEqual([
    { offset: 0, key: null, value: null, headers: [], timestamp: 1234 },
    {
      offset: 1,
      key: 'ключ',
      value: 'ä'.repeat(300),
      headers: [
        ['a', 'text'],
        ['b', '\u0001\u0002'],
        ['c', 'x'],
        ['c', 'y'],
        ['d', null],
      ],
      timestamp: 99,
    },
  ])
  expect(records[2]).toMatchObject({ key: 'k', value: '' })
  expect(Math.abs((records[2]?.timestamp ?? 0) - Date.now())).toBeLessThan(60_000)
})

test('every codec is built in', async () => {
  await using producer = await producerOf(broker.bootstrap)
  for (const [name, compression] of Object.entries(CompressionTypes)) {
    const topic = await freshTopic(broker.bootstrap)
    const messages = Array.from({ length: 50 }, (_, index) => ({ value: `${name} ${index} ${'a'.repeat(100)}` }))
    await producer.send({ topic, messages, compression })
    const [batch] = await batchesOf(broker.bootstrap, topic)
    expect(batch?.compression).toBe(name.toLowerCase())
    expect(batch?.records.map(({ value }) => value)).toEqual(messages.map(({ value }) => value))
  }
})

test('large batches that are compressed aside keep their order, with small ones between, and with those that fail', async () => {
  await using producer = await producerOf(broker.bootstrap, { batchSize: 200_000, maxRequestSize: 1_000_000 })
  const topic = await freshTopic(broker.bootstrap)
  const values = Array.from({ length: 40 }, (_, index) => `${index} ${`${index * 7919} `.repeat(index % 3 === 0 ? 30_000 : 20)}`)
  const sends = []
  for (const value of values) {
    sends.push(producer.send({ topic, messages: [{ value }], compression: CompressionTypes.GZIP }))
    if (sends.length % 4 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  await producer.flush()
  await Promise.all(sends)
  expect((await recordsIn(broker.bootstrap, topic)).map(({ value }) => value)).toEqual(values)
  const late = producer.send({ topic, messages: [{ value: 'b'.repeat(900_000) }], compression: CompressionTypes.GZIP })
  await producer.disconnect()
  expect(await late).toMatchObject([{ baseOffset: '40' }])
})

test('sends of one turn of the event loop go in one batch, each told its own place', async () => {
  await using producer = await producerOf(broker.bootstrap)
  const topic = await freshTopic(broker.bootstrap)
  await producer.send({ topic, messages: [{ value: 'first' }] })
  const results = await Promise.all([1, 2, 3].map(n => producer.send({ topic, messages: [{ value: `${n}a` }, { value: `${n}b` }] })))
  expect(results.map(([result]) => result?.baseOffset)).toEqual(['1', '3', '5'])
  const batches = await batchesOf(broker.bootstrap, topic)
  expect(batches.map(({ records }) => records.length)).toEqual([1, 6])
  expect(batches.map(({ baseSequence }) => baseSequence)).toEqual([0, 1])
  expect(batches[0]?.producerId).toBeGreaterThanOrEqual(0)
})

test('with a linger, sends of several turns go in one batch, and flush does not wait for it', async () => {
  await using producer = await producerOf(broker.bootstrap, { lingerMs: 60_000 })
  const topic = await freshTopic(broker.bootstrap)
  const sends = []
  for (let index = 0; index < 5; index++) {
    sends.push(producer.send({ topic, messages: [{ value: `${index}` }] }))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  await producer.flush()
  await Promise.all(sends)
  expect((await batchesOf(broker.bootstrap, topic)).map(({ records }) => records.length)).toEqual([5])
})

test('keys go where Java puts them, the rest to one partition after the other', async () => {
  await using producer = await producerOf(broker.bootstrap)
  const topic = await freshTopic(broker.bootstrap, 3)
  const keyed = await producer.send({ topic, messages: ['a', 'b', 'c', 'a'].map(key => ({ key, value: key })) })
  expect(keyed.map(({ partition }) => partition)).toEqual([...new Set(keyed.map(({ partition }) => partition))].toSorted((a, b) => a - b))
  const places = new Set<number>()
  for (let index = 0; index < 3; index++) {
    const [result] = await producer.send({ topic, messages: [{ value: '1' }, { value: '2' }] })
    places.add(result?.partition ?? -1)
  }
  expect([...places].toSorted((a, b) => a - b)).toEqual([0, 1, 2])
  const [own] = await producer.send({ topic, messages: [{ key: 'a', value: 'x', partition: 2 }] })
  expect(own?.partition).toBe(2)
})

test('a batch that is larger than the topic takes is sent in parts', async () => {
  await using producer = await producerOf(broker.bootstrap)
  const topic = await freshTopic(broker.bootstrap, 1, { 'max.message.bytes': '3000' })
  const messages = Array.from({ length: 20 }, (_, index) => ({ value: `${index}-${'x'.repeat(500)}` }))
  const [[first], [second]] = await Promise.all([
    producer.send({ topic, messages }),
    producer.send({ topic, messages: [{ value: 'after' }] }),
  ])
  expect([first?.baseOffset, second?.baseOffset]).toEqual(['0', '20'])
  const records = await recordsIn(broker.bootstrap, topic)
  expect(records.map(({ value }) => value)).toEqual([...messages.map(({ value }) => value), 'after'])
  await expect(producer.send({ topic, messages: [{ value: 'y'.repeat(4000) }] })).rejects.toMatchObject({ type: 'MESSAGE_TOO_LARGE' })
  await producer.send({ topic, messages: [{ value: 'goes on' }] })
})

test('sendBatch merges topics and sends to all of them', async () => {
  await using producer = await producerOf(broker.bootstrap)
  const [one, two] = [await freshTopic(broker.bootstrap), await freshTopic(broker.bootstrap)]
  const result = await producer.sendBatch({
    topicMessages: [
      { topic: one, messages: [{ value: '1' }] },
      { topic: two, messages: [{ value: '2' }] },
      { topic: one, messages: [{ value: '3' }] },
    ],
  })
  expect(result.map(({ topicName, baseOffset }) => [topicName, baseOffset])).toEqual([
    [one, '0'],
    [two, '0'],
  ])
  expect((await recordsIn(broker.bootstrap, one)).map(({ value }) => value)).toEqual(['1', '3'])
  expect(await producer.sendBatch({ topicMessages: [] })).toEqual([])
  expect(await producer.send({ topic: one, messages: [] })).toEqual([])
})

test('a topic that is not there is made, and messages of calls before are in front', async () => {
  await using producer = await producerOf(broker.bootstrap)
  const topic = 'made-by-sending'
  await Promise.all([1, 2, 3].map(n => producer.send({ topic, messages: [{ value: `${n}` }] })))
  expect((await recordsIn(broker.bootstrap, topic)).map(({ value }) => value)).toEqual(['1', '2', '3'])
})

test('sends are told to diagnostics channels, which may add headers', async () => {
  await using producer = await producerOf(broker.bootstrap)
  const topic = await freshTopic(broker.bootstrap)
  const told: unknown[] = []
  interface Told {
    readonly topicMessages: { messages: { headers?: object }[] }[]
    readonly result?: unknown
  }
  const listeners = {
    start: ({ topicMessages }: Told) =>
      topicMessages.forEach(({ messages }) => messages.forEach(message => (message.headers = { trace: '1' }))),
    end: () => undefined,
    asyncStart: () => undefined,
    asyncEnd: ({ result }: Told) => told.push(result),
    error: () => undefined,
  }
  const channel = tracingChannel<Told>('ottla:client:send')
  channel.subscribe(listeners)
  const result = await producer.send({ topic, messages: [{ value: 'x' }] })
  channel.unsubscribe(listeners)
  expect(told).toEqual([result])
  expect((await recordsIn(broker.bootstrap, topic))[0]?.headers).toEqual([['trace', '1']])
})

test('events are told under the names of KafkaJS', async () => {
  const producer = createProducer(clusterOf(broker.bootstrap))
  const seen: string[] = []
  const { CONNECT, DISCONNECT, REQUEST } = producer.events
  for (const name of [CONNECT, DISCONNECT, REQUEST]) producer.on(name, ({ type }) => void seen.push(type))
  await producer.connect()
  await producer.disconnect()
  expect(seen.filter(type => type !== REQUEST)).toEqual([CONNECT, DISCONNECT])
  expect(seen).toContain(REQUEST)
  const untyped: { on(name: string, listener: () => void): unknown } = producer
  expect(() => untyped.on('NON_EXISTENT_EVENT', () => {})).toThrow(/Event name should be one of producer.events./)
})
