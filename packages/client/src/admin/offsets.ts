// Offsets of partitions: their ends, those of points in time, and the deletion of everything before an offset (KIP-107).
import { deleteRecordsApi, ErrorCode, listOffsetsApi } from '@ottla/protocol'
import type { TopicPartition } from '../consumer/parts.ts'
import type { PartitionOffset } from '../consumer/types.ts'
import { check, KafkaJSBrokerNotFound, KafkaJSDeleteTopicRecordsError, KafkaJSNonRetriableError, protocolError } from '../errors/index.ts'
import type { AdminParts, PartitionAnswer } from './calls.ts'
import { attempting, byLeader, byTopic, invalid, topicsOf } from './calls.ts'
import { checkTopic, isList, offsetFrom, shown } from './checks.ts'

/** An offset of a partition. */
export type SeekEntry = PartitionOffset

/** Special places in a partition, by the timestamps that stand for them on the wire. */
const places = {
  latest: -1,
  earliest: -2,
  'max-timestamp': -3,
  'earliest-local': -4,
  'latest-tiered': -5,
  'earliest-pending-upload': -6,
} as const

/** Which offset: that of the first record at or after a time, or of a special place (KIP-734, KIP-405, KIP-1005, KIP-1023). */
export type OffsetSpec = keyof typeof places | { timestamp: number | Date }

/** What was found; offset -1 means that there is none. */
export interface ListedOffset {
  partition: number
  offset: string
  timestamp: string
  leaderEpoch: number
}

/** What an admin does with offsets of partitions. */
export interface OffsetAdmin {
  fetchTopicOffsets(topic: string): Promise<(SeekEntry & { high: string; low: string })[]>
  /** Partitions without a record at or after the timestamp give their end. */
  fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number | string): Promise<SeekEntry[]>
  listOffsets(options: {
    topics: { topic: string; partitions: { partition: number; spec: OffsetSpec }[] }[]
    /** With read_committed, `latest` is the last stable offset. */
    isolationLevel?: 'read_uncommitted' | 'read_committed'
  }): Promise<{ topic: string; partitions: ListedOffset[] }[]>
  /** Deletes all records before the offsets; -1 means all that are there. Rejects with KafkaJSDeleteTopicRecordsError that names the partitions that failed. */
  deleteTopicRecords(options: { topic: string; partitions: SeekEntry[] }): Promise<void>
}

type Wanted = TopicPartition & { readonly timestamp: number }
type Found = PartitionAnswer & { readonly offset: number; readonly timestamp: number; readonly leaderEpoch: number }

/** The lowest version of ListOffsets that knows a special timestamp. */
const lowestVersion = (timestamp: number): number => ({ [-3]: 7, [-4]: 8, [-5]: 9, [-6]: 11 })[timestamp] ?? 1

/** Looks up offsets by timestamp; each partition at most once. Throws for the first that fails. */
async function lookUp(parts: AdminParts, partitions: readonly Wanted[], committed = false): Promise<Found[]> {
  const answers = await byLeader<Wanted, Found>(parts, {
    what: 'Could not fetch offsets',
    partitions,
    ask: async (nodeId, of) => {
      const { body } = await parts.cluster.request(nodeId, listOffsetsApi, version => {
        if (of.some(({ timestamp }) => lowestVersion(timestamp) > version))
          throw protocolError(
            ErrorCode.UNSUPPORTED_VERSION,
            'The broker is too old for one of the offsets that were asked for (max-timestamp needs Kafka 3.0)',
          )
        return {
          replicaId: -1,
          ...(version >= 2 && { isolationLevel: committed ? 1 : 0 }),
          topics: byTopic(of).map(({ topic, partitions: those }) => ({
            name: topic,
            partitions: those.map(({ partition, timestamp }) => ({ partitionIndex: partition, timestamp })),
          })),
        }
      })
      return body.topics.flatMap(({ name, partitions: those }) =>
        those.map(({ partitionIndex, ...rest }) => ({ topic: name, partition: partitionIndex, ...rest })),
      )
    },
  })
  for (const { errorCode, topic, partition } of answers) check(errorCode, undefined, { topic, partition })
  return answers
}

/** All partitions of a topic. */
export async function partitionsOf(parts: AdminParts, topic: string): Promise<number[]> {
  const topics = await attempting(parts, 'Could not fetch topic metadata', () => topicsOf(parts, [topic]))
  return topics.get(topic)?.partitions.map(({ partition }) => partition) ?? []
}

const wanted = (topic: string, partitions: readonly number[], timestamp: number): Wanted[] =>
  partitions.map(partition => ({ topic, partition, timestamp }))

/** Start and end of each partition of a topic. */
export async function endsOf(parts: AdminParts, topic: string): Promise<{ partition: number; high: number; low: number }[]> {
  const partitions = await partitionsOf(parts, topic)
  const [high, low] = await Promise.all([
    lookUp(parts, wanted(topic, partitions, places.latest)),
    lookUp(parts, wanted(topic, partitions, places.earliest)),
  ])
  return high.map(({ partition, offset }, index) => ({ partition, high: offset, low: low[index]?.offset ?? 0 }))
}

const fetchTopicOffsets =
  (parts: AdminParts): OffsetAdmin['fetchTopicOffsets'] =>
  async topic => {
    checkTopic(topic)
    const ends = await endsOf(parts, topic)
    return ends.map(({ partition, high, low }) => ({ partition, offset: String(high), high: String(high), low: String(low) }))
  }

const fetchTopicOffsetsByTimestamp =
  (parts: AdminParts): OffsetAdmin['fetchTopicOffsetsByTimestamp'] =>
  async (topic, timestamp) => {
    checkTopic(topic)
    const time = timestamp === '' ? Number.NaN : Number(timestamp ?? places.latest)
    if (!Number.isSafeInteger(time)) invalid(`Invalid timestamp ${shown(timestamp)}`)
    const partitions = await partitionsOf(parts, topic)
    const found = await lookUp(parts, wanted(topic, partitions, time))
    const beyond = found.filter(({ offset }) => offset < 0).map(({ partition }) => partition)
    const ends = beyond.length === 0 ? [] : await lookUp(parts, wanted(topic, beyond, places.latest))
    const endOf = new Map(ends.map(({ partition, offset }) => [partition, offset]))
    return found.map(({ partition, offset }) => ({ partition, offset: String(endOf.get(partition) ?? offset) }))
  }

function timestampOf(spec: OffsetSpec): number {
  if (typeof spec === 'string' && spec in places) return places[spec]
  const timestamp: unknown = typeof spec === 'object' ? spec.timestamp : undefined
  const number = timestamp instanceof Date ? timestamp.getTime() : timestamp
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) invalid(`Invalid offset spec ${JSON.stringify(spec)}`)
  return number
}

const listOffsets =
  (parts: AdminParts): OffsetAdmin['listOffsets'] =>
  async ({ topics, isolationLevel = 'read_uncommitted' }) => {
    if (!isList(topics)) invalid(`Invalid topics array ${shown(topics)}`)
    for (const { topic } of topics) checkTopic(topic)
    const partitions = topics.flatMap(({ topic, partitions: of }) =>
      of.map(({ partition, spec }) => ({ topic, partition, timestamp: timestampOf(spec) })),
    )
    const found = await lookUp(parts, partitions, isolationLevel === 'read_committed')
    return byTopic(found).map(({ topic, partitions: of }) => ({
      topic,
      partitions: of.map(({ partition, offset, timestamp, leaderEpoch }) => ({
        partition,
        offset: String(offset),
        timestamp: String(timestamp),
        leaderEpoch,
      })),
    }))
  }

type Doomed = TopicPartition & { readonly offset: number; readonly given: SeekEntry }

/** Those that cannot be deleted from because nobody leads them; thrown before anything is deleted. */
function expectLed(topic: string, doomed: readonly Doomed[], known: ReadonlySet<number>): void {
  const lost = doomed.filter(({ partition }) => !known.has(partition))
  if (lost.length === 0) return
  const error = new KafkaJSBrokerNotFound('Could not find the leader for the partition', { retriable: false })
  throw new KafkaJSDeleteTopicRecordsError({ topic, partitions: lost.map(({ given }) => ({ ...given, error })) })
}

const deleteTopicRecords =
  (parts: AdminParts): OffsetAdmin['deleteTopicRecords'] =>
  async ({ topic, partitions }) => {
    if (typeof topic !== 'string' || topic === '') invalid(`Invalid topic "${shown(topic)}"`)
    if (!isList(partitions) || partitions.length === 0) invalid('Invalid partitions')
    const doomed = partitions.map(given => ({ topic, partition: given.partition, offset: offsetFrom(given.offset), given }))
    const ends = new Map((await endsOf(parts, topic)).map(of => [of.partition, of]))
    expectLed(topic, doomed, new Set(ends.keys()))
    for (const { partition, offset, given } of doomed) {
      if (offset < 0 || offset >= (ends.get(partition)?.low ?? 0)) continue
      const message =
        'The requested offset is before the earliest offset maintained on the partition - no records will be deleted from this partition'
      parts.logger.warn(message, { topic, partition, offset: given.offset })
    }
    const answers = await byLeader<Doomed, PartitionAnswer>(parts, {
      what: 'Could not delete records',
      partitions: doomed,
      ask: async (nodeId, of) => {
        const { body } = await parts.cluster.request(nodeId, deleteRecordsApi, {
          topics: [{ name: topic, partitions: of.map(({ partition, offset }) => ({ partitionIndex: partition, offset })) }],
          timeoutMs: parts.cluster.requestTimeoutMs,
        })
        return body.topics.flatMap(({ name, partitions: those }) =>
          those.map(({ partitionIndex, errorCode }) => ({ topic: name, partition: partitionIndex, errorCode })),
        )
      },
    })
    const failed = answers.filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
    if (failed.length === 0) return
    const givenOf = new Map(doomed.map(({ partition, given }) => [partition, given]))
    const errors = failed.map(({ partition, errorCode }) => ({
      partition,
      offset: givenOf.get(partition)?.offset ?? '',
      error: protocolError(errorCode, undefined, { topic, partition }),
    }))
    const cause = new KafkaJSDeleteTopicRecordsError({ topic, partitions: errors })
    throw new KafkaJSNonRetriableError(cause, { cause })
  }

/** Makes the part of an admin that deals with offsets of partitions. */
export const offsetAdmin = (parts: AdminParts): OffsetAdmin => ({
  fetchTopicOffsets: fetchTopicOffsets(parts),
  fetchTopicOffsetsByTimestamp: fetchTopicOffsetsByTimestamp(parts),
  listOffsets: listOffsets(parts),
  deleteTopicRecords: deleteTopicRecords(parts),
})
