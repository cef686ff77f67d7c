// What KafkaJS 2.2.4 does not come back from when its broker goes, whichever broker: OTTLA_COMPAT_KAFKA=1 shows the same with Apache Kafka. Our
// tests that kill a broker under KafkaJS start its programs again for that reason. A newer KafkaJS that fails here needs it no more.
import kafkajs from 'kafkajs'
import { endTxnApi, findCoordinatorApi } from '@ottla/protocol'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cutting } from './cutting.ts'
import { createTopic } from './group-run.ts'
import { startTested, type TestedBroker } from './transaction-broker.ts'

const { Kafka, logLevel, Partitioners } = kafkajs
const retry = { initialRetryTime: 50, maxRetryTime: 200, retries: 1 }
const ofGroup = { sessionTimeout: 6000, heartbeatInterval: 300, maxWaitTimeInMs: 100, retry }

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
    requestTimeout: 1000,
    retry: { ...retry, retries: 10 },
    socketFactory: ({ onConnect }) => connect(cutting.port, '127.0.0.1', onConnect),
  })

it('a consumer whose FindCoordinator is not answered gives up for good', async () => {
  await createTopic(broker.port, 'found', 1)
  await using cutting = await Cutting.before(broker.port)
  const consumer = kafkaThrough(cutting).consumer({ groupId: 'found', ...ofGroup })
  const crash = new Promise<kafkajs.ConsumerCrashEvent['payload']>(resolve => {
    consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload))
  })
  await consumer.connect()
  await consumer.subscribe({ topics: ['found'] })
  const cut = cutting.atRequest(findCoordinatorApi.key)
  await consumer.run({ eachMessage: async () => {} })
  await cut
  const { error, restart } = await crash
  expect(error.name).toBe('KafkaJSGroupCoordinatorNotFound')
  expect(restart).toBe(false)
})

it('a transactional producer whose EndTxn is not answered makes no transaction any more', async () => {
  await createTopic(broker.port, 'ended', 1)
  await using cutting = await Cutting.before(broker.port)
  const producer = kafkaThrough(cutting).producer({
    transactionalId: 'ended',
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic: 'ended', messages: [{ value: 'one' }] })
  const cut = cutting.atRequest(endTxnApi.key)
  await expect(transaction.commit()).rejects.toThrow('Closed connection')
  await cut
  await expect(transaction.abort()).rejects.toThrow('Cannot continue to use transaction once ended')
  for (let attempt = 0; attempt < 3; attempt++)
    await expect(producer.transaction()).rejects.toThrow('Cannot call "beginTransaction" in state "COMMITTING"')
  await producer.disconnect()
})

it('a consumer whose connection is reset within a reply reads nothing any more, also when it starts anew by itself', async () => {
  await createTopic(broker.port, 'reset', 1)
  await using cutting = await Cutting.before(broker.port)
  const kafka = kafkaThrough(cutting)
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  const consumer = kafka.consumer({ groupId: 'reset', ...ofGroup })
  const send = () => producer.send({ topic: 'reset', messages: [{ value: 'x'.repeat(50_000) }] })
  const seen = { records: 0, crashes: 0 }
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    expect(payload.restart).toBe(true)
    seen.crashes += 1
  })
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topics: ['reset'], fromBeginning: true })
  await consumer.run({ eachMessage: async () => void (seen.records += 1) })
  await send()
  while (seen.records === 0) await sleep(20)
  const cut = cutting.inReply(20_000)
  await send()
  await cut
  const before = seen.records
  // What came of the reply stays where the next replies are put together, for as long as there is this connection's object.
  while (seen.crashes < 2) await sleep(50)
  await send()
  await sleep(2000)
  expect(seen.records).toBe(before)
  await producer.disconnect()
  // Its end waits for what never comes, so nobody waits for that.
  void consumer.disconnect()
})
