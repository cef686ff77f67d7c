// The producer when connections break and brokers stop: nothing is lost, doubled or out of order, and what cannot be sent is said.
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchBuilder, produceApi } from '@ottla/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker as startProcess } from '../compat/broker.ts'
import { Pipe } from '../load/pipe.ts'
import type { TestBroker } from './broker.ts'
import { startBroker } from './broker.ts'
import { batchesOf, freshTopic, producerOf, recordsIn, type Sockets } from './producer-world.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index))

test('with connections that break all the time, every message is written once and in order', async () => {
  const sockets: Sockets = new Set()
  const topic = await freshTopic(broker.bootstrap, 2)
  await using producer = await producerOf(broker.bootstrap, {}, sockets)
  const sends: Promise<unknown>[] = []
  for (const value of numbers(400)) {
    sends.push(producer.send({ topic, messages: [0, 1].map(partition => ({ partition, value })) }))
    if (sends.length % 3 === 0) await sleep(1)
    if (sends.length % 40 === 0) for (const socket of sockets) socket.destroy()
  }
  await Promise.all(sends)
  for (const partition of [0, 1]) {
    const records = await recordsIn(broker.bootstrap, topic, partition)
    expect(records.map(({ value }) => value)).toEqual(numbers(400))
  }
})

test('a broker that is killed and started again gets every message once and in order', async () => {
  await using killed = await startProcess({ 'log.flush.mode': 'ack' })
  const topic = await freshTopic(killed.bootstrap)
  await using producer = await producerOf(killed.bootstrap)
  const sends: Promise<unknown>[] = []
  for (const value of numbers(120)) {
    sends.push(producer.send({ topic, messages: [{ value }] }))
    await sleep(2)
    if (sends.length === 70) {
      await killed.kill()
      await killed.start()
    }
  }
  await Promise.all(sends)
  expect((await recordsIn(killed.bootstrap, topic)).map(({ value }) => value)).toEqual(numbers(120))
}, 60_000)

test('a producer id that the broker forgot is replaced by a higher epoch', async () => {
  const topic = await freshTopic(broker.bootstrap)
  await using producer = await producerOf(broker.bootstrap)
  await producer.send({ topic, messages: [{ value: 'before' }] })
  const [first] = await batchesOf(broker.bootstrap, topic)
  const { producerId, producerEpoch } = first ?? { producerId: -1, producerEpoch: -1 }
  // Somebody with the same name goes on: the producer's next sequence is one that was used.
  const pipe = await Pipe.open(Number(broker.bootstrap.split(':')[1]))
  const other = new BatchBuilder({ producerId, producerEpoch, baseSequence: 1 })
  for (const value of ['a', 'b', 'c']) other.append({ timestamp: 1, value })
  const records = other.build().bytes
  await pipe.ask(produceApi, 9, { acks: -1, timeoutMs: 1000, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }] })
  pipe.close()
  await producer.send({ topic, messages: [{ value: 'after' }] })
  const batches = await batchesOf(broker.bootstrap, topic)
  expect(batches.at(-1)).toMatchObject({ producerId, producerEpoch: producerEpoch + 1, baseSequence: 0 })
  await producer.send({ topic, messages: [{ value: 'more' }] })
  expect((await recordsIn(broker.bootstrap, topic)).map(({ value }) => value)).toEqual(['before', 'a', 'b', 'c', 'after', 'more'])
})

test('what is not acknowledged within the delivery time-out fails with what kept it', async () => {
  const own = await startBroker()
  const topic = await freshTopic(own.bootstrap)
  const producer = await producerOf(own.bootstrap, { deliveryTimeoutMs: 400 })
  await producer.send({ topic, messages: [{ value: 'fine' }] })
  await own[Symbol.asyncDispose]()
  await expect(producer.send({ topic, messages: [{ value: 'late' }] })).rejects.toThrow(/not acknowledged within the delivery time-out/)
  await producer.disconnect()
})

test('without idempotence tries are counted, and the last error told', async () => {
  const own = await startBroker()
  const topic = await freshTopic(own.bootstrap)
  const producer = await producerOf(own.bootstrap, { idempotent: false, retry: { retries: 2, initialRetryTime: 5 } })
  await producer.send({ topic, messages: [{ value: 'fine' }] })
  expect((await batchesOf(own.bootstrap, topic))[0]?.producerId).toBe(-1)
  await own[Symbol.asyncDispose]()
  await expect(producer.send({ topic, messages: [{ value: 'lost' }] })).rejects.toMatchObject({
    name: 'KafkaJSNumberOfRetriesExceeded',
    retryCount: 2,
  })
  await producer.disconnect()
})

test('sends wait for memory in order, up to maxBlockMs, and a signal ends the wait', async () => {
  const own = await startBroker()
  const topic = await freshTopic(own.bootstrap)
  const producer = await producerOf(own.bootstrap, { bufferMemory: 1000, maxBlockMs: 300, deliveryTimeoutMs: 700 })
  const value = 'x'.repeat(300)
  const sends = numbers(20).map(n => producer.send({ topic, messages: [{ key: n, value }] }))
  await Promise.all(sends)
  expect((await recordsIn(own.bootstrap, topic)).map(({ key }) => key)).toEqual(numbers(20))
  await own[Symbol.asyncDispose]()
  const stuck = Promise.allSettled([1, 2].map(() => producer.send({ topic, messages: [{ value }] })))
  const stop = new AbortController()
  const aborted = producer.send({ topic, messages: [{ value }], signal: stop.signal })
  stop.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  await expect(producer.send({ topic, messages: [{ value }] })).rejects.toThrow(/No room for \d+ bytes within 300 ms/)
  await stuck
  await producer.disconnect()
})

test('disconnect sends what it was given, and then refuses', async () => {
  const topic = await freshTopic(broker.bootstrap)
  const producer = await producerOf(broker.bootstrap, { lingerMs: 10_000 })
  const sends = numbers(50).map(value => producer.send({ topic, messages: [{ value }] }))
  const gone = producer.disconnect()
  await expect(producer.send({ topic, messages: [{ value: 'x' }] })).rejects.toThrow(/The producer is disconnecting/)
  await gone
  await Promise.all(sends)
  expect((await recordsIn(broker.bootstrap, topic)).length).toBe(50)
  await expect(producer.send({ topic, messages: [{ value: 'x' }] })).rejects.toThrow(/The producer is disconnected/)
  await producer.connect()
  const again = producer.send({ topic, messages: [{ value: 'again' }] })
  await producer.disconnect()
  await again
})
