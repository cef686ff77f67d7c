// The program, the types it relies on, and what becomes of a message that does not fit.
import { type Batch, type EachMessagePayload, Kafka, type MessagesOf } from '@ottla/client'
import { startKafka } from '@ottla/testing'
import { expect, expectTypeOf, test } from 'vitest'
import { run } from '../running.ts'
import { type Alarm, type Temperature, topics } from './topics.ts'

test('messages are what their topics hold', async () => {
  await using kafka = await startKafka({ topics: { temperatures: 1, alarms: 1 } })
  const lines = await run('typed-topics/watch-rooms', { env: { KAFKA_BROKERS: kafka.bootstrap } })
  expect(lines).toEqual([
    'Message 0 for topic "alarms" has an invalid value: reason: expected hot or cold',
    'server room is too hot: 41 degrees',
    'cellar is too cold: -3.2 degrees',
  ])
  await kafka.topic('alarms').received(2, { value: 'json' })
})

test('types follow from the topics', () => {
  type Messages = MessagesOf<{ groupId: string; codecs: typeof topics }>
  expectTypeOf<Messages['temperatures']['value']>().toEqualTypeOf<Temperature>()
  expectTypeOf<Messages['alarms']['value']>().toEqualTypeOf<Alarm>()
  expectTypeOf<Extract<EachMessagePayload<Messages>, { topic: 'alarms' }>['message']['key']>().toEqualTypeOf<string>()
  expectTypeOf<Batch<Messages>['topic']>().toEqualTypeOf<'temperatures' | 'alarms'>()

  const producer = new Kafka({ brokers: ['localhost:9092'] }).producer({ serializers: { topics } })
  type Value<Topic extends 'temperatures' | 'alarms'> = Parameters<typeof producer.send<Topic>>[0]['messages'][number]['value']
  expectTypeOf<Value<'temperatures'>>().toEqualTypeOf<Temperature | null>()
  expectTypeOf<Value<'alarms'>>().toEqualTypeOf<Alarm | null>()
})
