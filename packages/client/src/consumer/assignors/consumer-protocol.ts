// What classic consumers put into JoinGroup as metadata and into SyncGroup as assignments: two bytes of version, then a message of that version
// (Kafka's ConsumerProtocol). Later versions only add fields at the end, so that bytes of a version that nobody here knows are read as the
// newest known one.
import type { Encodable, Message } from '@ottla/protocol'
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  ErrorCode,
  KafkaError,
  ProtocolError,
  Reader,
  storedCodec,
  Writer,
} from '@ottla/protocol'
import type { TopicPartition } from '../parts.ts'
import { groupedByTopic } from './topic-partitions.ts'

const newestVersion = 3

/** What a member wants and has. */
export interface ConsumerSubscription {
  readonly version: number
  readonly topics: readonly string[]
  readonly userData: Buffer | null
  /** Empty before version 1. */
  readonly ownedPartitions: readonly TopicPartition[]
  /** -1 when it got nothing yet; undefined before version 2. */
  readonly generationId: number | undefined
  readonly rackId: string | null
}

/** What a member gets. */
export interface ConsumerAssignment {
  readonly version: number
  readonly partitions: readonly TopicPartition[]
  readonly userData: Buffer | null
}

/** Writes metadata as Kafka's consumers do: everything sorted, partitions grouped by topic. */
export function encodeSubscription(
  version: number,
  subscription: Pick<ConsumerSubscription, 'topics'> & Partial<Omit<ConsumerSubscription, 'version' | 'topics'>>,
): Buffer {
  const owned = groupedByTopic(subscription.ownedPartitions ?? [])
  return encode(consumerProtocolSubscription, version, {
    topics: subscription.topics.toSorted(),
    userData: subscription.userData ?? null,
    ownedPartitions: [...owned.keys()]
      .toSorted()
      .map(topic => ({ topic, partitions: (owned.get(topic) ?? []).toSorted((one, other) => one - other) })),
    generationId: subscription.generationId ?? -1,
    rackId: subscription.rackId ?? null,
  })
}

/** Reads metadata. Throws KafkaError. */
export function parseSubscription(bytes: Buffer): ConsumerSubscription {
  return checked('subscription', () => {
    const reader = new Reader(bytes)
    const version = knownVersion(reader.int16())
    const read = storedCodec(consumerProtocolSubscription, version).read(reader)
    return {
      version,
      topics: read.topics,
      userData: read.userData,
      ownedPartitions: flat(read.ownedPartitions),
      generationId: version >= 2 ? read.generationId : undefined,
      rackId: read.rackId === '' ? null : read.rackId,
    }
  })
}

/** Writes an assignment, topics in the order in which they first come. */
export function encodeAssignment(version: number, partitions: readonly TopicPartition[], userData: Buffer | null = null): Buffer {
  const assignedPartitions = [...groupedByTopic(partitions)].map(([topic, numbers]) => ({ topic, partitions: numbers }))
  return encode(consumerProtocolAssignment, version, { assignedPartitions, userData })
}

/** Reads an assignment; no bytes at all are none. Throws KafkaError. */
export function parseAssignment(bytes: Buffer): ConsumerAssignment {
  if (bytes.length === 0) return { version: 0, partitions: [], userData: null }
  return checked('assignment', () => {
    const reader = new Reader(bytes)
    const version = knownVersion(reader.int16())
    const read = storedCodec(consumerProtocolAssignment, version).read(reader)
    return { version, partitions: flat(read.assignedPartitions), userData: read.userData }
  })
}

const flat = (topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): TopicPartition[] =>
  topics.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))

function knownVersion(version: number): number {
  if (version < 0) throw new KafkaError(ErrorCode.INVALID_REQUEST, `The consumer protocol has no version ${version}.`)
  return Math.min(version, newestVersion)
}

function checked<Result>(what: string, run: () => Result): Result {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `Malformed ${what} of the consumer protocol: ${error.message}.`)
  }
}

function encode<M extends Message>(type: M, version: number, value: Encodable<M['fields']>): Buffer {
  const known = knownVersion(version)
  const writer = new Writer()
  writer.int16(known)
  storedCodec(type, known).write(writer, value)
  return writer.bytes()
}
