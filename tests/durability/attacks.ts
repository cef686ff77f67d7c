// What hostile clients do to a broker: requests that are small and cost much, or cost a little ten thousand times.
import { setTimeout as sleep } from 'node:timers/promises'
import { apiVersionsApi, BatchBuilder, crc32c, ErrorCode, fetchApi, initProducerIdApi, produceApi, readResponse } from '@ottla/protocol'
import { expect } from 'vitest'
import { bombs } from './bombs.ts'
import { Flood, frameOf } from './flood.ts'

/** What is attacked. `large` has 64 MiB of records in its first partition. */
export interface Target {
  readonly port: number
  readonly random: () => number
  /** Long forms of the attacks. */
  readonly isLong: boolean
}

/** Returns what is worth printing. */
export type Attack = (target: Target) => Promise<string>

const produceFrame = (partitionData: { index: number; records: Buffer }[], correlationId = 1): Buffer =>
  frameOf(
    produceApi,
    9,
    { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData: [{ name: 'attacked', partitionData }] },
    correlationId,
  )

/** All codecs, many at a time. */
const decompression: Attack = async ({ port, isLong }) => {
  const connections = isLong ? 4 : 2
  const refusals = new Map<string, number>()
  const allowed: number[] = [ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD]
  for (const [name, bomb] of Object.entries(bombs())) {
    const floods = await Flood.all(port, connections)
    for (const flood of floods) {
      flood.onAnswer = frame => {
        const code = readResponse(produceApi, 9, frame).body.responses[0]?.partitionResponses[0]?.errorCode ?? -1
        expect(allowed, `${name} was answered with ${code}`).toContain(code)
        refusals.set(name, code)
      }
      const frame = produceFrame([{ index: 0, records: bomb }])
      for (let sent = 0; sent < 4; sent++) flood.send(frame)
    }
    for (const flood of floods) {
      await flood.answered(4)
      expect(flood.answers, name).toBe(4)
      flood[Symbol.dispose]()
    }
  }
  return [...refusals].map(([name, code]) => `${name}: ${code}`).join(', ')
}

const lengthOf = (length: number, rest: Buffer = Buffer.alloc(0)): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(length)
  return Buffer.concat([bytes, rest])
}

/** Lengths that cannot be are a reason to close; lengths that can be get no memory before the bytes come. */
const frameLengths: Attack = async ({ port, isLong }) => {
  for (const length of [0x7fffffff, 0x06400001, -1, -0x80000000, 0, 1, 7]) {
    using flood = await Flood.connect(port)
    flood.send(lengthOf(length, Buffer.alloc(100)))
    for (let waited = 0; !flood.isClosed && waited < 10_000; waited += 20) await sleep(20)
    expect(flood.isClosed, `length ${length}`).toBe(true)
  }
  const promising = await Flood.all(port, 200)
  for (const flood of promising) flood.send(lengthOf(100 * 1024 * 1024, Buffer.alloc(16_000)))
  const partial = await Flood.all(port, 200)
  for (const [index, flood] of partial.entries()) flood.send(lengthOf(1000).subarray(0, 1 + (index % 3)))
  await sleep(isLong ? 2000 : 500)
  for (const flood of [...promising, ...partial]) flood[Symbol.dispose]()
  return '200 promises of 100 MiB'
}

/** Ten thousand requests without waiting for an answer. */
const pipelined: Attack = async ({ port }) => {
  using flood = await Flood.connect(port)
  let due = 1
  flood.onAnswer = frame => expect(frame.readInt32BE(0)).toBe(due++)
  const body = { clientSoftwareName: 'hostile', clientSoftwareVersion: '1' }
  flood.send(Buffer.concat(Array.from({ length: 10_000 }, (_, i) => frameOf(apiVersionsApi, 3, body, i + 1))))
  await flood.answered(10_000)
  expect([flood.answers, due]).toEqual([10_000, 10_001])
  return '10,000 answers, in order'
}

const fetchFrame = (topics: readonly { topic: string; partitions: readonly number[] }[], maxWaitMs = 0): Buffer =>
  frameOf(fetchApi, 11, {
    replicaId: -1,
    maxWaitMs,
    minBytes: 0,
    maxBytes: 0x7fffffff,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 0x7fffffff })),
    })),
    forgottenTopicsData: [],
    rackId: '',
  })

/** Large fetches, and nobody who takes the answers. */
const unread: Attack = async ({ port, isLong }) => {
  const floods = await Flood.all(port, 20)
  const frame = fetchFrame([{ topic: 'large', partitions: [0] }])
  for (const flood of floods) {
    flood.stopReading()
    for (let sent = 0; sent < 50; sent++) flood.send(frame)
  }
  await sleep(isLong ? 60_000 : 2000)
  for (const flood of floods) flood[Symbol.dispose]()
  return '20 connections, 50 fetches of everything each'
}

/** A byte a second. */
const slow: Attack = async ({ port, isLong }) => {
  const floods = await Flood.all(port, 200)
  const frame = produceFrame([{ index: 0, records: new BatchBuilder().append({ value: 'slow' }).build().bytes }])
  const seconds = isLong ? 60 : 2
  for (let at = 0; at < seconds; at++) {
    for (const flood of floods) flood.send(frame.subarray(at, at + 1))
    await sleep(1000)
  }
  const closed = floods.filter(({ isClosed }) => isClosed).length
  for (const flood of floods) flood[Symbol.dispose]()
  return `200 connections, ${closed} closed after ${seconds} s`
}

/** One fetch that names a great deal. */
const amplified: Attack = async ({ port }) => {
  const everywhere = Array.from({ length: 10_000 }, (_, partition) => partition)
  const requests = [
    fetchFrame([{ topic: 'large', partitions: everywhere }]),
    fetchFrame([{ topic: 'large', partitions: everywhere.map(() => 0) }]),
    fetchFrame(everywhere.map(partition => ({ topic: 'large', partitions: [partition % 4] }))),
    fetchFrame(everywhere.map(partition => ({ topic: `unknown-${partition}`, partitions: [0] }))),
  ]
  let largest = 0
  for (const request of requests) {
    const floods = await Flood.all(port, 4)
    for (const flood of floods) {
      for (let sent = 0; sent < 3; sent++) flood.send(request)
    }
    for (const flood of floods) {
      await flood.answered(3)
      largest = Math.max(largest, flood.largestBytes)
      flood[Symbol.dispose]()
    }
  }
  return `largest answer ${(largest / 1_048_576).toFixed(1)} MiB`
}

/** 100,000 producers, one record each. */
const producerIds: Attack = async ({ port }) => {
  using asking = await Flood.connect(port)
  const { producerId } = await asking.ask(initProducerIdApi, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
  using flood = await Flood.connect(port)
  let appended = 0
  flood.onAnswer = frame => {
    for (const { errorCode } of readResponse(produceApi, 9, frame).body.responses[0]?.partitionResponses ?? [])
      if (errorCode === ErrorCode.NONE) appended++
  }
  const template = Buffer.from(new BatchBuilder({ producerEpoch: 0, baseSequence: 0, producerId }).append({ value: 'x' }).build().bytes)
  for (let request = 0; request < 1000; request++) {
    const partitionData = Array.from({ length: 100 }, (_, i) => {
      const records = Buffer.from(template)
      records.writeBigInt64BE(BigInt(producerId + 1_000_000 + request * 100 + i), 43)
      records.writeUInt32BE(crc32c(records, 21), 17)
      return { index: 1, records }
    })
    flood.send(produceFrame(partitionData, request + 1))
    if (request % 50 === 49) await flood.answered(request - 48)
  }
  await flood.answered(1000)
  expect(flood.answers).toBe(1000)
  return `${appended} records of as many producers`
}

export const attacks: Record<string, Attack> = {
  'decompression bombs': decompression,
  'lengths that lie': frameLengths,
  'pipelined requests': pipelined,
  'answers that nobody reads': unread,
  'slow senders': slow,
  'amplified fetches': amplified,
  'a flood of producer ids': producerIds,
}
