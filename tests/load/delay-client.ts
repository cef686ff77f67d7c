// One client that sends 1,000 records of 1 KiB a second, one a send, and consumes them, in a process of its own:
// `node delay-client.js <client> <port> <topic> <seconds>` prints the delays from when a record was due to when its handler was called, as JSON, in ms.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka as OttlaKafka, logLevel as ottlaLogLevel } from '@ottla/client'
import { Consumer, MessagesStreamModes, ProduceAcks, Producer } from '@platformatic/kafka'
import { Kafka, logLevel, Partitioners } from 'kafkajs'

const [, , client = '', port = '', topic = '', seconds = ''] = process.argv
const broker = `127.0.0.1:${port}`
const WARM_UP = 2000
const groupId = `delay-${client}-${process.pid}`

/** What a client's records took, in ms. */
export interface Delays {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly cpuSeconds: number
}

type Send = (value: Buffer) => Promise<unknown>
type Received = (value: Buffer | null | undefined) => void

interface KafkaLike {
  producer(options?: object): { connect(): Promise<void>; send(record: { topic: string; messages: { value: Buffer }[] }): Promise<unknown> }
  consumer(options: { groupId: string; maxWaitTimeInMs: number }): {
    connect(): Promise<void>
    subscribe(subscription: { topics: string[]; fromBeginning: boolean }): Promise<void>
    run(how: { eachMessage(payload: { message: { value: Buffer | null } }): Promise<void> }): Promise<void>
  }
}

async function kafkaLike(kafka: KafkaLike, received: Received, options?: object): Promise<Send> {
  const producer = kafka.producer(options)
  await producer.connect()
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 500 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => received(message.value) })
  return value => producer.send({ topic, messages: [{ value }] })
}

const prepare: Readonly<Record<string, (received: Received) => Promise<Send>>> = {
  ottla: received => kafkaLike(new OttlaKafka({ brokers: [broker], logLevel: ottlaLogLevel.ERROR }), received),
  kafkajs: received =>
    kafkaLike(new Kafka({ brokers: [broker], logLevel: logLevel.ERROR }), received, { createPartitioner: Partitioners.DefaultPartitioner }),
  async platformatic(received) {
    const producer = new Producer({ clientId: 'load', bootstrapBrokers: [broker] })
    const consumer = new Consumer({ clientId: 'load', bootstrapBrokers: [broker], groupId, maxWaitTime: 500 })
    const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST })
    stream.on('data', message => received(message.value))
    return value => producer.send({ messages: [{ topic, value }], acks: ProduceAcks.ALL })
  },
}

const delays: number[] = []
let expected = Number.POSITIVE_INFINITY
const done = new EventTarget()
let count = 0
const received: Received = value => {
  count++
  const due = value?.readDoubleBE(0) ?? Number.NaN
  if (count > WARM_UP) delays.push(performance.now() - due)
  if (count >= expected) done.dispatchEvent(new Event('all'))
}

const send = await prepare[client]?.(received)
if (send === undefined) throw new Error(`No client ${client}`)
const total = WARM_UP + Number(seconds) * 1000
expected = total
const all = once(done, 'all')
const sends: Promise<unknown>[] = []
const began = performance.now()
const before = process.cpuUsage()
for (let sent = 0; sent < total; ) {
  for (const now = performance.now(); sent < total && began + sent <= now; sent++) {
    const value = Buffer.alloc(1024, 'v')
    value.writeDoubleBE(began + sent, 0)
    sends.push(send(value))
  }
  await sleep(1)
}
await Promise.all(sends)
await all
const { user, system } = process.cpuUsage(before)
const sorted = delays.toSorted((a, b) => a - b)
const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN
const found: Delays = { p50: at(0.5), p99: at(0.99), p999: at(0.999), cpuSeconds: (user + system) / 1e6 }
console.log(JSON.stringify(found))
process.exit(0)
