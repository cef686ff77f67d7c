// Produce and Fetch from the bytes of requests to the bytes of answers, without sockets, beside what cannot be saved: decoding and encoding
// alone, and for a produce the writing of the bytes. One round is a turn of the event loop with as many requests as 16 (or 4) connections bring.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@ottla/metadata'
import type { AnyApi, RequestInitOf, ResponseInitOf } from '@ottla/protocol'
import { encodeResponse, fetchApi, produceApi, Reader, requestCodec, Writer } from '@ottla/protocol'
import { MemoryDisk } from '@ottla/storage'
import { afterAll, bench, describe } from 'vitest'
import { FetchSessions } from '../replica/fetch-session.ts'
import { batchOf, TestReplicas } from '../replica/testing.ts'
import type { AnyHandler, Outcome, RequestContext } from '../requests/handler.ts'
import { Loaned, Ordered } from '../requests/handler.ts'
import { fetch } from './fetch.ts'
import { produce } from './produce.ts'
import { noTransactions } from './transaction-testing.ts'

const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'data-bench-'))
const test = await TestReplicas.open(
  { flushMode: 'os', segmentBytes: 2 ** 26, retentionBytes: 2 ** 27, fileDeleteDelayMs: 0 },
  new MemoryDisk(),
  folder,
)
const { clock, random, replicas } = test
const producer = produce({ replicas, clock, logger: silentLogger, admission: noTransactions })
const sessions = new FetchSessions({ clock, random, slots: 1000 })
const consumer = fetch({ replicas, sessions, logger: silentLogger, maxBytes: () => 55 * 2 ** 20 })
afterAll(async () => {
  await test.close()
  rmSync(folder, { recursive: true })
})

type Response = ResponseInitOf<AnyApi>

const bytesOf = <A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>): Buffer => {
  const writer = new Writer()
  requestCodec(api, version).write(writer, body)
  return Buffer.concat(writer.chunks())
}

const contextOf = (api: AnyApi, apiVersion: number): RequestContext => ({
  apiKey: api.key,
  apiVersion,
  correlationId: 1,
  clientId: 'bench',
  connection: test.connection,
  receivedAtMs: clock.monotonic(),
  sizeBytes: 0,
})

/** As the dispatcher does: decodes, handles, encodes when the reply is there, gives loans back. */
const serve = async (handler: AnyHandler, version: number, bytes: Buffer): Promise<void> => {
  const request = requestCodec(handler.api, version).read(new Reader(bytes))
  const outcome: Outcome<Response> = handler.handle(request, contextOf(handler.api, version))
  const reply = await (outcome instanceof Ordered ? outcome.reply : outcome)
  if (reply === null) throw new Error('no reply')
  encodeResponse({ api: handler.api, version, correlationId: 1, body: reply instanceof Loaned ? reply.body : reply })
  if (reply instanceof Loaned) reply.release()
}

const options = { time: 1500, warmupTime: 300 }
let topics = 0

for (const [size, connections] of [
  [1024, 16],
  [16 * 1024, 16],
  [64 * 1024, 4],
] as const) {
  const topic = `produce-${++topics}`
  await test.createTopic(topic, connections)
  const version = 7
  const records = batchOf([{ timestamp: clock.now(), value: Buffer.alloc(size, 'x') }])
  const requests = Array.from({ length: connections }, (_, index) =>
    bytesOf(produceApi, version, { acks: 1, timeoutMs: 30_000, topicData: [{ name: topic, partitionData: [{ index, records }] }] }),
  )
  const partitionResponses = [{ index: 0, errorCode: 0, baseOffset: 123_456, logAppendTimeMs: -1, logStartOffset: 0 }]
  const body = { responses: [{ name: topic, partitionResponses }] }
  let rounds = 0

  describe(`produce, ${connections} batches of ${size} bytes in one turn`, () => {
    bench(
      'decoding and encoding alone',
      () => {
        for (const bytes of requests) {
          requestCodec(produceApi, version).read(new Reader(bytes))
          encodeResponse({ api: produceApi, version, correlationId: 1, body })
        }
      },
      options,
    )
    bench(
      'from request to answer',
      async () => {
        await Promise.all(requests.map(bytes => serve(producer, version, bytes)))
        rounds++
        if (rounds % 500 === 0) test.logs.deleteOldSegments()
      },
      options,
    )
  })
}

describe('fetch', async () => {
  await test.createTopic('fetched', 4)
  for (let count = 0; count < 64; count++) {
    for (let index = 0; index < 4; index++) {
      await test
        .partition('fetched', index)
        .append(batchOf([Buffer.alloc(16 * 1024, 'x')].map(value => ({ value }))), { acks: 1, nowMs: 0 })
    }
  }
  await new Promise(resolve => setImmediate(resolve))
  const ask = (partitionMaxBytes: number) =>
    Array.from({ length: 4 }, (_, partition) =>
      bytesOf(fetchApi, 11, {
        maxWaitMs: 0,
        minBytes: 1,
        sessionEpoch: -1,
        topics: [{ topic: 'fetched', partitions: [{ partition, fetchOffset: 0, partitionMaxBytes }] }],
        forgottenTopicsData: [],
      }),
    )
  for (const [name, size] of [
    ['one batch of 16 KiB', 20_000],
    ['1 MiB', 2 ** 20],
  ] as const) {
    const requests = ask(size)
    bench(
      `${name} each of 4 partitions`,
      async () => {
        await Promise.all(requests.map(bytes => serve(consumer, 11, bytes)))
      },
      options,
    )
  }
  const empty = bytesOf(fetchApi, 11, { maxWaitMs: 0, minBytes: 1, sessionEpoch: -1, topics: [], forgottenTopicsData: [] })
  bench(
    'nothing',
    async () => {
      await serve(consumer, 11, empty)
    },
    options,
  )
})
