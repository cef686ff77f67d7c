// The types that follow from deserializers, and what deserializers come down to.
import { expect, expectTypeOf, test } from 'vitest'
import { deserializeWith, type MessagesOf, type StandardSchema, type TypedMessage } from './codec.ts'
import { createConsumer } from './consumer.ts'
import { FakeCluster } from './fetch/fake-cluster-testing.ts'
import type { KafkaMessage } from './fetch/message.ts'
import type { Batch, Consumer, ConsumerConfig, EachBatchPayload, EachMessagePayload } from './types.ts'

const unused = async (): Promise<never> => Promise.reject(new Error('not used'))
const cluster = new FakeCluster({ fetch: unused, listOffsets: unused, epochEnds: unused })
const context = { topic: 't', partition: 0, offset: '0', headers: {}, isKey: false }
const schemaOf = (validate: StandardSchema<Date>['~standard']['validate']): StandardSchema<Date> => ({
  '~standard': { version: 1, vendor: 'test', validate },
})

test('without deserializers the types are those of KafkaJS', () => {
  const consumer = createConsumer(cluster, { groupId: 'g' })
  expectTypeOf(consumer).toEqualTypeOf<Consumer>()
  expectTypeOf<EachMessagePayload['message']>().toEqualTypeOf<KafkaMessage>()
  expectTypeOf<EachBatchPayload['batch']>().toEqualTypeOf<Batch>()
  expectTypeOf<Batch['topic']>().toEqualTypeOf<string>()
  expectTypeOf<MessagesOf<ConsumerConfig>>().toEqualTypeOf<Record<string, KafkaMessage>>()
})

test('a deserializer gives the type of keys and values', () => {
  const value = { serialize: (id: number) => Buffer.from(String(id)), deserialize: async (data: Buffer | null) => Number(data) }
  const consumer = createConsumer(cluster, { groupId: 'g', key: schemaOf(() => ({ value: new Date(0) })), value })
  expectTypeOf(consumer).toEqualTypeOf<Consumer<Record<string, TypedMessage<Date, number>>>>()
  const keyOnly = createConsumer(cluster, { groupId: 'g', key: data => data?.toString() ?? '' })
  expectTypeOf(keyOnly).toEqualTypeOf<Consumer<Record<string, TypedMessage<string, Buffer | null>>>>()
})

test('deserializers by topic tell messages apart by their topic', () => {
  const consumer = createConsumer(cluster, {
    groupId: 'g',
    key: (data: Buffer | null) => String(data),
    codecs: { orders: { value: () => ({ id: 1 }) }, texts: { value: () => 'text' }, bytes: {} },
  })
  type Payload = Parameters<NonNullable<NonNullable<Parameters<typeof consumer.run>[0]>['eachMessage']>>[0]
  const valueOf = (payload: Payload): number | string | Buffer | null => {
    if (payload.topic === 'orders') return payload.message.value.id
    if (payload.topic === 'bytes') return payload.message.value
    expectTypeOf(payload.message.key).toEqualTypeOf<string>()
    expectTypeOf(payload.message.value).toEqualTypeOf<string>()
    return payload.message.value
  }
  expect(valueOf).toBeTypeOf('function')
})

test('a Standard Schema is given parsed JSON, and what it refuses is an error', async () => {
  const dates = deserializeWith(
    schemaOf(async text =>
      typeof text === 'string' ? { value: new Date(text) } : { issues: [{ message: 'no text' }, { message: 'none' }] },
    ),
  )
  expect(await dates(Buffer.from('"2020-01-01"'), context)).toEqual(new Date('2020-01-01'))
  await expect(dates(null, context)).rejects.toThrow('no text; none')
  await expect(dates(Buffer.from('{'), context)).rejects.toThrow(SyntaxError)
  const shout = deserializeWith({ deserialize: (data, { topic }) => `${topic} ${data?.toString()}` })
  expect(await shout(Buffer.from('x'), context)).toBe('t x')
})
