// What classic consumers put into JoinGroup as metadata and into SyncGroup as assignments: two bytes of version, then a message of that version
// (Kafka's ConsumerProtocol). Later versions only add fields at the end, so that bytes of a version that nobody here knows are read as the
// newest known one. To the classic protocol these bytes are opaque; the coordinator looks into them to know what a group
// subscribes to, and where consumers of both protocols share a group.
import type { ConsumerProtocolSubscription, Encodable, Message } from '@ottla/protocol'
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  ErrorCode,
  KafkaError,
  MAX_ARRAY_ELEMENTS,
  ProtocolError,
  Reader,
  storedCodec,
  Writer,
} from '@ottla/protocol'

/** Protocol type of the groups whose members speak this. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer'

const newestVersion = 3

/** Partitions of one topic. */
export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** What a classic consumer wants and has. */
export interface Subscription {
  /** Version in which it was read: that of the bytes, or the newest known one. */
  readonly version: number
  readonly topics: readonly string[]
  readonly userData: Buffer | null
  /** Empty before version 1. */
  readonly ownedPartitions: readonly TopicPartitions[]
  /** Generation in which it got what it owns; -1 when it got nothing yet, and before version 2. */
  readonly generationId: number
  /** Null before version 3. */
  readonly rackId: string | null
}

/** What a classic consumer gets. */
export interface Assignment {
  readonly version: number
  readonly assignedPartitions: readonly TopicPartitions[]
  readonly userData: Buffer | null
}

type SubscriptionInit = Pick<Subscription, 'topics'> & Partial<Omit<Subscription, 'version' | 'topics'>>
type AssignmentInit = Pick<Assignment, 'assignedPartitions'> & Partial<Pick<Assignment, 'userData'>>

/** Reads the metadata of JoinGroup. Throws KafkaError. */
export function parseSubscription(bytes: Buffer): Subscription {
  const reader = new Reader(bytes)
  return checked('subscription', () => {
    const version = readVersion(reader)
    return subscriptionOf(version, storedCodec(consumerProtocolSubscription, version).read(reader))
  })
}

/**
 * The topics in the metadata of JoinGroup, read as version 0, which every version begins with: broken bytes behind them do not
 * matter. Throws KafkaError, as for more than `most` topics.
 */
export function parseSubscribedTopics(bytes: Buffer, most: number = MAX_ARRAY_ELEMENTS): readonly string[] {
  const reader = new Reader(bytes)
  reader.elementsLeft = most
  return checked('subscription', () => {
    readVersion(reader)
    return storedCodec(consumerProtocolSubscription, 0).read(reader).topics
  })
}

/** Writes metadata as Kafka's consumers do: sorted, partitions grouped by topic. Throws KafkaError. */
export function encodeSubscription(version: number, subscription: SubscriptionInit): Buffer {
  const ownedPartitions = new Map<string, number[]>()
  for (const { topic, partitions } of subscription.ownedPartitions ?? []) {
    const owned = ownedPartitions.get(topic)
    if (owned === undefined) ownedPartitions.set(topic, [...partitions])
    else for (const partition of partitions) owned.push(partition)
  }
  for (const partitions of ownedPartitions.values()) partitions.sort((one, other) => one - other)
  return encode(consumerProtocolSubscription, version, {
    topics: subscription.topics.toSorted(),
    userData: subscription.userData ?? null,
    ownedPartitions: [...ownedPartitions.keys()].toSorted().map(topic => ({ topic, partitions: ownedPartitions.get(topic) ?? [] })),
    generationId: subscription.generationId ?? -1,
    rackId: subscription.rackId ?? null,
  })
}

/** Reads an assignment of SyncGroup. Throws KafkaError. */
export function parseAssignment(bytes: Buffer): Assignment {
  const reader = new Reader(bytes)
  return checked('assignment', () => {
    const version = readVersion(reader)
    return { version, ...storedCodec(consumerProtocolAssignment, version).read(reader) }
  })
}

/** Writes an assignment; in the newest known version where a newer one is asked for. Throws KafkaError. */
export function encodeAssignment(version: number, { assignedPartitions, userData = null }: AssignmentInit): Buffer {
  return encode(consumerProtocolAssignment, version, { assignedPartitions, userData })
}

/** Version of metadata or an assignment, at most the newest known one. Throws KafkaError. */
export function parseConsumerProtocolVersion(bytes: Buffer): number {
  return checked('header', () => readVersion(new Reader(bytes)))
}

function subscriptionOf(version: number, read: ConsumerProtocolSubscription): Subscription {
  // No rack and an empty one are the same.
  return { version, ...read, rackId: read.rackId === '' ? null : read.rackId }
}

const readVersion = (reader: Reader): number => knownVersion(reader.int16())

function knownVersion(version: number): number {
  if (version < 0) throw new KafkaError(ErrorCode.INVALID_REQUEST, `The consumer protocol has no version ${version}.`)
  return Math.min(version, newestVersion)
}

function checked<Result>(what: string, run: () => Result): Result {
  try {
    return run()
  } catch (error) {
    if (error instanceof ProtocolError) {
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `Malformed ${what} of the consumer protocol: ${error.message}.`)
    }
    throw error
  }
}

function encode<M extends Message>(type: M, version: number, value: Encodable<M['fields']>): Buffer {
  const known = knownVersion(version)
  const writer = new Writer()
  return checked(type.name, () => {
    writer.int16(known)
    storedCodec(type, known).write(writer, value)
    return writer.bytes()
  })
}
