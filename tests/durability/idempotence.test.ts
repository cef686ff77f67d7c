// Idempotent producers (KIP-98) through kill -9: what they send again is stored once, in order, and answered with its first offset. Once with
// our own codecs, where each batch is sent again on purpose, and once with librdkafka, five requests in flight. KILLS sets how often.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchBuilder, ErrorCode, initProducerIdApi, produceApi } from '@ottla/protocol'
import { expect, it } from 'vitest'
import type { BrokerProcess } from '../compat/broker.ts'
import { startBroker } from '../compat/broker.ts'
import { available, installed } from '../compat/programs.ts'
import { Wire } from '../compat/wire.ts'
import { createTopic, randomOf, seedOf, stored } from './load.ts'

const kills = Number(process.env.KILLS ?? 10)
const topic = 'once'

/** One producer of one partition, which never gives a batch up. */
interface Producer {
  readonly partition: number
  readonly producerId: number
  sequence: number
  /** A batch that was sent and not acknowledged: it goes first. */
  pending: { readonly records: Buffer; readonly count: number } | null
  /** Base offsets by base sequence. */
  readonly acknowledged: Map<number, number>
}

const nextBatch = (producer: Producer, count: number): Buffer => {
  const { partition, producerId, sequence: baseSequence } = producer
  const builder = new BatchBuilder({ producerId, producerEpoch: 0, baseSequence })
  for (let at = 0; at < count; at++)
    builder.append({ timestamp: Date.now(), key: null, value: Buffer.from(`${partition}/${baseSequence + at}`), headers: [] })
  return builder.build().bytes
}

const isGone = (error: unknown): boolean => error instanceof Error && /closed the connection|ECONN|EPIPE/.test(error.message)

/** Sends until the broker is gone or `goesOn` says no; nothing is pending in the second case. Each fifth batch goes out twice. */
async function send(broker: BrokerProcess, producer: Producer, how: { random: () => number; goesOn: () => boolean }): Promise<void> {
  const ask = async (wire: Wire, records: Buffer) => {
    const topicData = [{ name: topic, partitionData: [{ index: producer.partition, records: Buffer.from(records) }] }]
    const answer = await wire.ask(produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 5000, topicData })
    return answer.responses[0]?.partitionResponses[0]
  }
  try {
    await using wire = await Wire.connect(broker.port)
    while (producer.pending !== null || how.goesOn()) {
      const count = producer.pending?.count ?? 1 + Math.floor(how.random() * 20)
      producer.pending ??= { records: nextBatch(producer, count), count }
      const { records } = producer.pending
      const result = await ask(wire, records)
      expect(result?.errorCode, `sequence ${producer.sequence} of partition ${producer.partition}`).toBe(ErrorCode.NONE)
      const baseOffset = result?.baseOffset ?? -1
      if (how.random() < 0.2) expect((await ask(wire, records))?.baseOffset).toBe(baseOffset)
      producer.acknowledged.set(producer.sequence, baseOffset)
      producer.sequence += count
      producer.pending = null
    }
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

const newProducerId = async (broker: BrokerProcess): Promise<number> => {
  await using wire = await Wire.connect(broker.port)
  const answer = await wire.ask(initProducerIdApi, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
  expect(answer.errorCode).toBe(ErrorCode.NONE)
  return answer.producerId
}

/** Everything of a partition once its end is served; after a start that is when the rest is flushed. */
const storedWhole = async (broker: BrokerProcess, partition: number, count: number): Promise<Map<string, number>> => {
  for (let waited = 0; ; waited += 100) {
    const found = await stored(broker, topic, partition)
    if (found.size >= count || waited >= 10_000) return found
    await sleep(100)
  }
}

it(`stores once what is sent again over ${kills} kills`, { timeout: 600_000 }, async () => {
  const random = randomOf(seedOf('idempotence'))
  await using broker = await startBroker({ 'log.flush.mode': 'ack', 'log.segment.bytes': '1048576' })
  await createTopic(broker, topic, 4)
  const producers: Producer[] = []
  for (const partition of [0, 1, 2, 3]) {
    const producerId = await newProducerId(broker)
    producers.push({ partition, producerId, sequence: 0, pending: null, acknowledged: new Map() })
  }
  for (let kill = 0; kill < kills; kill++) {
    const load = producers.map(producer => send(broker, producer, { random, goesOn: () => true }))
    await sleep(100 + random() * 300)
    await broker.kill()
    await Promise.all(load)
    await broker.start()
    expect(producers.map(one => one.producerId)).not.toContain(await newProducerId(broker))
  }
  await Promise.all(producers.map(producer => send(broker, producer, { random, goesOn: () => false })))
  for (const { acknowledged, partition, sequence } of producers) {
    const found = await storedWhole(broker, partition, sequence)
    expect([...found.keys()]).toEqual(Array.from({ length: sequence }, (_, at) => `${partition}/${at}`))
    for (const [baseSequence, baseOffset] of acknowledged) expect(baseOffset).toBe(baseSequence)
    expect(sequence).toBeGreaterThan(kills)
  }
})

it.runIf(available('librdkafka through kcat', installed('kcat')))(
  `stores once what librdkafka sends over ${kills} kills`,
  { timeout: 600_000 },
  async () => {
    const random = randomOf(seedOf('idempotence of librdkafka'))
    await using broker = await startBroker({ 'log.flush.mode': 'ack' })
    await createTopic(broker, topic, 1)
    const settings = [
      'enable.idempotence=true',
      'linger.ms=1',
      'batch.num.messages=20',
      'message.timeout.ms=120000',
      'reconnect.backoff.max.ms=200',
    ]
    const words = ['-P', '-E', '-b', broker.bootstrap, '-t', topic, '-p', '0', ...settings.flatMap(one => ['-X', one])]
    const kcat = spawn('kcat', words, { stdio: ['pipe', 'ignore', 'pipe'] })
    const exit = once(kcat, 'exit')
    let errors = ''
    kcat.stderr.setEncoding('utf8').on('data', text => (errors += text))
    let sent = 0
    const writer = setInterval(() => {
      let lines = ''
      for (const last = sent + 20; sent < last; sent++) lines += `${sent}\n`
      kcat.stdin.write(lines)
    }, 5)
    for (let kill = 0; kill < kills; kill++) {
      await sleep(200 + random() * 400)
      await broker.kill()
      await broker.start()
    }
    clearInterval(writer)
    kcat.stdin.end()
    const [code] = await exit
    expect(errors).not.toMatch(/fatal/i)
    expect(code, errors.slice(-2000)).toBe(0)
    const found = await storedWhole(broker, 0, sent)
    expect([...found.keys()]).toEqual(Array.from({ length: sent }, (_, at) => String(at)))
  },
)
