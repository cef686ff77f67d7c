// What tests of the consumer share: a broker of this repository, topics with records, consumers that try again quickly.
import { BatchBuilder, createTopicsApi, ErrorCode, produceApi, ZERO_UUID } from '@ottla/protocol'
import type { Cluster } from '../../packages/client/src/cluster/cluster.ts'
import { createCluster } from '../../packages/client/src/cluster/create-cluster.ts'
import { createConsumer } from '../../packages/client/src/consumer/consumer.ts'
import { committedOffsets } from '../../packages/client/src/consumer/group/offsets.ts'
import type { Consumer, ConsumerConfig } from '../../packages/client/src/consumer/types.ts'
import { createLogger, logLevel } from '../../packages/client/src/logger.ts'
import { protocolError } from '../../packages/client/src/errors/index.ts'
import { retrying, type RetryOptions } from '../../packages/client/src/retry.ts'
import { startBroker } from './broker.ts'

const logger = createLogger({ level: logLevel.NOTHING })

/** A record to be written. */
export interface Written {
  readonly key?: string | null
  readonly value: string | Buffer
  readonly timestamp?: number
  readonly headers?: Record<string, string>
}

/** A started world. */
export type World = Awaited<ReturnType<typeof startWorld>>

/** Starts a broker; what is made here ends with it. */
export async function startWorld(settings: Record<string, string> = {}) {
  const broker = await startBroker(settings)
  const clusters: Cluster[] = []
  const consumers: { disconnect(): Promise<void> }[] = []
  const clusterOf = (retry: RetryOptions = {}): Cluster => {
    const cluster = createCluster({
      brokers: [broker.bootstrap],
      logger,
      retry: { initialRetryTime: 20, maxRetryTime: 100, retries: 3, ...retry },
    })
    clusters.push(cluster)
    return cluster
  }
  const own = clusterOf({ retries: 20 })
  let names = 0
  return {
    cluster: own,
    /** A fresh name. */
    name: (kind: string) => `${kind}-${++names}`,
    async createTopic(name: string, partitions = 1): Promise<string> {
      const topics = [{ name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }]
      const { body } = await own.request('controller', createTopicsApi, { topics, timeoutMs: 5000, validateOnly: false })
      if (body.topics[0]?.errorCode !== ErrorCode.NONE) throw new Error(`Not created: ${body.topics[0]?.errorCode}`)
      await retrying(own, async () => own.topics([name]))
      return name
    },
    async write(topic: string, records: readonly (Written | string)[], partition = 0): Promise<void> {
      const builder = new BatchBuilder({})
      for (const record of records) {
        const { key = null, value, timestamp = Date.now(), headers = {} } = typeof record === 'string' ? { value: record } : record
        builder.append({
          timestamp,
          key: key === null ? null : Buffer.from(key),
          value: Buffer.from(value),
          headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: Buffer.from(text) })),
        })
      }
      const { bytes } = builder.build()
      await retrying(own, async () => {
        const { id } = (await own.topics([topic])).get(topic) ?? { id: ZERO_UUID }
        const topicData = [{ name: topic, topicId: id, partitionData: [{ index: partition, records: bytes }] }]
        const { body } = await own.request(own.leaderOf(topic, partition) ?? 1, produceApi, { acks: -1, timeoutMs: 5000, topicData })
        const code = body.responses[0]?.partitionResponses[0]?.errorCode ?? ErrorCode.NONE
        if (code !== ErrorCode.NONE) throw protocolError(code)
      })
    },
    clusterOf,
    /** A consumer that begins at the start of what it subscribes. */
    consumer(config: Partial<ConsumerConfig> = {}, retry: RetryOptions = {}): Consumer {
      const groupId = `group-${++names}`
      const defaults = { groupId, offsetReset: 'earliest', heartbeatInterval: 100, maxWaitTimeInMs: 100 } as const
      const consumer = createConsumer(clusterOf(retry), { ...defaults, ...config })
      consumers.push(consumer)
      return consumer
    },
    async committed(groupId: string, topic: string, partition = 0): Promise<number> {
      const [offset] = await committedOffsets(own, groupId, [{ topic, partition }])
      return offset?.offset ?? -1
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const consumer of consumers) await consumer.disconnect()
      for (const cluster of clusters) await cluster.disconnect()
      await broker[Symbol.asyncDispose]()
    },
  }
}

/** Waits until it is true. */
export async function until(isTrue: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`Not true within ${timeoutMs} ms: ${isTrue.toString().slice(0, 200)}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
