// Ends of connections that KafkaJS does not come back from (kafkajs-ends.test.ts): with @ottla/client in its place the program goes on.
import { Kafka, logLevel } from '@ottla/client'
import { endTxnApi, findCoordinatorApi } from '@ottla/protocol'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cutting } from './cutting.ts'
import { createTopic } from './group-run.ts'
import { startTested, type TestedBroker } from './transaction-broker.ts'

let broker: TestedBroker
beforeAll(async () => {
  broker = await startTested()
})
afterAll(() => broker[Symbol.asyncDispose]())

/** A client of which all connections go through `cutting`, also those to the address that the broker gives. */
const kafkaThrough = (cutting: Cutting) =>
  new Kafka({
    brokers: [broker.bootstrap],
    logLevel: logLevel.NOTHING,
    socketFactory: ({ onConnect }) => connect(cutting.port, '127.0.0.1', onConnect),
  })

/** Sends and reads texts of one topic; calls `cut` after the first was read, or before anything. */
async function readThrough(topic: string, values: readonly string[], cut: (cutting: Cutting) => Promise<void>, isFirst: boolean) {
  await createTopic(broker.port, topic, 1)
  await using cutting = await Cutting.before(broker.port)
  const kafka = kafkaThrough(cutting)
  const [producer, consumer] = [kafka.producer(), kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 })]
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const read: (string | undefined)[] = []
  const early = isFirst ? cut(cutting) : undefined
  await consumer.run({ eachMessage: async ({ message }) => void read.push(message.value?.toString()) })
  await early
  for (const [index, value] of values.entries()) {
    const late = index === 1 && !isFirst ? cut(cutting) : undefined
    await producer.send({ topic, messages: [{ value }] })
    await late
    while (read.length <= index) await sleep(20)
  }
  expect(read).toEqual(values)
  await Promise.all([producer.disconnect(), consumer.disconnect()])
}

it('a consumer whose FindCoordinator is not answered asks again', () =>
  readThrough('client-found', ['a'], cutting => cutting.atRequest(findCoordinatorApi.key), true))

it('a consumer whose connection is reset within a reply reads it again', () => {
  const values = ['a', 'b', 'c'].map(letter => letter.repeat(50_000))
  return readThrough('client-reset', values, cutting => cutting.inReply(20_000), false)
})

it('a transactional producer whose EndTxn is not answered ends it all the same, and begins another', async () => {
  await createTopic(broker.port, 'client-ended', 1)
  await using cutting = await Cutting.before(broker.port)
  const producer = kafkaThrough(cutting).producer({ transactionalId: 'client-ended', idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const cut = cutting.atRequest(endTxnApi.key)
  for (const value of ['one', 'two']) {
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'client-ended', messages: [{ value }] })
    await transaction.commit()
    await cut
  }
  await producer.disconnect()
})
