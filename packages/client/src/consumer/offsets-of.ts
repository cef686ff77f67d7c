// Offsets of many partitions by time or by name (ListOffsets): one request for each leader, tried again where leaders move.
import type { ListOffsetsRequestInit } from '@ottla/protocol'
import { ErrorCode, errorOf, listOffsetsApi } from '@ottla/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { protocolError } from '../errors/index.ts'
import { retrying } from '../retry.ts'
import type { TopicPartition } from './parts.ts'

/** What offset is asked for: the first, the next to be written, that of the record with the largest timestamp, or the first of this time (in ms) or later. */
export type OffsetSpec = 'earliest' | 'latest' | 'max-timestamp' | number

/** One question. */
export interface OffsetQuery extends TopicPartition {
  readonly at: OffsetSpec
}

/** Its answer. */
export interface FoundOffset extends TopicPartition {
  /** -1 when there is no such record. */
  readonly offset: number
  /** Timestamp of the record in ms; -1 for the ends of the log. */
  readonly timestamp: number
  /** -1 when not known. */
  readonly leaderEpoch: number
}

/** An answer, or why there is none. */
export type OffsetOutcome = FoundOffset | { readonly error: Error; readonly code: number }

export interface OffsetsOfOptions {
  /** Whether 'latest' is the high watermark even where transactions are open; else it is the last stable offset. Yes by default. */
  readonly readUncommitted?: boolean
  readonly signal?: AbortSignal
}

/** Timestamps with a meaning of their own. */
const wireTime = (at: OffsetSpec): number => (at === 'latest' ? -1 : at === 'earliest' ? -2 : at === 'max-timestamp' ? -3 : Math.max(0, at))

/** From which version on 'max-timestamp' may be asked for (KIP-734). */
const MAX_TIMESTAMP_VERSION = 7

/** The answers, in the order of the questions. Rejects with the first error that a new try would meet again, or when tries are used up. */
export async function offsetsOf(cluster: Cluster, queries: readonly OffsetQuery[], options: OffsetsOfOptions = {}): Promise<FoundOffset[]> {
  const found = new Map<number, FoundOffset>()
  let pending = queries.map((_, index) => index)
  await retrying(
    cluster,
    async () => {
      const asked = pending.map(index => queries[index]!)
      await cluster.topics([...new Set(asked.map(({ topic }) => topic))], options.signal === undefined ? {} : { signal: options.signal })
      const outcomes = await listOffsets(cluster, asked, options)
      let failed: { readonly error: Error; readonly code: number } | undefined
      const left: number[] = []
      for (const [at, outcome] of outcomes.entries()) {
        const index = pending[at]!
        if (!('error' in outcome)) {
          found.set(index, outcome)
          continue
        }
        left.push(index)
        if (failed === undefined || errorOf(failed.code).retriable) failed = outcome
      }
      pending = left
      if (failed === undefined) return
      if (errorOf(failed.code).refreshMetadata) await cluster.refresh()
      throw failed.error
    },
    options.signal,
  )
  return queries.map((_, index) => found.get(index)!)
}

/** Asks once, each leader for its partitions; what fails says so in its place. Does not reject, except with the signal's reason. */
export async function listOffsets(
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  options: OffsetsOfOptions = {},
): Promise<OffsetOutcome[]> {
  const outcomes: OffsetOutcome[] = []
  const requests = new Map<string, { readonly leader: number; readonly asked: Map<string, number> }>()
  for (const [index, { topic, partition }] of queries.entries()) {
    const leader = cluster.leaderOf(topic, partition)
    const place = `${topic}-${partition}`
    if (leader === undefined || leader < 0) {
      const isKnown = cluster.image.topics.get(topic)?.partitions.some(facts => facts.partition === partition) ?? false
      const code = isKnown ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      outcomes[index] = { error: protocolError(code, `${place}: ${errorOf(code).message}`), code }
      continue
    }
    // A partition may only be named once in a request.
    let turn = 0
    while (requests.get(`${leader}/${turn}`)?.asked.has(place) === true) turn++
    const key = `${leader}/${turn}`
    const request = requests.get(key) ?? { leader, asked: new Map<string, number>() }
    requests.set(key, request)
    request.asked.set(place, index)
  }
  await Promise.all(
    [...requests.values()].map(async ({ leader, asked }) => {
      try {
        await askLeader(cluster, { leader, asked, queries, options, outcomes })
      } catch (cause) {
        options.signal?.throwIfAborted()
        const error = cause instanceof Error ? cause : new Error(String(cause))
        const isRetriable = 'retriable' in error && error.retriable === true
        const code = 'code' in error && typeof error.code === 'number' ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR
        for (const index of asked.values()) outcomes[index] = { error, code: isRetriable ? ErrorCode.NETWORK_EXCEPTION : code }
      }
    }),
  )
  return outcomes
}

interface LeaderQuestions {
  readonly leader: number
  /** Index of the question, by topic and partition. */
  readonly asked: ReadonlyMap<string, number>
  readonly queries: readonly OffsetQuery[]
  readonly options: OffsetsOfOptions
  readonly outcomes: OffsetOutcome[]
}

async function askLeader(cluster: Cluster, { leader, asked, queries, options, outcomes }: LeaderQuestions): Promise<void> {
  const topics = new Map<string, ListOffsetsRequestInit['topics'][number] & { partitions: { partitionIndex: number }[] }>()
  let needsMaxTimestamp = false
  for (const index of asked.values()) {
    const { topic: name, partition, at } = queries[index]!
    const topic = topics.get(name) ?? { name, partitions: [] }
    topics.set(name, topic)
    const leaderEpoch = cluster.image.topics.get(name)?.partitions.find(facts => facts.partition === partition)?.leaderEpoch ?? -1
    const asking = { partitionIndex: partition, currentLeaderEpoch: leaderEpoch, timestamp: wireTime(at) }
    topic.partitions.push(asking)
    needsMaxTimestamp ||= at === 'max-timestamp'
  }
  const body = (version: number): ListOffsetsRequestInit => {
    if (needsMaxTimestamp && version < MAX_TIMESTAMP_VERSION)
      throw protocolError(ErrorCode.UNSUPPORTED_VERSION, 'The broker is older than Kafka 3.0 and cannot look for the largest timestamp')
    return {
      replicaId: -1,
      isolationLevel: (options.readUncommitted ?? true) ? 0 : 1,
      topics: [...topics.values()],
      timeoutMs: cluster.requestTimeoutMs,
    }
  }
  const answer = await cluster.request(leader, listOffsetsApi, body, options.signal === undefined ? {} : { signal: options.signal })
  for (const index of asked.values()) {
    const code = ErrorCode.UNKNOWN_SERVER_ERROR
    outcomes[index] = { error: protocolError(code, 'The broker left a partition out of its answer'), code }
  }
  for (const { name, partitions } of answer.body.topics)
    for (const { partitionIndex: partition, errorCode, offset, timestamp, leaderEpoch } of partitions) {
      const index = asked.get(`${name}-${partition}`)
      if (index === undefined) continue
      outcomes[index] =
        errorCode === ErrorCode.NONE
          ? { topic: name, partition, offset, timestamp, leaderEpoch }
          : { error: protocolError(errorCode, `${name}-${partition}: ${errorOf(errorCode).message}`), code: errorCode }
    }
}
