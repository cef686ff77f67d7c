// One client that produces for some seconds, in a process of its own so that its processor time is its own:
// `node produce-client.js <client> <port> <topic> <record bytes> <seconds>` prints what it measured as JSON. 1,000 records a send, five sends under way.
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka as OttlaKafka, logLevel as ottlaLogLevel } from '@ottla/client'
import { type MessageToProduce, ProduceAcks, Producer } from '@platformatic/kafka'
import { Kafka, logLevel, Partitioners } from 'kafkajs'

const [, , client = '', port = '', topic = '', recordBytes = '', seconds = ''] = process.argv
const broker = `127.0.0.1:${port}`
const RECORDS_PER_SEND = 1000
const LANES = 5
const WARM_UP_MS = 2000

/** What a client did. */
export interface Produced {
  readonly records: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMiB: number
}

type Send = () => Promise<unknown>

const value = Buffer.alloc(Number(recordBytes), 'v')
const messages = Array.from({ length: RECORDS_PER_SEND }, () => ({ value }))

const prepare: Readonly<Record<string, () => Promise<Send>>> = {
  async ottla() {
    const producer = new OttlaKafka({ brokers: [broker], logLevel: ottlaLogLevel.ERROR }).producer()
    await producer.connect()
    return () => producer.send({ topic, messages })
  },
  async kafkajs() {
    const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR })
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    return () => producer.send({ topic, messages })
  },
  async platformatic() {
    const producer = new Producer({ clientId: 'load', bootstrapBrokers: [broker] })
    const list: MessageToProduce[] = messages.map(message => ({ topic, ...message }))
    return () => producer.send({ messages: list, acks: ProduceAcks.ALL })
  },
}

const send = await prepare[client]?.()
if (send === undefined) throw new Error(`No client ${client}`)
let sent = 0
const over = new AbortController()
const lanes = Array.from({ length: LANES }, async () => {
  while (!over.signal.aborted) {
    await send()
    sent += RECORDS_PER_SEND
  }
})
await sleep(WARM_UP_MS)
const before = { sent, cpu: process.cpuUsage(), at: performance.now() }
await sleep(Number(seconds) * 1000)
const { user, system } = process.cpuUsage(before.cpu)
const produced: Produced = {
  records: sent - before.sent,
  seconds: (performance.now() - before.at) / 1000,
  cpuSeconds: (user + system) / 1e6,
  peakMiB: process.resourceUsage().maxRSS / 1024,
}
over.abort()
await Promise.all(lanes)
console.log(JSON.stringify(produced))
process.exit(0)
