// Dead letters are read and replayed to where they came from, against our broker.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { IHeaders } from '../../packages/client/src/consumer/fetch/message.ts'
import { Kafka } from '../../packages/client/src/kafka.ts'
import { logLevel } from '../../packages/client/src/logger.ts'
import type { OnceMark, OnceStore } from '../../packages/client/src/once/once.ts'
import { once } from '../../packages/client/src/once/once.ts'
import type { DeadLetter } from '../../packages/client/src/redelivery/dead-letters.ts'
import { deadLetters } from '../../packages/client/src/redelivery/dead-letters.ts'
import { replayDeadLetters } from '../../packages/client/src/redelivery/replay.ts'
import type { TestBroker } from './broker.ts'
import { startBroker } from './broker.ts'

let broker: TestBroker
let kafka: Kafka
const groupId = 'billing'
const from = 'orders.billing.dlt'

beforeAll(async () => {
  broker = await startBroker()
  kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20 } })
  await using admin = kafka.admin()
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 3 }, { topic: 'elsewhere' }] })
})
afterAll(() => broker[Symbol.asyncDispose]())

const collected = async (query: Parameters<typeof deadLetters>[1]) => {
  const found: DeadLetter[] = []
  for await (const letter of deadLetters(kafka, query)) found.push(letter)
  return found.toSorted((a, b) => Number(a.value) - Number(b.value))
}
const values = (letters: readonly DeadLetter[]) => letters.map(({ value }) => String(value))

/** A store in memory, whose transactions are the work itself. */
class MemoryOnce implements OnceStore<null> {
  readonly marks: OnceMark[] = []
  async once(mark: OnceMark, work: (transaction: null) => Promise<void>): Promise<boolean> {
    if (this.marks.some(({ group, id }) => group === mark.group && id === mark.id)) return false
    await work(null)
    this.marks.push(mark)
    return true
  }
}

test('messages die, are read, and are replayed once', async () => {
  const store = new MemoryOnce()
  const handled: { value: string; partition: number; headers: IHeaders | undefined }[] = []
  const skipped: OnceMark[] = []
  let broken = true
  const exactlyOnce = once(store, { skipped: mark => void skipped.push(mark) })
  await using producer = kafka.producer()
  await producer.connect()
  const messages = [0, 1, 2, 3, 4, 5].map(value => ({
    key: `k${value}`,
    value: String(value),
    partition: value % 3,
    headers: { h: String(value) },
  }))
  await producer.send({ topic: 'orders', messages })
  await using consumer = kafka.consumer({ groupId })
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  const died: string[] = []
  consumer.on('consumer.dead_letter', ({ payload }) => void died.push(payload.offset))
  await consumer.run({
    deadLetter: {},
    eachMessage: exactlyOnce(async ({ partition, message }) => {
      if (broken) throw Number(message.value) % 2 === 0 ? new RangeError('even') : new TypeError('odd one')
      handled.push({ value: String(message.value), partition, headers: message.headers })
    }),
  })
  await expect.poll(() => died.length, { timeout: 10_000 }).toBe(6)
  broken = false

  const letters = await collected({ from })
  expect(values(letters)).toEqual(['0', '1', '2', '3', '4', '5'])
  expect(letters[4]).toMatchObject({
    key: Buffer.from('k4'),
    headers: { h: Buffer.from('4') },
    origin: { topic: 'orders', partition: 1, offset: '1', group: groupId },
    exception: { exception: 'RangeError', message: 'even' },
    attempts: 1,
  })
  expect(values(await collected({ from, error: 'TypeError' }))).toEqual(['1', '3', '5'])
  expect(values(await collected({ from, error: 'even', where: ({ key }) => String(key) !== 'k0' }))).toEqual(['2', '4'])
  expect(await collected({ from, limit: 2 })).toHaveLength(2)
  expect(await collected({ from, since: Date.now() + 60_000 })).toEqual([])
  expect(await collected({ from, until: Date.now() - 3_600_000 })).toEqual([])
  const { partition = 0, offset = '' } = letters[3] ?? {}
  expect(values(await collected({ from, offsets: { [partition]: { first: Number(offset), last: offset } } }))).toEqual(['3'])

  const dry = await replayDeadLetters(kafka, { from, error: 'RangeError', dryRun: true })
  expect(dry).toMatchObject({ matched: 3, replayed: 0, withoutOrigin: 0 })
  expect(dry.letters.map(({ to }) => to)).toEqual(['orders', 'orders', 'orders'])
  expect(handled).toEqual([])
  expect(await replayDeadLetters(kafka, { from, error: 'RangeError' })).toMatchObject({ matched: 3, replayed: 3 })
  await expect.poll(() => handled.map(({ value }) => value).toSorted(), { timeout: 10_000 }).toEqual(['0', '2', '4'])
  const two = handled.find(({ value }) => value === '2')
  expect(two).toMatchObject({ partition: 2, headers: { h: Buffer.from('2') } })
  expect(String(two?.headers?.['ottla_replay-origin'])).toMatch(/^orders\/2\/0\/\d+$/)
  expect(Object.keys(two?.headers ?? {}).filter(name => name.startsWith('kafka_'))).toEqual([])

  expect(await replayDeadLetters(kafka, { from })).toMatchObject({ matched: 6, replayed: 6 })
  await expect.poll(() => handled.map(({ value }) => value).toSorted(), { timeout: 10_000 }).toEqual(['0', '1', '2', '3', '4', '5'])
  await expect.poll(() => skipped.length).toBe(3)
})

test('letters of unknown origin need a target', async () => {
  await using producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'strange.dlt', messages: [{ key: 'k', value: 'v', headers: { own: 'x' } }] })
  expect(await replayDeadLetters(kafka, { from: 'strange.dlt' })).toEqual({ matched: 1, replayed: 0, withoutOrigin: 1, letters: [] })
  const to = await replayDeadLetters(kafka, { from: 'strange.dlt', to: letter => (letter.origin === null ? 'elsewhere' : null) })
  expect(to).toEqual({ matched: 1, replayed: 1, withoutOrigin: 0, letters: [{ partition: 0, offset: '0', to: 'elsewhere' }] })
  const [moved] = await collected({ from: 'elsewhere' })
  expect(moved).toMatchObject({
    key: Buffer.from('k'),
    headers: { own: Buffer.from('x'), 'ottla_replay-letter': Buffer.from('strange.dlt/0/0') },
  })
})

test('nothing is replayed to an internal topic, and in sends of bounded size', async () => {
  const origin = { 'kafka_dlt-original-partition': '0', 'kafka_dlt-original-offset': '5' }
  await using producer = kafka.producer()
  await producer.connect()
  const hostile = { value: 'h', headers: { ...origin, 'kafka_dlt-original-topic': '__consumer_offsets' } }
  await producer.send({ topic: 'odd.dlt', messages: [hostile] })
  const value = Buffer.alloc(900_000, 'x')
  for (let sent = 0; sent < 10; sent++)
    await producer.send({ topic: 'odd.dlt', messages: [{ value, headers: { ...origin, 'kafka_dlt-original-topic': 'elsewhere' } }] })
  expect(await replayDeadLetters(kafka, { from: 'odd.dlt' })).toMatchObject({ matched: 11, replayed: 10, withoutOrigin: 1 })
})

test('a partition whose end is a marker of a transaction is read to its end', async () => {
  await using producer = kafka.producer({ transactionalId: 'tx' })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic: 'transactional.dlt', messages: [{ value: '1' }] })
  await transaction.commit()
  expect(values(await collected({ from: 'transactional.dlt' }))).toEqual(['1'])
})

test('wrong questions are refused, and a topic that is not there is named', async () => {
  await expect(collected({ from: '' })).rejects.toThrow('Invalid topic ""')
  await using producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'some.dlt', messages: [{ value: 'v' }] })
  await expect(collected({ from: 'some.dlt', since: Number.NaN })).rejects.toThrow('Invalid since NaN')
  await expect(collected({ from: 'some.dlt', offsets: { 0: { first: 'x' } } })).rejects.toThrow('Invalid offset x')
  await expect(collected({ from: 'missing.dlt' })).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' })
})

test('a dead letter says what its timestamp was', async () => {
  await using admin = kafka.admin()
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
  await admin.createTopics({ topics: [{ topic: 'stamped', configEntries }, { topic: 'unstamped' }] })
  await using producer = kafka.producer()
  await producer.connect()
  for (const topic of ['stamped', 'unstamped']) await producer.send({ topic, messages: [{ value: topic, timestamp: '1700000000000' }] })
  await using consumer = kafka.consumer({ groupId: 'stamps' })
  await consumer.subscribe({ topics: ['stamped', 'unstamped'], fromBeginning: true })
  let died = 0
  consumer.on('consumer.dead_letter', () => void died++)
  await consumer.run({ deadLetter: {}, eachMessage: async () => Promise.reject(new Error('no')) })
  await expect.poll(() => died, { timeout: 10_000 }).toBe(2)
  for (const [topic, timestampType] of [['stamped', 'LogAppendTime'] as const, ['unstamped', 'CreateTime'] as const])
    expect((await collected({ from: `${topic}.stamps.dlt` })).map(({ origin }) => origin)).toMatchObject([{ topic, timestampType }])
})
