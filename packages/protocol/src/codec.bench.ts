// Produce, Fetch and Metadata against two clients, each in its newest version of the API, side by side in one run. Only what a client does
// is compared: encoding requests, decoding responses. Record batches are built and walked by all three.
import { createRequire } from 'node:module'
import { fetchV17, metadataV12, produceV11, Reader as PlatformaticReader } from '@platformatic/kafka'
import { bench, describe } from 'vitest'
import type { FetchRequestInit, FetchResponseInit, MetadataResponseInit, ProduceRequestInit, ProduceResponseInit } from './apis/index.ts'
import { fetchApi, metadataApi, produceApi } from './apis/index.ts'
import type { Codec } from './codec.ts'
import { requestCodec, responseCodec } from './codec.ts'
import { BatchBuilder, batchesIn, recordsOf } from './records/index.ts'
import { Reader } from './wire/reader.ts'
import { randomUuid } from './wire/uuid.ts'
import { Writer } from './wire/writer.ts'

interface KafkajsRequest {
  encode(): Promise<{ readonly buffer: Buffer }>
}
interface KafkajsResponse {
  decode(bytes: Buffer): Promise<unknown>
}
const load = createRequire(import.meta.url)
const kafkajsRequest = (path: string): ((request: object) => KafkajsRequest) => load(`kafkajs/src/protocol/requests/${path}/request`)
const kafkajsResponse = (path: string): KafkajsResponse => load(`kafkajs/src/protocol/requests/${path}/response`)

function encode<W>(codec: Codec<unknown, W>, value: W): Buffer[] {
  const writer = new Writer()
  codec.write(writer, value)
  return writer.chunks()
}
const decode = <R>(codec: Codec<R, never>, bytes: Buffer): R => codec.read(new Reader(bytes))
/** Decodes a fetch and goes over its records, which are read lazily; `whole` also takes their keys and values. */
function walk(bytes: Buffer, version: number, whole: boolean): number {
  let sum = 0
  for (const topic of decode(responseCodec(fetchApi, version), bytes).responses) {
    for (const partition of topic.partitions) {
      if (partition.records === null) continue
      for (const found of batchesIn(partition.records)) {
        for (const record of recordsOf(found)) sum += whole ? (record.key?.length ?? 0) + (record.value?.length ?? 0) : record.offset
      }
    }
  }
  return sum
}

/** A small message is done many times in one measurement, so that the measuring does not count. */
const repeats = (count: number): number => (count === 1 ? 50 : 1)
const often = (count: number, run: () => unknown) => (): void => {
  for (let left = repeats(count); left > 0; left--) run()
}
const oftenAsync = (count: number, run: () => Promise<unknown>) => async (): Promise<void> => {
  for (let left = repeats(count); left > 0; left--) await run()
}
const hexUuid = (text: string): string =>
  Buffer.from(text, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')

const topics = Array.from({ length: 100 }, (_, index) => ({ name: `orders.created-${index}`, topicId: randomUuid() }))

const metadata: MetadataResponseInit = {
  throttleTimeMs: 0,
  brokers: [1, 2, 3].map(nodeId => ({ nodeId, host: `broker-${nodeId}.example.com`, port: 9092, rack: 'rack-a' })),
  clusterId: 'abcdefghijklmnopqrstuv',
  controllerId: 1,
  topics: topics.map(({ name, topicId }) => ({
    errorCode: 0,
    name,
    topicId,
    isInternal: false,
    partitions: Array.from({ length: 6 }, (_, partitionIndex) => {
      const nodes = [1, 2, 3].map(id => ((id + partitionIndex) % 3) + 1)
      return {
        errorCode: 0,
        partitionIndex,
        leaderId: nodes[0] ?? 1,
        leaderEpoch: 5,
        replicaNodes: nodes,
        isrNodes: nodes,
        offlineReplicas: [],
      }
    }),
  })),
}

describe('Metadata response, 100 topics of 6 partitions, decode, version 12', () => {
  const bytes = Buffer.concat(encode(responseCodec(metadataApi, 12), metadata))
  bench('ottla', () => void decode(responseCodec(metadataApi, 12), bytes))
  bench('@platformatic/kafka', () => void metadataV12.parseResponse(1, 3, 12, PlatformaticReader.from(bytes)))
})
describe('Metadata response, 100 topics of 6 partitions, decode, version 6', () => {
  const bytes = Buffer.concat(encode(responseCodec(metadataApi, 6), metadata))
  const kafkajs = kafkajsResponse('metadata/v6')
  bench('ottla', () => void decode(responseCodec(metadataApi, 6), bytes))
  bench('kafkajs', async () => void (await kafkajs.decode(bytes)))
})
describe('Metadata request, one topic, encode', () => {
  const names = ['orders.created-1']
  const kafkajs = kafkajsRequest('metadata/v6')
  const request = { topics: [{ name: 'orders.created-1' }], allowAutoTopicCreation: false }
  bench(
    'ottla, version 12',
    often(1, () => encode(requestCodec(metadataApi, 12), request)),
  )
  bench(
    '@platformatic/kafka, version 12',
    often(1, () => metadataV12.createRequest(names, false, false).buffer),
  )
  bench(
    'ottla, version 6',
    often(1, () => encode(requestCodec(metadataApi, 6), request)),
  )
  bench(
    'kafkajs, version 6',
    oftenAsync(1, async () => (await kafkajs({ topics: names, allowAutoTopicCreation: false }).encode()).buffer),
  )
})

/** A load of `count` topics with `count` partitions each, `records` records of `size` bytes in each partition. */
interface Load {
  readonly count: number
  readonly records: number
  readonly size: number
}

for (const { count, records, size } of [
  { count: 1, records: 1, size: 1024 },
  { count: 10, records: 10, size: 100 },
] satisfies Load[]) {
  const label = `${count} x ${count} partitions, ${records} records of ${size} bytes`
  const value = Buffer.alloc(size, 'x')
  const some = topics.slice(0, count)
  const indexes = Array.from({ length: count }, (_, index) => index)
  const timestamp = 1_700_000_000_000

  const batch = (): Buffer => {
    const builder = new BatchBuilder({}, records * (size + 16))
    for (let index = 0; index < records; index++) builder.append({ timestamp, value })
    return builder.build().bytes
  }

  describe(`Produce request, ${label}, encode`, () => {
    const request = (): ProduceRequestInit => ({
      transactionalId: null,
      acks: -1,
      timeoutMs: 30_000,
      topicData: some.map(({ name }) => ({ name, partitionData: indexes.map(index => ({ index, records: batch() })) })),
    })
    const messages = some.flatMap(({ name }) =>
      indexes.flatMap(partition =>
        Array.from({ length: records }, () => ({ topic: name, partition, value, timestamp: BigInt(timestamp) })),
      ),
    )
    const kafkajs = kafkajsRequest('produce/v7')
    const topicData = some.map(({ name }) => ({
      topic: name,
      partitions: indexes.map(partition => ({
        partition,
        messages: Array.from({ length: records }, () => ({ key: null, value, timestamp })),
      })),
    }))
    bench(
      'ottla, version 11',
      often(count, () => encode(requestCodec(produceApi, 11), request())),
    )
    bench(
      '@platformatic/kafka, version 11',
      often(count, () => produceV11.createRequest(-1, 30_000, messages, {}).buffer),
    )
    bench(
      'ottla, version 7',
      often(count, () => encode(requestCodec(produceApi, 7), request())),
    )
    bench(
      'kafkajs, version 7',
      oftenAsync(count, async () => (await kafkajs({ acks: -1, timeout: 30_000, topicData }).encode()).buffer),
    )
  })

  describe(`Produce response, ${label}, decode`, () => {
    const response: ProduceResponseInit = {
      responses: some.map(({ name }) => ({
        name,
        partitionResponses: indexes.map(index => ({
          index,
          errorCode: 0,
          baseOffset: 123_456_789,
          logAppendTimeMs: -1,
          logStartOffset: 0,
        })),
      })),
    }
    const flexible = Buffer.concat(encode(responseCodec(produceApi, 11), response))
    const plain = Buffer.concat(encode(responseCodec(produceApi, 7), response))
    const kafkajs = kafkajsResponse('produce/v7')
    bench(
      'ottla, version 11',
      often(count, () => decode(responseCodec(produceApi, 11), flexible)),
    )
    bench(
      '@platformatic/kafka, version 11',
      often(count, () => produceV11.parseResponse(1, 0, 11, PlatformaticReader.from(flexible))),
    )
    bench(
      'ottla, version 7',
      often(count, () => decode(responseCodec(produceApi, 7), plain)),
    )
    bench(
      'kafkajs, version 7',
      oftenAsync(count, () => kafkajs.decode(plain)),
    )
  })

  describe(`Fetch request, ${label}, encode`, () => {
    const request: FetchRequestInit = {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 10_000_000,
      isolationLevel: 1,
      topics: some.map(({ name, topicId }) => ({
        topic: name,
        topicId,
        partitions: indexes.map(partition => ({ partition, currentLeaderEpoch: 3, fetchOffset: 12_345_678, partitionMaxBytes: 1 << 20 })),
      })),
    }
    const platformatic = request.topics.map(({ topicId, partitions }) => ({
      topicId: hexUuid(topicId ?? ''),
      partitions: partitions.map(({ partition }) => ({
        partition,
        currentLeaderEpoch: 3,
        fetchOffset: 12_345_678n,
        lastFetchedEpoch: -1,
        partitionMaxBytes: 1 << 20,
      })),
    }))
    const kafkajs = kafkajsRequest('fetch/v11')
    const kafkajsTopics = request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ partition, currentLeaderEpoch: 3, fetchOffset: '12345678', maxBytes: 1 << 20 })),
    }))
    const kafkajsFetch = { replicaId: -1, maxWaitTime: 500, minBytes: 1, maxBytes: 10_000_000, isolationLevel: 1, topics: kafkajsTopics }
    bench(
      'ottla, version 17',
      often(count, () => encode(requestCodec(fetchApi, 17), request)),
    )
    bench(
      '@platformatic/kafka, version 17',
      often(count, () => fetchV17.createRequest(500, 1, 10_000_000, 1, 0, -1, platformatic, [], '').buffer),
    )
    bench(
      'ottla, version 11',
      often(count, () => encode(requestCodec(fetchApi, 11), request)),
    )
    bench(
      'kafkajs, version 11',
      oftenAsync(count, async () => (await kafkajs(kafkajsFetch).encode()).buffer),
    )
  })

  describe(`Fetch response, ${label}, decode`, () => {
    const response: FetchResponseInit = {
      throttleTimeMs: 0,
      sessionId: 5,
      responses: some.map(({ name, topicId }) => ({
        topic: name,
        topicId,
        partitions: indexes.map(partitionIndex => ({
          partitionIndex,
          errorCode: 0,
          highWatermark: 1_234_567,
          lastStableOffset: 1_234_567,
          logStartOffset: 0,
          abortedTransactions: [],
          records: batch(),
        })),
      })),
    }
    const flexible = Buffer.concat(encode(responseCodec(fetchApi, 17), response))
    const plain = Buffer.concat(encode(responseCodec(fetchApi, 11), response))
    const kafkajs = kafkajsResponse('fetch/v11')
    bench(
      'ottla, version 17',
      often(count, () => walk(flexible, 17, false)),
    )
    bench(
      'ottla, version 17, with all keys and values',
      often(count, () => walk(flexible, 17, true)),
    )
    bench(
      '@platformatic/kafka, version 17',
      often(count, () => fetchV17.parseResponse(1, 1, 17, PlatformaticReader.from(flexible))),
    )
    bench(
      'ottla, version 11',
      often(count, () => walk(plain, 11, false)),
    )
    bench(
      'kafkajs, version 11',
      oftenAsync(count, () => kafkajs.decode(plain)),
    )
  })
}
