// What tests of the producer share: producers of a broker, and what lies in a partition afterwards.
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { type AnyApi, batchesIn, fetchApi, recordsOf } from '@ottla/protocol'
import { createAdmin } from '../../packages/client/src/admin/admin.ts'
import type { Cluster } from '../../packages/client/src/cluster/cluster.ts'
import { type ClusterOptions, createCluster } from '../../packages/client/src/cluster/create-cluster.ts'
import { createLogger, logLevel } from '../../packages/client/src/logger.ts'
import { createProducer } from '../../packages/client/src/producer/producer.ts'
import type { ProducerSerializers } from '../../packages/client/src/producer/serializers.ts'
import type { Producer, ProducerConfig } from '../../packages/client/src/producer/types.ts'

/** Sockets of a client that a test may break. */
export type Sockets = Set<Socket>

/** A cluster that says nothing and tries again soon. */
export function clusterOf(bootstrap: string, sockets?: Sockets, options: Partial<ClusterOptions> = {}): Cluster {
  const socketFactory = ({ host, port, onConnect }: { host: string; port: number; onConnect: () => void }): Socket => {
    const socket = connect({ host, port }, onConnect)
    sockets?.add(socket)
    socket.once('close', () => sockets?.delete(socket))
    return socket
  }
  return createCluster({
    brokers: [bootstrap],
    clientId: 'producer-test',
    logger: createLogger({ level: logLevel.NOTHING }),
    retry: { initialRetryTime: 20, retries: 8 },
    ...(sockets === undefined ? {} : { socketFactory }),
    ...options,
  })
}

/** A connected producer. */
export async function producerOf<const S extends ProducerSerializers = ProducerSerializers>(
  bootstrap: string,
  config: ProducerConfig<S> = {},
  sockets?: Sockets,
): Promise<Producer<S>> {
  const producer = createProducer<S>(clusterOf(bootstrap, sockets), config)
  await producer.connect()
  return producer
}

/** What a test makes of a request: its own answer, an error, or what `send` brings. */
export type Interception = (api: AnyApi, send: () => Promise<object>) => Promise<object>

/** A connected producer whose requests go through the test. */
export async function interceptedProducer(bootstrap: string, config: ProducerConfig, intercept: Interception): Promise<Producer> {
  const cluster: Cluster = new Proxy(clusterOf(bootstrap), {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'request') return typeof value === 'function' ? (value.bind(target) as unknown) : value
      return (...words: Parameters<Cluster['request']>) => intercept(words[1], () => target.request(...words))
    },
  })
  const producer = createProducer(cluster, config)
  await producer.connect()
  return producer
}

/** An answer of Produce that says this of one partition. */
export const produceAnswer = (errorCode: number, topic: string, index = 0): object => {
  const currentLeader = { leaderId: -1, leaderEpoch: -1 }
  const result = { index, errorCode, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1, recordErrors: [], errorMessage: null }
  const responses = [{ name: topic, topicId: '', partitionResponses: [{ ...result, currentLeader }] }]
  return { body: { responses, throttleTimeMs: 0, nodeEndpoints: [] }, version: 12, nodeId: 1 }
}

let count = 0

/** Makes a topic; returns its name. */
export async function freshTopic(bootstrap: string, numPartitions = 1, settings: Record<string, string> = {}): Promise<string> {
  const admin = createAdmin(clusterOf(bootstrap), {})
  const topic = `topic-${count++}`
  await admin.connect()
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions, configEntries }] })
  await admin.disconnect()
  return topic
}

/** A record as tests look at it. */
export interface SeenRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
  readonly timestamp: number
}

/** A batch as tests look at it. */
export interface SeenBatch {
  readonly compression: string | undefined
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isControl: boolean
  readonly records: readonly SeenRecord[]
}

/** All batches of a partition. */
export const batchesOf = (bootstrap: string, topic: string, partition = 0): Promise<SeenBatch[]> =>
  batchesAt(bootstrap, { topic, partition, isolationLevel: 0 })

interface Place {
  readonly topic: string
  readonly partition: number
  readonly isolationLevel: number
}

async function batchesAt(bootstrap: string, { topic, partition, isolationLevel }: Place): Promise<SeenBatch[]> {
  const cluster = clusterOf(bootstrap)
  await cluster.connect()
  const found: SeenBatch[] = []
  try {
    const facts = (await cluster.topics([topic])).get(topic)
    for (let fetchOffset = 0; ; ) {
      const { body } = await cluster.request(facts?.partitions[partition]?.leader ?? 'any', fetchApi, {
        maxWaitMs: 10,
        minBytes: 0,
        isolationLevel,
        topics: [{ topic, topicId: facts?.id ?? '', partitions: [{ partition, fetchOffset, partitionMaxBytes: 64 * 1024 * 1024 }] }],
        forgottenTopicsData: [],
      })
      const batches = [...batchesIn(body.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0))]
      if (batches.length === 0) return found
      const aborted = (body.responses[0]?.partitions[0]?.abortedTransactions ?? []).map(entry => ({ ...entry }))
      for (const batch of batches) {
        fetchOffset = batch.nextOffset
        const from = aborted.findIndex(entry => entry.producerId === batch.producerId && entry.firstOffset <= batch.baseOffset)
        if (from >= 0) {
          // The marker ends what was aborted.
          if (batch.isControl) aborted.splice(from, 1)
          continue
        }
        const { compression, producerId, producerEpoch, baseSequence, isControl } = batch
        const records = [...recordsOf(batch)].map(({ offset, key, value, headers, timestamp }) => ({
          offset,
          key: key?.toString() ?? null,
          value: value?.toString() ?? null,
          headers: headers.map(header => [header.key, header.value?.toString() ?? null] as const),
          timestamp,
        }))
        found.push({ compression, producerId, producerEpoch, baseSequence, isControl, records })
      }
    }
  } finally {
    await cluster.disconnect()
  }
}

/** All records of a partition that are not markers. */
export const recordsIn = async (bootstrap: string, topic: string, partition = 0): Promise<SeenRecord[]> =>
  (await batchesOf(bootstrap, topic, partition)).filter(({ isControl }) => !isControl).flatMap(({ records }) => records)

/** All records of a partition that readers of committed records see. */
export const committedIn = async (bootstrap: string, topic: string, partition = 0): Promise<SeenRecord[]> =>
  (await batchesAt(bootstrap, { topic, partition, isolationLevel: 1 }))
    .filter(({ isControl }) => !isControl)
    .flatMap(({ records }) => records)
