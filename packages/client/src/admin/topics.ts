// Topics: list, create, enlarge, describe and delete them. Results and messages of wrong arguments are those of KafkaJS. Three things differ:
// topics that a failed try already deleted are not deleted again, a topic that is only validated is not waited for, and a partition
// without a leader does not keep others from being listed.
import { createPartitionsApi, createTopicsApi, deleteTopicsApi, ErrorCode, metadataApi, ZERO_UUID } from '@ottla/protocol'
import type { PartitionMetadata } from '../cluster/partition-metadata.ts'
import {
  check,
  KafkaJSAggregateError,
  KafkaJSCreateTopicError,
  KafkaJSProtocolError,
  KafkaJSTimeout,
  protocolError,
} from '../errors/index.ts'
import { delay } from '../retry.ts'
import type { AdminParts } from './calls.ts'
import { attempting, invalid } from './calls.ts'
import { checkConfigEntries, checkTopicNames, isList, shown } from './checks.ts'
import type { IResourceConfigEntry } from './configs.ts'

/** Where the replicas of a partition are to be. */
export interface ReplicaAssignment {
  partition: number
  replicas: number[]
}

/** A topic to be created. */
export interface ITopicConfig {
  topic: string
  /** As the broker's settings say unless given. */
  numPartitions?: number
  replicationFactor?: number
  replicaAssignment?: ReplicaAssignment[]
  configEntries?: IResourceConfigEntry[]
}

/** How many partitions a topic is to have. */
export interface ITopicPartitionConfig {
  topic: string
  count: number
  /** Replicas of each new partition. */
  assignments?: number[][]
}

/** A topic as brokers describe it. */
export interface ITopicMetadata {
  name: string
  partitions: PartitionMetadata[]
}

/** A topic in full. */
export interface TopicDescription extends ITopicMetadata {
  topicId: string
  isInternal: boolean
  partitions: (PartitionMetadata & { leaderEpoch: number })[]
}

/** Topics, by name or by id. */
export type TopicSelection = { topics: string[]; topicIds?: never } | { topicIds: string[]; topics?: never }

/** What an admin does with topics. */
export interface TopicAdmin {
  listTopics(): Promise<string[]>
  /** True when all were created, false when some were there already. Rejects with KafkaJSAggregateError of one KafkaJSCreateTopicError for each topic that failed. */
  createTopics(options: { validateOnly?: boolean; waitForLeaders?: boolean; timeout?: number; topics: ITopicConfig[] }): Promise<boolean>
  deleteTopics(options: { topics: string[]; timeout?: number }): Promise<void>
  createPartitions(options: { validateOnly?: boolean; timeout?: number; topicPartitions: ITopicPartitionConfig[] }): Promise<boolean>
  /** Of all topics unless some are named. */
  fetchTopicMetadata(options?: { topics: string[] }): Promise<{ topics: ITopicMetadata[] }>
  /** By name or by id (KIP-516). */
  describeTopics(selection: TopicSelection): Promise<TopicDescription[]>
}

type Answered = { readonly errorCode: number; readonly errorMessage?: string | null }

const defaultTimeoutMs = 5_000
const leadersTimeoutMs = 10_000
const leadersPauseMs = 100

/** Asks a broker for topics; null asks for all. */
const metadataOf = async (
  parts: AdminParts,
  of: { topics: readonly { topicId?: string; name: string | null }[] | null; byId?: boolean },
) => {
  const { allowAutoTopicCreation = false, cluster } = parts
  const { body } = await cluster.request('any', metadataApi, version => {
    if (of.byId === true && version < 12)
      throw protocolError(ErrorCode.UNSUPPORTED_VERSION, 'The broker is older than Kafka 3.1 and does not know topics by their ids')
    return { topics: version === 0 ? (of.topics ?? []) : of.topics, ...(version >= 4 && { allowAutoTopicCreation }) }
  })
  return body
}

type MetadataTopic = Awaited<ReturnType<typeof metadataOf>>['topics'][number]

const described = ({ name, topicId, isInternal, partitions }: MetadataTopic): TopicDescription => ({
  name: name ?? '',
  topicId,
  isInternal,
  partitions: partitions
    .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
    .map(of => ({
      partitionErrorCode: of.errorCode,
      partitionId: of.partitionIndex,
      leader: of.leaderId,
      replicas: of.replicaNodes,
      isr: of.isrNodes,
      offlineReplicas: of.offlineReplicas,
      leaderEpoch: of.leaderEpoch,
    })),
})

const listTopics = (parts: AdminParts) => (): Promise<string[]> =>
  attempting(parts, 'Could not list topics', async () => {
    const { topics } = await metadataOf(parts, { topics: null })
    return topics.flatMap(({ name }) => name ?? [])
  })

/** Waits until the controller's node knows leaders of all partitions. */
async function leaders(parts: AdminParts, topics: readonly string[], timeoutMs: number): Promise<void> {
  const { cluster } = parts
  const deadline = cluster.clock.monotonic() + timeoutMs
  for (;;) {
    const { body } = await cluster.request('controller', metadataApi, version => ({
      topics: topics.map(name => ({ name })),
      ...(version >= 4 && { allowAutoTopicCreation: false }),
    }))
    const waits = body.topics
      .flatMap(({ errorCode, partitions }) => [errorCode, ...partitions.map(of => of.errorCode)])
      .filter(code => code !== 0)
    const failure = waits.find(code => code !== ErrorCode.LEADER_NOT_AVAILABLE && code !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if (failure !== undefined) throw protocolError(failure)
    if (waits.length === 0) return
    if (cluster.clock.monotonic() + leadersPauseMs > deadline) throw new KafkaJSTimeout('Timed out while waiting for topic leaders')
    await delay(cluster.clock, leadersPauseMs, parts.signal())
  }
}

/** From this version on the broker has defaults for what is not given (KIP-464). */
const firstWithDefaults = 4

function expectCounts(topics: readonly ITopicConfig[]): void {
  const bare = topics.find(of => !of.replicaAssignment?.length && ((of.numPartitions ?? -1) < 0 || (of.replicationFactor ?? -1) < 0))
  if (bare === undefined) return
  const message = `The broker is older than Kafka 2.4 and has no defaults for topics: give numPartitions and replicationFactor of ${bare.topic}.`
  throw protocolError(ErrorCode.UNSUPPORTED_VERSION, message)
}

const createTopics =
  (parts: AdminParts): TopicAdmin['createTopics'] =>
  async ({ topics, validateOnly = false, timeout, waitForLeaders = true }) => {
    if (!isList(topics)) invalid(`Invalid topics array ${shown(topics)}`)
    checkTopicNames(topics, 'topics')
    for (const { topic, configEntries } of topics) if (configEntries != null) checkConfigEntries(topic, configEntries)
    const existing = await attempting(parts, 'Could not create topics', async () => {
      const wanted = {
        topics: topics.map(of => ({
          name: of.topic,
          numPartitions: of.replicaAssignment?.length ? -1 : (of.numPartitions ?? -1),
          replicationFactor: of.replicaAssignment?.length ? -1 : (of.replicationFactor ?? -1),
          assignments: (of.replicaAssignment ?? []).map(({ partition, replicas }) => ({ partitionIndex: partition, brokerIds: replicas })),
          configs: of.configEntries ?? [],
        })),
        timeoutMs: timeout ?? defaultTimeoutMs,
        validateOnly,
      }
      const { body } = await parts.cluster.request('controller', createTopicsApi, version => {
        if (version < firstWithDefaults) expectCounts(topics)
        return wanted
      })
      const failed = body.topics.filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
      for (const { errorCode, errorMessage } of failed) if (errorCode === ErrorCode.NOT_CONTROLLER) check(errorCode, errorMessage)
      if (failed.every(({ errorCode }) => errorCode === ErrorCode.TOPIC_ALREADY_EXISTS)) return failed.length
      const ordered = failed.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      const failures = ordered.map(of => new KafkaJSCreateTopicError(protocolError(of.errorCode, of.errorMessage ?? undefined), of.name))
      throw new KafkaJSAggregateError('Topic creation errors', failures)
    })
    if (existing > 0) return false
    if (waitForLeaders && !validateOnly && topics.length > 0) {
      const names = topics.map(({ topic }) => topic)
      await attempting(parts, 'Could not see leaders of topics', () => leaders(parts, names, timeout ?? leadersTimeoutMs))
    }
    return true
  }

const deleteTopics =
  (parts: AdminParts): TopicAdmin['deleteTopics'] =>
  async ({ topics, timeout }) => {
    const { cluster, logger } = parts
    if (!isList(topics)) invalid(`Invalid topics array ${shown(topics)}`)
    if (topics.some(topic => typeof topic !== 'string')) invalid('Invalid topics array, the names must be a valid string')
    let open: readonly string[] = [...new Set(topics)]
    await attempting(parts, 'Could not delete topics', async ({ retryCount, retryTime }) => {
      const { body } = await cluster.request('controller', deleteTopicsApi, version => ({
        ...(version >= 6 ? { topics: open.map(name => ({ name, topicId: ZERO_UUID })) } : { topicNames: open }),
        timeoutMs: timeout ?? defaultTimeoutMs,
      }))
      const gone = new Set(body.responses.filter(({ errorCode }) => errorCode === ErrorCode.NONE).map(({ name }) => name))
      open = open.filter(topic => !gone.has(topic))
      const failed: Answered | undefined = body.responses.find(({ errorCode }) => errorCode !== ErrorCode.NONE)
      if (failed?.errorCode === ErrorCode.REQUEST_TIMED_OUT) {
        const message = 'Could not delete topics, check if "delete.topic.enable" is set to "true" or increase the timeout'
        logger.error(message, { error: failed.errorMessage ?? 'The request timed out', retryCount, retryTime })
      }
      if (failed !== undefined) check(failed.errorCode, failed.errorMessage)
    })
    cluster.forget(topics)
    await cluster.refresh()
  }

const createPartitions =
  (parts: AdminParts): TopicAdmin['createPartitions'] =>
  async ({ topicPartitions, validateOnly = false, timeout }) => {
    if (!isList(topicPartitions)) invalid(`Invalid topic partitions array ${shown(topicPartitions)}`)
    if (topicPartitions.length === 0) invalid('Empty topic partitions array')
    checkTopicNames(topicPartitions, 'topic partitions')
    await attempting(parts, 'Could not create partitions', async () => {
      const { body } = await parts.cluster.request('controller', createPartitionsApi, {
        topics: topicPartitions.map(({ topic, count, assignments }) => ({
          name: topic,
          count,
          assignments: assignments?.map(brokerIds => ({ brokerIds })) ?? null,
        })),
        timeoutMs: timeout ?? defaultTimeoutMs,
        validateOnly,
      })
      for (const { name, errorCode, errorMessage } of body.results) check(errorCode, errorMessage, { topic: name })
    })
    return true
  }

/** Topics as asked for; one that failed is thrown, a partition without a leader is waited for as long as a missing topic is. */
const fetched = (parts: AdminParts, of: Parameters<typeof metadataOf>[1]): Promise<TopicDescription[]> => {
  let last: TopicDescription[] | undefined
  return attempting(parts, 'Could not fetch topic metadata', async ({ retryCount }) => {
    const { topics } = await metadataOf(parts, of)
    for (const { name, errorCode } of topics) check(errorCode, undefined, { topic: name ?? '' })
    last = topics.map(described)
    const missing = last
      .flatMap(({ partitions }) => partitions)
      .some(({ partitionErrorCode }) => partitionErrorCode === ErrorCode.LEADER_NOT_AVAILABLE)
    if (missing && retryCount < 2 && of.topics !== null) throw protocolError(ErrorCode.LEADER_NOT_AVAILABLE)
    return last
  }).catch((error: unknown) => {
    if (last !== undefined && error instanceof KafkaJSProtocolError && error.code === ErrorCode.LEADER_NOT_AVAILABLE) return last
    throw error
  })
}

const withoutEpoch = ({
  partitionErrorCode,
  partitionId,
  leader,
  replicas,
  isr,
  offlineReplicas = [],
}: PartitionMetadata): PartitionMetadata => ({
  partitionErrorCode,
  partitionId,
  leader,
  replicas,
  isr,
  offlineReplicas,
})

const fetchTopicMetadata =
  (parts: AdminParts): TopicAdmin['fetchTopicMetadata'] =>
  async ({ topics = [] } = { topics: [] }) => {
    for (const topic of topics) if (typeof topic !== 'string' || topic === '') invalid(`Invalid topic ${shown(topic)}`)
    const found = await fetched(parts, { topics: topics.length === 0 ? null : topics.map(name => ({ name })) })
    const plain = found.map(({ name, partitions }) => ({ name, partitions: partitions.map(withoutEpoch) }))
    return { topics: plain }
  }

const describeTopics =
  (parts: AdminParts): TopicAdmin['describeTopics'] =>
  async ({ topics, topicIds }) => {
    if (topicIds !== undefined) return fetched(parts, { topics: topicIds.map(topicId => ({ topicId, name: null })), byId: true })
    for (const topic of topics) if (typeof topic !== 'string' || topic === '') invalid(`Invalid topic ${shown(topic)}`)
    return topics.length === 0 ? [] : fetched(parts, { topics: topics.map(name => ({ name })) })
  }

/** Makes the part of an admin that deals with topics. */
export const topicAdmin = (parts: AdminParts): TopicAdmin => ({
  listTopics: listTopics(parts),
  createTopics: createTopics(parts),
  deleteTopics: deleteTopics(parts),
  createPartitions: createPartitions(parts),
  fetchTopicMetadata: fetchTopicMetadata(parts),
  describeTopics: describeTopics(parts),
})
