// What compaction costs those who produce meanwhile: produce at 1,000 requests a second of 1 KiB with acks=all, first beside an idle cleaner, then beside
// one that works, on Ottla and on Apache Kafka: `node compare-cleaning.js [MiB]` after `npm run build`. Latencies in ms.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchBuilder, createTopicsApi, encodeRequest, incrementalAlterConfigsApi, produceApi, readResponse } from '@ottla/protocol'
import { startBroker } from '../compat/broker.ts'
import { prepare } from './group-loads.ts'
import { type MeasuredBroker, startKafka } from './kafka.ts'
import { Pipe } from './pipe.ts'

const MEBIBYTE = 1_048_576
const toCompact = Number(process.argv[2] ?? 1000) * MEBIBYTE
const IDLE_SECONDS = 8
const VERSION = 9
const COMPACTED = 'compacted'
const PRODUCED = 'produced'
const KEYS = 200_000
const RECORDS_A_BATCH = 500

const settings = { 'log.cleaner.backoff.ms': '200' }

async function startOttla(): Promise<MeasuredBroker> {
  const broker = await startBroker({ 'log.flush.mode': 'os', ...settings })
  return {
    name: 'ottla',
    port: broker.port,
    pid: broker.pid,
    data: broker.data,
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  }
}

const frameOf = (topic: string, records: Buffer): Buffer => {
  const body = { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }] }
  return Buffer.concat(encodeRequest({ api: produceApi, version: VERSION, correlationId: 7, clientId: 'load', body }))
}

const codeOf = (answer: Buffer): number | undefined =>
  readResponse(produceApi, VERSION, answer).body.responses[0]?.partitionResponses[0]?.errorCode

const expectNone = (answer: Buffer): void => {
  const code = codeOf(answer)
  if (code !== 0) throw new Error(`produce: error ${code}`)
}

/** A topic that was just made may not be known to its own broker yet. */
async function awaitTopic(pipe: Pipe, topic: string): Promise<void> {
  const frame = frameOf(topic, new BatchBuilder().append({ key: 'first', value: 'v' }).build().bytes)
  while (codeOf(await pipe.send(frame)) !== 0) await sleep(100)
}

async function fill(pipe: Pipe): Promise<void> {
  const value = Buffer.alloc(1000, 'v')
  let key = 0
  for (let bytes = 0; bytes < toCompact; ) {
    const builder = new BatchBuilder({}, RECORDS_A_BATCH * 1050)
    for (let record = 0; record < RECORDS_A_BATCH; record++) {
      key = (key * 48_271 + 11) % KEYS
      builder.append({ timestamp: Date.now(), key: `key-${key}`, value })
    }
    const records = builder.build().bytes
    bytes += records.length
    expectNone(await pipe.send(frameOf(COMPACTED, records)))
  }
}

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN

/** A request each millisecond, counted from when it was due, until `isOver`. */
async function latencies(pipe: Pipe, isOver: () => boolean): Promise<number[]> {
  const frame = frameOf(PRODUCED, new BatchBuilder().append({ timestamp: Date.now(), value: Buffer.alloc(1000, 'v') }).build().bytes)
  const found: number[] = []
  const answers: Promise<void>[] = []
  const began = performance.now()
  for (let sent = 0; !isOver(); ) {
    for (const now = performance.now(); began + sent < now; sent++) {
      const due = began + sent
      answers.push(
        pipe.send(frame).then(answer => {
          expectNone(answer)
          found.push(performance.now() - due)
        }),
      )
    }
    await sleep(0)
  }
  await Promise.all(answers)
  return found
}

/** Up to where the cleaner has got, as the broker notes it at the end of each pass. */
const cleanedTo = (data: string): number => {
  try {
    const line = readFileSync(join(data, 'cleaner-offset-checkpoint'), 'utf8')
      .split('\n')
      .find(each => each.startsWith(`${COMPACTED} 0 `))
    return Number(line?.split(' ')[2] ?? 0)
  } catch {
    return 0
  }
}

async function measure(broker: MeasuredBroker): Promise<number[]> {
  await prepare(broker, PRODUCED, 1)
  const pipe = await Pipe.open(broker.port)
  const configs = Object.entries({ 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '1.0', 'segment.bytes': '67108864' })
  await pipe.ask(createTopicsApi, 5, {
    topics: [
      {
        name: COMPACTED,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: configs.map(([name, value]) => ({ name, value })),
      },
    ],
    timeoutMs: 30_000,
    validateOnly: false,
  })
  for (const topic of [COMPACTED, PRODUCED]) await awaitTopic(pipe, topic)
  await fill(pipe)
  const idleEnds = performance.now() + IDLE_SECONDS * 1000
  const idle = await latencies(pipe, () => performance.now() >= idleEnds)
  const began = performance.now()
  await pipe.ask(incrementalAlterConfigsApi, 1, {
    resources: [
      { resourceType: 2, resourceName: COMPACTED, configs: [{ name: 'min.cleanable.dirty.ratio', configOperation: 0, value: '0.01' }] },
    ],
    validateOnly: false,
  })
  const busy = await latencies(pipe, () => cleanedTo(broker.data) > 0 || performance.now() - began > 300_000)
  const seconds = (performance.now() - began) / 1000
  pipe.close()
  const [idleP99, busyP99] = [percentile(idle, 0.99), percentile(busy, 0.99)]
  const row = [percentile(idle, 0.5), idleP99, percentile(busy, 0.5), busyP99, percentile(busy, 0.999), busyP99 / idleP99, seconds]
  console.log(broker.name.padEnd(8), row.map(value => value.toFixed(3).padStart(12)).join(''))
  return row
}

const kafka = await startKafka(settings)
const ottla = await startOttla()
console.log(
  ''.padEnd(8),
  ['idle p50', 'idle p99', 'busy p50', 'busy p99', 'busy p99.9', 'p99 ratio', 'seconds'].map(name => name.padStart(12)).join(''),
)
try {
  await measure(ottla)
  await measure(kafka)
} finally {
  await kafka[Symbol.asyncDispose]()
  await ottla[Symbol.asyncDispose]()
}
