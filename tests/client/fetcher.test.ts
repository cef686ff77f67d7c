// The client's fetcher beside a broker of this repository.
import type { CompressionName } from '@ottla/protocol'
import { BatchBuilder, createTopicsApi, deleteRecordsApi, ErrorCode, produceApi, ZERO_UUID } from '@ottla/protocol'
import { expect, test } from 'vitest'
import type { Cluster } from '../../packages/client/src/cluster/cluster.ts'
import { createCluster } from '../../packages/client/src/cluster/create-cluster.ts'
import { createFetcher, type FetcherOptions, type PositionReset } from '../../packages/client/src/consumer/fetch/fetcher.ts'
import { lagsOf } from '../../packages/client/src/consumer/fetch/lag.ts'
import { messagesOf } from '../../packages/client/src/consumer/fetch/message.ts'
import { type OffsetSpec, offsetsOf } from '../../packages/client/src/consumer/offsets-of.ts'
import type { Fetcher } from '../../packages/client/src/consumer/parts.ts'
import { createLogger, logLevel } from '../../packages/client/src/logger.ts'
import { startBroker, type TestBroker } from './broker.ts'

const logger = createLogger({ level: logLevel.NOTHING })
const START = 1_700_000_000_000

async function connected({ bootstrap }: TestBroker): Promise<Cluster & AsyncDisposable> {
  const cluster = createCluster({ brokers: [bootstrap], logger, retry: { initialRetryTime: 20, retries: 4 } })
  await cluster.connect()
  return Object.assign(cluster, { [Symbol.asyncDispose]: () => cluster.disconnect() })
}

async function createTopic(cluster: Cluster, name: string, partitions: number): Promise<void> {
  const topics = [{ name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }]
  const { body } = await cluster.request('controller', createTopicsApi, { topics, timeoutMs: 5000, validateOnly: false })
  expect(body.topics[0]?.errorCode).toBe(0)
  await cluster.topics([name])
}

interface Produced {
  readonly topic: string
  readonly partition?: number
  readonly from: number
  readonly count: number
  readonly compression?: CompressionName
  readonly valueBytes?: number
}

async function produce(
  cluster: Cluster,
  { topic, partition = 0, from, count, compression = 'none', valueBytes = 0 }: Produced,
): Promise<void> {
  const builder = new BatchBuilder({ compression })
  for (let index = from; index < from + count; index++)
    builder.append({
      timestamp: START + index,
      key: Buffer.from(`k${index}`),
      value: Buffer.from(`v${index}`.padEnd(valueBytes)),
      headers: index % 7 === 0 ? [{ key: 'seven', value: Buffer.from(String(index)) }] : [],
    })
  const { id } = (await cluster.topics([topic])).get(topic) ?? { id: ZERO_UUID }
  const topicData = [{ name: topic, topicId: id, partitionData: [{ index: partition, records: builder.build().bytes }] }]
  const { body } = await cluster.request(cluster.leaderOf(topic, partition) ?? 1, produceApi, { acks: -1, timeoutMs: 5000, topicData })
  expect(body.responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE)
}

/** Takes records until there are `count`; keys in order, by partition. */
async function read(fetcher: Fetcher, count: number): Promise<Map<number, string[]>> {
  const keys = new Map<number, string[]>()
  const signal = AbortSignal.timeout(10_000)
  for (let got = 0; got < count; ) {
    await fetcher.ready(signal)
    const taken = fetcher.take()
    if (taken === undefined) continue
    const messages = messagesOf(taken)
    got += messages.length
    keys.set(taken.partition, [...(keys.get(taken.partition) ?? []), ...messages.map(({ key }) => String(key))])
    fetcher.done(taken)
  }
  return keys
}

const open = (cluster: Cluster, options: FetcherOptions = {}): Fetcher & AsyncDisposable => {
  const fetcher = createFetcher(cluster, options)
  return Object.assign(fetcher, { [Symbol.asyncDispose]: () => fetcher.close() })
}

const keysFrom = (from: number, count: number): string[] => Array.from({ length: count }, (_, index) => `k${from + index}`)

test('records of several partitions, codecs and batches come in order, those that are produced later as well', async () => {
  await using broker = await startBroker()
  await using cluster = await connected(broker)
  await createTopic(cluster, 't', 3)
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
  for (let partition = 0; partition < 3; partition++)
    for (const [index, compression] of codecs.entries())
      await produce(cluster, { topic: 't', partition, from: index * 100, count: 100, compression })
  await using fetcher = open(cluster, { maxBytesPerPartition: 2000 })
  fetcher.assign(
    new Map([
      [
        't',
        new Map([
          [0, 0],
          [1, 50],
          [2, -1],
        ]),
      ],
    ]),
  )
  const keys = await read(fetcher, 950)
  expect(keys.get(0)).toEqual(keysFrom(0, 500))
  expect(keys.get(1)).toEqual(keysFrom(50, 450))
  expect(keys.get(2)).toBeUndefined()
  await produce(cluster, { topic: 't', partition: 2, from: 500, count: 10 })
  expect(await read(fetcher, 10)).toEqual(new Map([[2, keysFrom(500, 10)]]))
  expect(fetcher.position({ topic: 't', partition: 2 })).toEqual({ offset: 510, endOffset: 510 })
})

test('a message has what KafkaJS gives', async () => {
  await using broker = await startBroker()
  await using cluster = await connected(broker)
  await createTopic(cluster, 't', 1)
  await produce(cluster, { topic: 't', from: 0, count: 8 })
  await using fetcher = open(cluster)
  fetcher.add([{ topic: 't', partition: 0, offset: 7 }])
  await fetcher.ready(AbortSignal.timeout(5000))
  const taken = fetcher.take()
  expect(taken).toMatchObject({ fetchOffset: 7, nextOffset: 8, endOffset: 8, highWatermark: 8, logStartOffset: 0, leaderEpoch: 0 })
  expect(taken === undefined ? [] : messagesOf(taken)).toEqual([
    {
      key: Buffer.from('k7'),
      value: Buffer.from('v7'),
      timestamp: String(START + 7),
      offset: '7',
      attributes: 0,
      headers: { seven: Buffer.from('7') },
      size: 19,
    },
  ])
  expect(taken?.records().map(({ offset }) => offset)).toEqual([7])
})

test('a position that is gone is reset, or is an error', async () => {
  await using broker = await startBroker()
  await using cluster = await connected(broker)
  await createTopic(cluster, 't', 1)
  for (let from = 0; from < 50; from += 10) await produce(cluster, { topic: 't', from, count: 10 })
  await cluster.request(1, deleteRecordsApi, { topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: 20 }] }], timeoutMs: 5000 })
  const resets: PositionReset[] = []
  const events = { positionReset: (reset: PositionReset) => void resets.push(reset) }
  await using fetcher = open(cluster, { offsetReset: 'earliest', events })
  fetcher.add([{ topic: 't', partition: 0, offset: 5 }])
  expect(await read(fetcher, 30)).toEqual(new Map([[0, keysFrom(20, 30)]]))
  expect(resets).toEqual([{ topic: 't', partition: 0, from: 5, to: 20, reason: 'out-of-range' }])
  await using strict = open(cluster, { offsetReset: 'none' })
  strict.add([{ topic: 't', partition: 0, offset: 99 }])
  await strict.ready(AbortSignal.timeout(5000))
  expect(() => strict.take()).toThrow('t-0 does not have the offset 99')
  strict.seek({ topic: 't', partition: 0 }, 40)
  expect(await read(strict, 10)).toEqual(new Map([[0, keysFrom(40, 10)]]))
})

test('a batch larger than the limits comes, and a topic may be made later', async () => {
  await using broker = await startBroker({ 'auto.create.topics.enable': 'false' })
  await using cluster = await connected(broker)
  await using fetcher = open(cluster, { maxBytesPerPartition: 100, maxBytes: 200, offsetReset: 'earliest' })
  fetcher.add([{ topic: 'later', partition: 0, offset: -1 }])
  await createTopic(cluster, 'later', 1)
  await produce(cluster, { topic: 'later', from: 0, count: 50, valueBytes: 1000 })
  await produce(cluster, { topic: 'later', from: 50, count: 50, valueBytes: 1000 })
  expect(await read(fetcher, 100)).toEqual(new Map([[0, keysFrom(0, 100)]]))
})

const at = (partition: number, spec: OffsetSpec) => ({ topic: 't', partition, at: spec })

test('offsets by name and time, many at once', async () => {
  await using broker = await startBroker()
  await using cluster = await connected(broker)
  await createTopic(cluster, 't', 2)
  await produce(cluster, { topic: 't', from: 0, count: 30 })
  const found = await offsetsOf(cluster, [
    at(0, 'latest'),
    at(0, 'earliest'),
    at(1, 'latest'),
    at(0, START + 12),
    at(0, START + 99),
    at(0, 'max-timestamp'),
  ])
  expect(found.map(({ offset }) => offset)).toEqual([30, 0, 0, 12, -1, 29])
  expect(found[3]).toEqual({ topic: 't', partition: 0, offset: 12, timestamp: START + 12, leaderEpoch: 0 })
  await expect(offsetsOf(cluster, [{ topic: 't', partition: 7, at: 'latest' }])).rejects.toThrow()
})

test('lag in records and seconds, of many partitions', async () => {
  await using broker = await startBroker()
  await using cluster = await connected(broker)
  await createTopic(cluster, 't', 4)
  for (let partition = 0; partition < 3; partition++)
    for (let from = 0; from < 30; from += 10)
      await produce(cluster, { topic: 't', partition, from, count: 10, valueBytes: 10_000, compression: partition === 1 ? 'gzip' : 'none' })
  const positions = [-1, 15, 30, 0].map((offset, partition) => ({ topic: 't', partition, offset }))
  const lags = await lagsOf(cluster, positions)
  expect(lags.map(({ offset, endOffset, records }) => [offset, endOffset, records])).toEqual([
    [0, 30, 30],
    [15, 30, 15],
    [30, 30, 0],
    [0, 0, 0],
  ])
  const age = (Date.now() - START) / 1000
  expect(lags[0]?.seconds).toBeCloseTo(age, -2)
  expect(lags[1]?.seconds).toBeCloseTo(age, -2)
  expect(lags.slice(2).map(({ seconds }) => seconds)).toEqual([0, 0])
})
