// One client that reads a topic from its beginning, in a process of its own so that its processor time is its own:
// `node consume-client.js <client> <port> <topic> <records>` prints what it measured as JSON. The first tenth is not counted.
import { Kafka as OttlaKafka, logLevel as ottlaLogLevel } from '@ottla/client'
import { Consumer } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { drain } from './consume-floor.ts'

const [, , client = '', port = '', topic = '', records = ''] = process.argv
const broker = `127.0.0.1:${port}`
const groupId = `${client}-${process.pid}`
const total = Number(records)
const warmUp = Math.floor(total / 10)

/** What a client did. */
export interface Consumed {
  readonly records: number
  readonly bytes: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMiB: number
}

let count = 0
let bytes = 0
let startedAt = 0
let startedCount = 0
let cpu = process.cpuUsage()
let finish: (consumed: Consumed) => void = () => undefined
const finished = new Promise<Consumed>(resolve => {
  finish = resolve
})

/** Counts records; what a handler would at least look at was looked at by the caller. */
function counted(more: number, size: number): void {
  count += more
  bytes += size
  if (startedAt === 0) {
    if (count < warmUp) return
    startedAt = performance.now()
    startedCount = count
    bytes = 0
    cpu = process.cpuUsage()
  }
  if (count < total) return
  const { user, system } = process.cpuUsage(cpu)
  finish({
    records: count - startedCount,
    bytes,
    seconds: (performance.now() - startedAt) / 1000,
    cpuSeconds: (user + system) / 1e6,
    peakMiB: process.resourceUsage().maxRSS / 1024,
  })
}

interface Message {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly offset: string
}

/** The same handler for both clients of KafkaJS's API. */
async function eachBatch({ batch }: { readonly batch: { readonly messages: readonly Message[] } }): Promise<void> {
  let size = 0
  for (const { key, value, offset } of batch.messages) size += (key?.length ?? 0) + (value?.length ?? 0) + (offset === '' ? 1 : 0)
  counted(batch.messages.length, size)
}

/** One call a message. */
async function eachMessage({ message: { key, value, offset } }: { readonly message: Message }): Promise<void> {
  counted(1, (key?.length ?? 0) + (value?.length ?? 0) + (offset === '' ? 1 : 0))
}

/** Both ways of KafkaJS's API. */
const handling = client.endsWith('-message') ? { eachMessage } : { eachBatch }

const run: Readonly<Record<string, () => Promise<void>>> = {
  async ottla() {
    const consumer = new OttlaKafka({ brokers: [broker], logLevel: ottlaLogLevel.ERROR }).consumer({ groupId })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run(handling)
  },
  async kafkajs() {
    const consumer = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR }).consumer({ groupId })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run(handling)
  },
  async platformatic() {
    const consumer = new Consumer({ groupId, clientId: groupId, bootstrapBrokers: [broker] })
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true, maxWaitTime: 500 })
    stream.on('data', ({ key, value }) => counted(1, (key?.length ?? 0) + (value?.length ?? 0)))
  },
  /** Counts as many bytes as the records have, which are named in the topic. */
  async socket() {
    const recordBytes = Number(topic.split('-').at(-1))
    drain(Number(port), { topic, partitions: 4 }, size => counted(size / recordBytes, size))
  },
}

await run[client.replace('-message', '')]?.()
console.log(JSON.stringify(await finished))
process.exit(0)
