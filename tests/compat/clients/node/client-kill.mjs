// A consumer in a process of its own that is killed while it works: OTTLA_BOOTSTRAP, TOPIC, GROUP and PROTOCOL say where and how. It prints `begun` and
// `handled PARTITION OFFSET` before and after each message, in one write, so that what was printed has happened.
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from '@ottla/client'

const { OTTLA_BOOTSTRAP = '', TOPIC = '', GROUP = '', PROTOCOL = 'classic' } = process.env

const kafka = new Kafka({ brokers: [OTTLA_BOOTSTRAP], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50 } })
const consumer = kafka.consumer({
  groupId: GROUP,
  groupProtocol: PROTOCOL,
  sessionTimeout: 1_000,
  heartbeatInterval: 100,
  rebalanceTimeout: 3_000,
  maxWaitTimeInMs: 100,
  offsetReset: 'earliest',
})
consumer.on(consumer.events.CRASH, ({ payload }) => console.error(payload.error))
await consumer.subscribe({ topics: [TOPIC] })
await consumer.run({
  concurrency: 4,
  order: 'key',
  eachMessage: async ({ partition, message }) => {
    writeSync(1, `begun ${partition} ${message.offset}\n`)
    await sleep(1 + (Number(message.offset) % 7))
    writeSync(1, `handled ${partition} ${message.offset}\n`)
  },
})
const end = async () => {
  await consumer.disconnect()
  process.exit(0)
}
process.on('SIGTERM', () => void end())
