// How far behind positions are: in records, by the ends of their partitions, and in seconds, by the timestamp of the next record to be read, for
// which one batch of each partition that is behind is fetched, without session.
import type { FetchRequestInit } from '@ottla/protocol'
import { batchesIn, fetchApi, recordsOf, ZERO_UUID } from '@ottla/protocol'
import type { Cluster } from '../../cluster/cluster.ts'
import { type OffsetsOfOptions, offsetsOf } from '../offsets-of.ts'
import type { TopicPartition } from '../parts.ts'

/** Where somebody is: the next offset to be read, below zero for the beginning of the partition. */
export interface PositionInPartition extends TopicPartition {
  readonly offset: number
}

/** How far behind that is. */
export interface Lag extends PositionInPartition {
  readonly endOffset: number
  /** Offsets up to the end; some may hold no record. */
  readonly records: number
  /** Age of the next record; 0 when there is none, null when it cannot be read or has no time. */
  readonly seconds: number | null
}

/** Most partitions need one batch of no more than this. */
const PARTITION_BYTES = 64 * 1024
const ANSWER_BYTES = 4 * 1024 * 1024

/** The lags of positions, in their order. Rejects as `offsetsOf` does. */
export async function lagsOf(cluster: Cluster, positions: readonly PositionInPartition[], options: OffsetsOfOptions = {}): Promise<Lag[]> {
  const queries = positions.flatMap(({ topic, partition }) => [
    { topic, partition, at: 'earliest' as const },
    { topic, partition, at: 'latest' as const },
  ])
  const ends = await offsetsOf(cluster, queries, options)
  const behind = positions.map((position, index) => {
    const endOffset = ends[index * 2 + 1]?.offset ?? position.offset
    return { ...position, endOffset, offset: Math.max(position.offset, ends[index * 2]?.offset ?? 0) }
  })
  const times = await nextTimestamps(
    cluster,
    behind.filter(({ offset, endOffset }) => offset < endOffset),
    options,
  )
  const nowMs = cluster.clock.now()
  return behind.map(position => {
    const records = Math.max(0, position.endOffset - position.offset)
    const timestamp = times.get(keyOf(position)) ?? -1
    const seconds = records === 0 ? 0 : timestamp < 0 ? null : Math.max(0, nowMs - timestamp) / 1000
    return { ...position, records, seconds }
  })
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/** Timestamps of the records at positions, as far as they can be read. */
async function nextTimestamps(
  cluster: Cluster,
  positions: readonly PositionInPartition[],
  options: OffsetsOfOptions,
): Promise<Map<string, number>> {
  const times = new Map<string, number>()
  let pending = [...positions]
  // A broker gives the first partition a whole batch, and others as much as there is room for: with each round there are fewer.
  while (pending.length > 0) {
    const byLeader = new Map<number, PositionInPartition[]>()
    for (const position of pending) {
      const leader = cluster.leaderOf(position.topic, position.partition)
      if (leader !== undefined && leader >= 0) byLeader.set(leader, [...(byLeader.get(leader) ?? []), position])
    }
    const answered = new Set<string>()
    await Promise.all([...byLeader].map(([leader, asked]) => readTimes(cluster, { leader, asked, options, times, answered })))
    const left = pending.filter(position => !answered.has(keyOf(position)))
    if (left.length === pending.length) break
    pending = left
  }
  return times
}

interface Reading {
  readonly leader: number
  readonly asked: readonly PositionInPartition[]
  readonly options: OffsetsOfOptions
  readonly times: Map<string, number>
  /** Partitions that need not be asked for again. */
  readonly answered: Set<string>
}

async function readTimes(cluster: Cluster, { leader, asked, options, times, answered }: Reading): Promise<void> {
  const topics = new Map<string, FetchRequestInit['topics'][number] & { partitions: object[] }>()
  const positions = new Map<string, PositionInPartition>()
  for (const position of asked) {
    const topicId = cluster.image.topics.get(position.topic)?.id ?? ZERO_UUID
    const topic = topics.get(position.topic) ?? { topic: position.topic, topicId, partitions: [] }
    topics.set(position.topic, topic)
    topic.partitions.push({ partition: position.partition, fetchOffset: position.offset, partitionMaxBytes: PARTITION_BYTES })
    positions.set(`${topicId}-${position.partition}`, position).set(keyOf(position), position)
  }
  const haveIds = [...topics.values()].every(({ topicId }) => topicId !== ZERO_UUID)
  const isolationLevel = (options.readUncommitted ?? true) ? 0 : 1
  const body = { maxWaitMs: 0, minBytes: 0, maxBytes: ANSWER_BYTES, isolationLevel, topics: [...topics.values()], forgottenTopicsData: [] }
  const { signal } = options
  const answer = await cluster
    .request(leader, fetchApi, body, { ...(haveIds ? {} : { maxVersion: 12 }), ...(signal === undefined ? {} : { signal }) })
    .catch(() => undefined)
  signal?.throwIfAborted()
  if (answer === undefined) return
  for (const { topic, topicId, partitions } of answer.body.responses)
    for (const { partitionIndex, errorCode, records } of partitions) {
      const position = positions.get(`${topic === '' ? topicId : topic}-${partitionIndex}`)
      if (position === undefined) continue
      const time = errorCode === 0 && records !== null ? timeAt(records, position.offset) : undefined
      if (time !== undefined) times.set(keyOf(position), time)
      if (time !== undefined || errorCode !== 0) answered.add(keyOf(position))
    }
}

/** Time of the first record from an offset on, undefined when there is none that can be read. */
function timeAt(records: Buffer, offset: number): number | undefined {
  try {
    for (const batch of batchesIn(records)) {
      if (batch.lastOffset < offset || batch.isControl) continue
      for (const record of recordsOf(batch)) if (record.offset >= offset) return record.timestamp
    }
  } catch {
    // Whoever reads the partition will be told.
  }
  return undefined
}
