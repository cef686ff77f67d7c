// The sender over brokers that break connections, lose answers, move leaders and forget producers: exactly once, in order, at most five under way.
import { describe, expect, test, vi } from 'vitest'
import { chanceOf, type Mishaps, ModelBrokers, noMishaps } from './model-brokers-testing.ts'
import { createProducer } from './producer.ts'
import type { Producer, ProducerConfig } from './types.ts'

const PARTITIONS = 3

async function started(seed: number, config: ProducerConfig = {}): Promise<{ brokers: ModelBrokers; producer: Producer }> {
  const brokers = new ModelBrokers(PARTITIONS, chanceOf(seed))
  const producer = createProducer(brokers, config)
  await producer.connect()
  return { brokers, producer }
}

/** Lets time pass until the promise is settled. */
async function during<T>(brokers: ModelBrokers, promise: Promise<T>): Promise<T> {
  const end = new AbortController()
  const settle = (): void => end.abort()
  promise.then(settle, settle)
  for (let step = 0; step < 20_000 && !end.signal.aborted; step++) await brokers.clock.advance(10)
  return promise
}

/** Sends numbered messages to all partitions; resolves when all are acknowledged. */
async function sendNumbers(brokers: ModelBrokers, producer: Producer, { first, count }: { first: number; count: number }): Promise<void> {
  const sends: Promise<unknown>[] = []
  for (let number = first; number < first + count; number++) {
    const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, value: String(number) }))
    sends.push(producer.send({ topic: 't', messages }))
    if (brokers.random.next() < 0.3) await brokers.clock.advance(Math.floor(brokers.random.next() * 15))
  }
  await during(brokers, Promise.all(sends))
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index))

describe('whatever happens to connections, answers and leaders', () => {
  const mishaps: Mishaps = { broken: 60, lost: 60, moved: 30, late: 30, forgotten: 0 }
  const seeds = Array.from({ length: 15 * Number(process.env.SIMULATION_TIMES) }, (_, index) => index + 1)
  test.each(seeds)('every message is written once and in order, seed %i', async seed => {
    const { brokers, producer } = await started(seed)
    brokers.mishaps = mishaps
    await sendNumbers(brokers, producer, { first: 0, count: 120 })
    for (const { values } of brokers.partitions) expect(values).toEqual(numbers(120))
    expect(brokers.mostInFlight).toBeLessThanOrEqual(5)
    await during(brokers, producer.disconnect())
  })
})

test('a broker that forgot the producer is written to in a new epoch, in order', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { brokers, producer } = await started(seed)
    brokers.mishaps = { ...noMishaps, forgotten: 100, moved: 20 }
    await sendNumbers(brokers, producer, { first: 0, count: 80 })
    for (const { values } of brokers.partitions) expect([...new Set(values)]).toEqual(numbers(80))
    await during(brokers, producer.disconnect())
  }
})

test('what was given up leaves no gap that would keep what is after it from being written', async () => {
  const { brokers, producer } = await started(7, { deliveryTimeoutMs: 500 })
  await sendNumbers(brokers, producer, { first: 0, count: 5 })
  brokers.mishaps = { ...noMishaps, broken: 1000 }
  const lost = Promise.allSettled(
    numbers(5).map(value => producer.send({ topic: 't', messages: [{ partition: 0, value: `lost ${value}` }] })),
  )
  const outcomes = await during(brokers, lost)
  expect(outcomes.map(({ status }) => status)).toEqual(numbers(5).map(() => 'rejected'))
  brokers.mishaps = noMishaps
  await sendNumbers(brokers, producer, { first: 5, count: 5 })
  for (const { values } of brokers.partitions) expect(values).toEqual(numbers(10))
  await during(brokers, producer.disconnect())
})

test('messages that are given up while connections break leave the others in order, none twice', async () => {
  for (let seed = 1; seed <= 10 * Number(process.env.SIMULATION_TIMES); seed++) {
    const { brokers, producer } = await started(seed, { deliveryTimeoutMs: 400 })
    brokers.mishaps = { broken: 150, lost: 150, moved: 20, late: 20, forgotten: 0 }
    const sends: Promise<'sent' | 'lost'>[] = []
    for (const value of numbers(100)) {
      const send = producer.send({ topic: 't', messages: [{ partition: 0, value }] })
      sends.push(
        send.then(
          () => 'sent',
          () => 'lost',
        ),
      )
      await brokers.clock.advance(Math.floor(brokers.random.next() * 30))
      if (sends.length === 80) brokers.mishaps = noMishaps
    }
    const outcomes = await during(brokers, Promise.all(sends))
    await brokers.clock.advance(2000)
    await during(brokers, producer.send({ topic: 't', messages: [{ partition: 0, value: '100' }] }))
    const written = (brokers.partitions[0]?.values ?? []).map(Number)
    expect(written).toEqual([...new Set(written)].toSorted((a, b) => a - b))
    expect(outcomes.flatMap((outcome, index) => (outcome === 'lost' || written.includes(index) ? [] : [index]))).toEqual([])
    expect(written.at(-1)).toBe(100)
    await during(brokers, producer.disconnect())
  }
})

test('five requests are under way at once, and no more', async () => {
  const { brokers, producer } = await started(3, { batchSize: 100 })
  const sends = numbers(40).map(value => producer.send({ topic: 't', messages: [{ partition: 0, value: value.padStart(60) }] }))
  await during(brokers, Promise.all(sends))
  expect(brokers.mostInFlight).toBe(5)
  expect(brokers.partitions[0]?.values.map(Number)).toEqual(numbers(40).map(Number))
  const single = await started(4, { batchSize: 100, maxInFlightRequests: 1 })
  const more = numbers(10).map(value => single.producer.send({ topic: 't', messages: [{ partition: 0, value: value.padStart(60) }] }))
  await during(single.brokers, Promise.all(more))
  expect(single.brokers.mostInFlight).toBe(1)
})

test('while requests are under way messages gather in larger batches', async () => {
  const { brokers, producer } = await started(5, { maxInFlightRequests: 1 })
  await sendNumbers(brokers, producer, { first: 0, count: 400 })
  expect(brokers.requests).toBeLessThan(200)
})

test('a timer for each request is not needed: one serves all batches', async () => {
  const { brokers, producer } = await started(6)
  const after = vi.spyOn(brokers.clock, 'after')
  for (const value of numbers(50)) await during(brokers, producer.send({ topic: 't', messages: [{ partition: 0, value }] }))
  // Each request waits once at the model's broker.
  expect(after.mock.calls.length - brokers.requests).toBeLessThanOrEqual(2)
  await during(brokers, producer.disconnect())
})
