// Which partition a message goes to. Keys are hashed as Java's clients do (murmur2 of class Utils), so that one key is in one partition whoever
// wrote it; the legacy form is that of KafkaJS before 2.0, whose 32-bit arithmetic runs in doubles. Messages without a key go
// together: one partition until its batch is sent, then the next (KIP-480), unless a partitioner says otherwise.
import { murmur2 } from '@ottla/protocol'
import type { TopicFacts } from '../cluster/cluster.ts'
import type { PartitionMetadata } from '../cluster/partition-metadata.ts'
import type { Message, MessageContent } from './types.ts'

/** What a partitioner is given. */
export interface PartitionerArgs {
  topic: string
  partitionMetadata: PartitionMetadata[]
  message: PartitionerMessage
}

/** A message as partitioners see it. */
export type PartitionerMessage = Message<Buffer | string | null, Buffer | string | null> & { timestamp?: string }

/** Makes a partitioner, once for each producer. */
export type ICustomPartitioner = () => (args: PartitionerArgs) => number
export type DefaultPartitioner = ICustomPartitioner
export type LegacyPartitioner = ICustomPartitioner

const positive = (value: number): number => value & 0x7fffffff

const bytesOf = (key: unknown): Uint8Array => (key instanceof Uint8Array ? key : Buffer.from(String(key)))

/** Partitions of keys by a hash, round robin without a key. */
const hashing = (hash: (key: Uint8Array) => number) => () => {
  const counters = new Map<string, number>()
  return ({ topic, partitionMetadata, message }: PartitionerArgs): number => {
    if (message.partition !== null && message.partition !== undefined) return message.partition
    const { key } = message
    if (key !== null && key !== undefined) return positive(hash(bytesOf(key))) % partitionMetadata.length
    const turn = positive((counters.get(topic) ?? Math.floor(Math.random() * 0x7fffffff)) + 1)
    counters.set(topic, turn)
    const available = partitionMetadata.filter(({ leader }) => leader >= 0)
    return available.length > 0 ? (available[turn % available.length]?.partitionId ?? 0) : turn % partitionMetadata.length
  }
}

/** The hash of KafkaJS before 2.0: products and shifts of doubles, which differ from Java's where they exceed 2^53. */
export function legacyMurmur2(bytes: Uint8Array): number {
  const mixer = 0x5bd1e995
  const length = bytes.length
  let hash = 0x9747b28c ^ length
  // Its loop goes on to an incomplete last word, whose missing bytes are zeros.
  for (let at = 0; at < length; at += 4) {
    const at3 = (bytes[at + 3] ?? 0) << 24
    let word = (bytes[at] ?? 0) + ((bytes[at + 1] ?? 0) << 8) + ((bytes[at + 2] ?? 0) << 16) + at3
    word *= mixer
    word ^= word >>> 24
    word *= mixer
    hash *= mixer
    hash ^= word
  }
  const end = length & ~3
  const rest = length & 3
  if (rest > 2) hash ^= (bytes[end + 2] ?? 0) << 16
  if (rest > 1) hash ^= (bytes[end + 1] ?? 0) << 8
  if (rest > 0) {
    hash ^= bytes[end] ?? 0
    hash *= mixer
  }
  hash ^= hash >>> 13
  hash *= mixer
  return hash ^ (hash >>> 15)
}

const DefaultPartitioner: DefaultPartitioner = hashing(murmur2)
const LegacyPartitioner: LegacyPartitioner = hashing(legacyMurmur2)

/** Partitioners to choose from. Called by somebody else, they go round robin without a key; as a producer's own, the default one is sticky. */
export const Partitioners: {
  DefaultPartitioner: DefaultPartitioner
  LegacyPartitioner: LegacyPartitioner
  /** @deprecated Use DefaultPartitioner instead */
  JavaCompatiblePartitioner: DefaultPartitioner
} = { DefaultPartitioner, LegacyPartitioner, JavaCompatiblePartitioner: DefaultPartitioner }

/** Says a partition for each message, or STICKY. */
export type Partitioning = (topic: TopicFacts, message: Message) => number

/** The partition of the topic that others without a key go to now. */
export const STICKY = -1

/** Longest key whose text is hashed without making bytes of it. */
const SHORT_KEY = 128
const scratch = Buffer.allocUnsafe(SHORT_KEY)
const scratches = Array.from({ length: SHORT_KEY + 1 }, (_, length) => scratch.subarray(0, length))

/** Java's hash of a key. */
export function hashOfKey(key: Uint8Array | string): number {
  if (typeof key !== 'string') return murmur2(key)
  const { length } = key
  if (length > SHORT_KEY) return murmur2(Buffer.from(key))
  for (let at = 0; at < length; at++) {
    const code = key.charCodeAt(at)
    if (code > 0x7f) return murmur2(Buffer.from(key))
    scratch[at] = code
  }
  return murmur2(scratches[length] ?? Buffer.from(key))
}

const byDefault: Partitioning = (topic, { key }) =>
  key === null || key === undefined ? STICKY : positive(hashOfKey(key)) % topic.partitions.length

/** How a producer with this setting finds partitions for messages that do not name theirs. */
export function partitioningOf(createPartitioner: ICustomPartitioner | undefined): Partitioning {
  if (createPartitioner === undefined || createPartitioner === DefaultPartitioner) return byDefault
  const partitioner = createPartitioner()
  let known: { readonly topic: TopicFacts; readonly metadata: PartitionMetadata[] } | undefined
  return (topic, message) => {
    if (known?.topic !== topic) known = { topic, metadata: metadataOf(topic) }
    return partitioner({ topic: topic.name, partitionMetadata: known.metadata, message: seen(message) })
  }
}

const isSeen = (message: Message): message is PartitionerMessage =>
  !isForeign(message.key) && !isForeign(message.value) && typeof message.timestamp !== 'number'

/** Bytes that are no Buffer, which KafkaJS does not have. */
const isForeign = (content: Message['key']): content is Uint8Array => content instanceof Uint8Array && !Buffer.isBuffer(content)

const buffered = (content: MessageContent): Buffer | string | null =>
  content instanceof Uint8Array ? Buffer.from(content.buffer, content.byteOffset, content.length) : content

const seen = (message: Message): PartitionerMessage => {
  if (isSeen(message)) return message
  const { key = null, value, timestamp, ...rest } = message
  return { ...rest, key: buffered(key), value: buffered(value), ...(timestamp === undefined ? {} : { timestamp: String(timestamp) }) }
}

const metadataOf = (topic: TopicFacts): PartitionMetadata[] =>
  topic.partitions.map(facts => ({
    partitionErrorCode: facts.errorCode,
    partitionId: facts.partition,
    leader: facts.leader,
    replicas: [...facts.replicas],
    isr: [...facts.isr],
    offlineReplicas: [...facts.offlineReplicas],
  }))
