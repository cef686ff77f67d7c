// What a producer says to messages that cannot be sent: typed errors, and nothing of the call is sent.
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest'
import { CompressionTypes } from '../../packages/client/src/compression.ts'
import type { Producer } from '../../packages/client/src/producer/types.ts'
import type { TestBroker } from './broker.ts'
import { startBroker } from './broker.ts'
import { clusterOf, freshTopic, producerOf, recordsIn } from './producer-world.ts'
import { createProducer } from '../../packages/client/src/producer/producer.ts'

let broker: TestBroker
let producer: Producer
let topic: string
beforeAll(async () => {
  broker = await startBroker()
  producer = await producerOf(broker.bootstrap, { maxRequestSize: 5000 })
  topic = await freshTopic(broker.bootstrap, 2)
})
afterAll(async () => {
  await producer.disconnect()
  await broker[Symbol.asyncDispose]()
})

/** A producer as a program without types has it. */
interface Untyped {
  send(record?: object): Promise<unknown>
}

interface Refusal {
  readonly name: string
  readonly messages: readonly object[]
  readonly options?: object
  readonly error: object
}

const refusals: readonly Refusal[] = [
  {
    name: 'no value',
    messages: [{ foo: 'bar' }],
    error: { message: expect.stringMatching(/^Invalid message without value for topic ".*": {"foo":"bar"}$/) },
  },
  { name: 'a number as value', messages: [{ value: 5 }], error: { message: expect.stringContaining('a value that is of type number') } },
  {
    name: 'an object as key',
    messages: [{ key: {}, value: '' }],
    error: { message: expect.stringContaining('a key that is of type object') },
  },
  {
    name: 'a header that is no bytes',
    messages: [{ value: '', headers: { h: 5 } }],
    error: { message: expect.stringContaining('header "h"') },
  },
  { name: 'a timestamp that is no whole number', messages: [{ value: '', timestamp: '1.5' }], error: { retriable: false } },
  { name: 'a timestamp that is no number', messages: [{ value: '', timestamp: {} }], error: { retriable: false } },
  { name: 'an unknown partition', messages: [{ value: '', partition: 2 }], error: { name: 'KafkaJSUnknownPartitionError' } },
  { name: 'a partition that is no number', messages: [{ value: '', partition: 'x' }], error: { name: 'KafkaJSUnknownPartitionError' } },
  { name: 'an unknown codec', messages: [{ value: '' }], options: { compression: 9 }, error: { retriable: false } },
  { name: 'impossible acks', messages: [{ value: '' }], options: { acks: 3 }, error: { retriable: false } },
  { name: 'a large message', messages: [{ value: 'x'.repeat(5001) }], error: { type: 'MESSAGE_TOO_LARGE', retriable: false } },
]

test.each(refusals)('$name is refused, and nothing is sent', async ({ messages, options, error }) => {
  const untyped: Untyped = producer
  await expect(untyped.send({ ...options, topic, messages: [{ value: 'sent first' }, ...messages] })).rejects.toMatchObject(error)
  expect(await recordsIn(broker.bootstrap, topic, 0)).toEqual([])
  expect(await recordsIn(broker.bootstrap, topic, 1)).toEqual([])
})

test('a record without topic or messages is refused in the words of KafkaJS', async () => {
  const untyped: Untyped = producer
  await expect(untyped.send({ messages: [] })).rejects.toThrow('Invalid topic')
  await expect(untyped.send({ topic: 't', messages: null })).rejects.toThrow('Invalid messages array [null] for topic "t"')
})

test('a producer that is said to be idempotent refuses other acks and no retries', async () => {
  const own = await producerOf(broker.bootstrap, { idempotent: true })
  const send = own.send({ topic, messages: [{ value: '' }], acks: 1 })
  await expect(send).rejects.toThrow("Not requiring ack for all messages invalidates the idempotent producer's EoS guarantees")
  await own.disconnect()
  const make = () => createProducer(clusterOf(broker.bootstrap), { idempotent: true, retry: { retries: 0 } })
  expect(make).toThrow('Idempotent producer must allow retries to protect against transient errors')
  expect(() => createProducer(clusterOf(broker.bootstrap), { batchSize: -1 })).toThrow('batchSize must be a number from 1 on, not -1')
})

test('a topic that is not there and must not be made is named soon', async () => {
  const own = createProducer(clusterOf(broker.bootstrap, undefined, { allowAutoTopicCreation: false }))
  await own.connect()
  await expect(own.send({ topic: 'nowhere', messages: [{ value: '' }] })).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' })
  await expect(own.send({ topic: 'a b', messages: [{ value: '' }] })).rejects.toMatchObject({ type: 'INVALID_TOPIC_EXCEPTION' })
  await own.disconnect()
})

interface Order {
  readonly id: number
}

const orderSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'number'
        ? { value: { id: value.id, checked: true } }
        : { issues: [{ message: 'must be a number', path: ['id'] }] },
    types: undefined as { input: Order; output: { id: number; checked: boolean } } | undefined,
  },
} as const

test('serializers make bytes, give types, and what they refuse is named', async () => {
  const typed = await producerOf(broker.bootstrap, {
    serializers: {
      key: (id: number) => `k${id}`,
      topics: { typed: { value: orderSchema }, slow: { value: { serialize: async (text: string) => text.toUpperCase() } } },
    },
  })
  await Promise.all([
    typed.send({ topic: 'slow', messages: [{ key: 1, value: 'one' }] }),
    typed.send({ topic: 'slow', messages: [{ key: 2, value: 'two' }] }),
    typed.send({
      topic: 'typed',
      messages: [
        { key: 3, value: { id: 7 } },
        { key: 4, value: null },
      ],
    }),
  ])
  expect((await recordsIn(broker.bootstrap, 'slow')).map(({ key, value }) => [key, value])).toEqual([
    ['k1', 'ONE'],
    ['k2', 'TWO'],
  ])
  expect((await recordsIn(broker.bootstrap, 'typed')).map(({ value }) => value)).toEqual(['{"id":7,"checked":true}', null])
  await typed.sendBatch({
    topicMessages: [
      { topic: 'typed', messages: [{ key: 5, value: { id: 8 } }] },
      { topic: 'slow', messages: [{ key: 6, value: 'three' }] },
    ],
  })
  expect((await recordsIn(broker.bootstrap, 'slow')).map(({ value }) => value)).toEqual(['ONE', 'TWO', 'THREE'])
  type Batches = NonNullable<Parameters<typeof typed.sendBatch<['typed', 'slow']>>[0]['topicMessages']>
  expectTypeOf<Batches[0]['messages'][number]['value']>().toEqualTypeOf<Order | null>()
  expectTypeOf<Batches[1]['messages'][number]['value']>().toEqualTypeOf<string | null>()
  expectTypeOf<Batches[1]['messages'][number]['key']>().toEqualTypeOf<number | null | undefined>()
  const untyped: Untyped = typed
  const bad = untyped.send({ topic: 'typed', messages: [{ value: { id: 1 } }, { value: { id: 'x' } }] })
  await expect(bad).rejects.toMatchObject({ name: 'KafkaJSSerializationError', index: 1, part: 'value' })
  expect((await recordsIn(broker.bootstrap, 'typed')).length).toBe(3)
  type Sent = Parameters<typeof typed.send<'typed'>>[0]['messages'][number]
  expectTypeOf<Sent['value']>().toEqualTypeOf<Order | null>()
  expectTypeOf<Sent['key']>().toEqualTypeOf<number | null | undefined>()
  await typed.disconnect()
})

test('a serializer that throws fails the call with its error as the cause', async () => {
  const cause = new Error('broken')
  const own = await producerOf(broker.bootstrap, {
    serializers: {
      value: (_text: string) => {
        throw cause
      },
    },
  })
  await expect(own.send({ topic, messages: [{ value: 'x' }] })).rejects.toMatchObject({ name: 'KafkaJSSerializationError', cause })
  await own.disconnect()
})

test('what cannot be told in JSON, and levels that no codec has, are named as well', async () => {
  await using typed = await producerOf(broker.bootstrap, { compressionLevel: 40 })
  const own: Untyped = typed
  await expect(own.send()).rejects.toThrow('Invalid topic')
  await expect(own.send({ topic, messages: [{ key: 1n, value: undefined }] })).rejects.toThrow(/Invalid message without value/)
  await expect(own.send({ topic, messages: [{ value: 'x', timestamp: 1n }] })).rejects.toThrow(/has the timestamp 1, not/)
  for (const compression of [CompressionTypes.GZIP, CompressionTypes.ZSTD]) {
    const sent = own.send({ topic, compression, messages: [{ value: 'x' }] })
    await expect(sent).rejects.toThrow(/compressionLevel for (gzip|zstd) must be a whole number/)
  }
  await own.send({ topic, compression: CompressionTypes.LZ4, messages: [{ value: 'x' }] })
})
