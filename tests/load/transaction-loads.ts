// What a broker's transactions are put through, as clients of transactions version 2 do it: Produce 12, whose partitions the broker adds by
// itself, and EndTxn 5. Every answer is checked; times are wall-clock as the client sees them.
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchBuilder, encodeRequest, endTxnApi, findCoordinatorApi, initProducerIdApi, produceApi, readResponse } from '@ottla/protocol'
import type { Measured } from './kafka.ts'
import { Pipe } from './pipe.ts'

const PRODUCE_VERSION = 12
const CONCURRENT_TRANSACTIONS = 51
/** What a coordinator says before it is there, and the above. */
const passing = new Set([14, 15, 16, CONCURRENT_TRANSACTIONS])
/** How long Apache Kafka's client waits before it asks again while the transaction before is being ended. */
const RETRY_MS = 20

const value = Buffer.alloc(100, 'v')

interface Producer {
  readonly transactionalId: string | null
  producerId: number
  producerEpoch: number
}

const expectNone = (code: number | undefined, what: string): void => {
  if (code !== 0) throw new Error(`${what}: error ${code}`)
}

const initProducer = async (pipe: Pipe, transactionalId: string | null): Promise<Producer> => {
  for (;;) {
    // Makes the internal topic where there is none.
    if (transactionalId !== null) await pipe.ask(findCoordinatorApi, 3, { key: transactionalId, keyType: 1 })
    const answer = await pipe.ask(initProducerIdApi, 5, { transactionalId, transactionTimeoutMs: 60_000 })
    if (!passing.has(answer.errorCode)) {
      expectNone(answer.errorCode, 'InitProducerId')
      return { transactionalId, producerId: answer.producerId, producerEpoch: answer.producerEpoch }
    }
    await sleep(RETRY_MS)
  }
}

interface BatchShape {
  readonly topic: string
  readonly partition: number
  readonly records: number
  readonly baseSequence: number
}

const produceFrame = (producer: Producer | null, shape: BatchShape): Buffer => {
  const { topic, partition, records, baseSequence } = shape
  const isTransactional = producer?.transactionalId != null
  const identity = producer === null ? {} : { producerId: producer.producerId, producerEpoch: producer.producerEpoch, baseSequence }
  const builder = new BatchBuilder({ ...identity, isTransactional })
  for (let record = 0; record < records; record++) builder.append({ timestamp: Date.now(), value })
  const partitionData = [{ index: partition, records: builder.build().bytes }]
  const body = {
    transactionalId: producer?.transactionalId ?? null,
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData }],
  }
  return Buffer.concat(encodeRequest({ api: produceApi, version: PRODUCE_VERSION, correlationId: 7, clientId: 'load', body }))
}

const codeOf = (answer: Buffer): number | undefined =>
  readResponse(produceApi, PRODUCE_VERSION, answer).body.responses[0]?.partitionResponses[0]?.errorCode

/** What a run of transactions came to. */
export interface TransactionFigures {
  readonly perSecond: number
  /** Of EndTxn, in ms. */
  readonly commitP50: number
  readonly commitP99: number
  /** How often the client had to send again because the transaction before was still being ended. */
  readonly repeats: number
}

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN

/** One producer commits one transaction after the other for so many seconds, each of 100 records in this many batches. */
export async function transactions(
  broker: Measured,
  run: { topic: string; seconds: number; batches: number },
): Promise<TransactionFigures> {
  const { batches, seconds, topic } = run
  const pipe = await Pipe.open(broker.port)
  const producer = await initProducer(pipe, `load-${batches}`)
  const records = 100 / batches
  const commits: number[] = []
  let repeats = 0
  let baseSequence = 0
  const frame = (index: number): Buffer =>
    produceFrame(producer, { topic, partition: 0, records, baseSequence: baseSequence + index * records })
  const started = performance.now()
  const end = started + seconds * 1000
  while (performance.now() < end) {
    // Later batches go when it is known that the first is part of the transaction.
    for (;;) {
      const code = codeOf(await pipe.send(frame(0)))
      if (code === 0) break
      if (code !== CONCURRENT_TRANSACTIONS) expectNone(code, 'produce')
      repeats++
      await sleep(RETRY_MS)
    }
    const rest = await Promise.all(Array.from({ length: batches - 1 }, (_, index) => pipe.send(frame(index + 1))))
    for (const answer of rest) expectNone(codeOf(answer), 'produce')
    baseSequence += 100
    const asked = performance.now()
    const { transactionalId, producerId, producerEpoch } = producer
    const ended = await pipe.ask(endTxnApi, 5, { transactionalId: transactionalId ?? '', producerId, producerEpoch, committed: true })
    commits.push(performance.now() - asked)
    expectNone(ended.errorCode, 'EndTxn')
    if (ended.producerEpoch !== producerEpoch || ended.producerId !== producerId) baseSequence = 0
    producer.producerId = ended.producerId
    producer.producerEpoch = ended.producerEpoch
  }
  const perSecond = (commits.length * 1000) / (performance.now() - started)
  pipe.close()
  return { perSecond, commitP50: percentile(commits, 0.5), commitP99: percentile(commits, 0.99), repeats }
}

const LANES = 4
const IN_FLIGHT = 5
const FRAMES = 4000

const send = async (pipe: Pipe, frames: Iterator<Buffer, undefined>): Promise<void> => {
  for (let next = frames.next(); next.done !== true; next = frames.next()) {
    const answer = await pipe.send(next.value)
    expectNone(codeOf(answer), 'produce')
  }
}

/** Produce with acks=all outside of transactions, ten records a batch, five requests under way on each of four connections: batches a second. */
export async function produced(broker: Measured, run: { topic: string; isIdempotent: boolean }): Promise<number> {
  const lanes = await Promise.all(
    Array.from({ length: LANES }, async (_, partition) => {
      const pipe = await Pipe.open(broker.port)
      const producer = run.isIdempotent ? await initProducer(pipe, null) : null
      const shape = { topic: run.topic, partition, records: 10 }
      // Made before, so that it is the broker that is measured.
      const frames = Array.from({ length: FRAMES }, (__, index) => produceFrame(producer, { ...shape, baseSequence: index * 10 }))
      return { pipe, frames }
    }),
  )
  const started = performance.now()
  await Promise.all(
    lanes.flatMap(({ pipe, frames }) => {
      const shared = frames.values()
      return Array.from({ length: IN_FLIGHT }, () => send(pipe, shared))
    }),
  )
  const perSecond = (LANES * FRAMES * 1000) / (performance.now() - started)
  for (const { pipe } of lanes) pipe.close()
  return perSecond
}
