// What programs give to a consumer, looked at before anything is done with it; messages are those of KafkaJS.
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import type { OffsetToCommit } from './parts.ts'
import type { ConsumerConfig, ConsumerRunConfig, TopicPartitionOffset, TopicPartitionOffsetAndMetadata } from './types.ts'
import type { TopicSelection } from './run/pauses.ts'
import type { MessagesByTopic } from './codec.ts'
import { consumerEvents } from './events.ts'

const invalid = (message: string): KafkaJSNonRetriableError => new KafkaJSNonRetriableError(message)

/** The largest number of handlers at once. */
const mostConcurrency = 100_000

export function checkConfig({
  groupId,
  heartbeatInterval = 3_000,
  sessionTimeout = 30_000,
  stopTimeout = 0,
  maxPollInterval = 0,
}: ConsumerConfig): void {
  if (groupId !== null && (typeof groupId !== 'string' || groupId === '')) throw invalid('Consumer groupId must be a non-empty string.')
  if (heartbeatInterval >= sessionTimeout) {
    throw invalid(
      `Consumer heartbeatInterval (${heartbeatInterval}) must be lower than sessionTimeout (${sessionTimeout}). It is recommended to set heartbeatInterval to approximately a third of the sessionTimeout.`,
    )
  }
  if (!(maxPollInterval >= 0)) throw invalid(`Invalid maxPollInterval ${maxPollInterval}, expected milliseconds`)
  if (!(stopTimeout >= 0)) throw invalid(`Invalid stopTimeout ${stopTimeout}, expected milliseconds`)
}

/** The topics that a subscription names. */
export function subscribedTopics(subscription: { topic?: unknown; topics?: unknown }): (string | RegExp)[] {
  const { topic, topics } = subscription
  if (!topic && !topics) throw invalid('Missing required argument "topics"')
  if (topics !== undefined && topics !== null && !Array.isArray(topics)) throw invalid('Argument "topics" must be an array')
  const named: unknown[] = Array.isArray(topics) ? topics : [topic]
  return named.map(name => {
    if (typeof name === 'string' || name instanceof RegExp) return name
    throw invalid(`Invalid topic ${String(name)} (${typeof name}), the topic name has to be a String or a RegExp`)
  })
}

/** A partition number; KafkaJS takes numbers written as text as well. */
function partitionOf(partition: unknown): number {
  const number = typeof partition === 'string' ? Number(partition) : partition
  if (typeof number !== 'number' || Number.isNaN(number))
    throw invalid(`Invalid partition, expected a number received ${String(partition)}`)
  return number
}

function offsetOf(offset: unknown): number {
  const text = typeof offset === 'number' || typeof offset === 'bigint' ? String(offset) : offset
  if (typeof text !== 'string' || !/^-?\d{1,19}$/.test(text)) throw invalid(`Invalid offset, expected a long received ${String(offset)}`)
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw invalid(`Invalid offset, expected a long below 2^53 received ${text}`)
  return number
}

/** Where `seek` goes: an offset, -1 the end, -2 the start. */
export function seekTarget({ topic, partition, offset }: TopicPartitionOffset): { topic: string; partition: number; offset: number } {
  if (!topic) throw invalid(`Invalid topic ${topic}`)
  const target = { topic, partition: partitionOf(partition), offset: offsetOf(offset) }
  if (target.offset < -2) throw invalid('Offset must not be a negative number')
  return target
}

/** What `commitOffsets` commits. */
export function offsetsToCommit(offsets: readonly TopicPartitionOffsetAndMetadata[]): OffsetToCommit[] {
  return offsets.map(({ topic, partition: number, offset: text, metadata = null }) => {
    if (!topic) throw invalid(`Invalid topic ${topic}`)
    const partition = partitionOf(number)
    const offset = offsetOf(text)
    if (offset < 0) throw invalid('Offset must not be a negative number')
    if (metadata !== null && typeof metadata !== 'string') {
      throw invalid(`Invalid offset metadata, expected string or null, received ${String(metadata)}`)
    }
    return { topic, partition, offset, metadata }
  })
}

/** What `pause` and `resume` mean. */
export function selectedPartitions(selection: readonly (TopicSelection | undefined)[], call: 'pause' | 'resume'): TopicSelection[] {
  return selection.map(selected => {
    if (!selected?.topic) throw invalid(`Invalid topic ${selected?.topic}`)
    const { topic, partitions } = selected
    if (partitions === undefined) return { topic }
    if (!Array.isArray(partitions) || partitions.some(partition => Number.isNaN(Number(partition)))) {
      throw invalid(`Array of valid partitions required to ${call} specific partitions instead of ${String(partitions)}`)
    }
    return { topic, partitions: partitions.map(Number) }
  })
}

/** Looks at what `run` was given. */
export function checkRun<M extends MessagesByTopic>(config: ConsumerRunConfig<M>): void {
  const { partitionsConsumedConcurrently: partitions = 1, concurrency = 1, order = 'partition', eachMessage, eachBatch } = config
  for (const [name, value] of Object.entries({ partitionsConsumedConcurrently: partitions, concurrency })) {
    if (!Number.isInteger(value) || value < 1 || value > mostConcurrency)
      throw invalid(`Invalid ${name} ${value}, expected a positive integer`)
  }
  if (!['key', 'partition', 'none'].includes(order)) throw invalid(`Invalid order ${order}, expected key, partition or none`)
  if (concurrency > 1 && eachMessage === undefined && eachBatch !== undefined) {
    throw invalid('concurrency is for eachMessage; eachBatch has partitionsConsumedConcurrently')
  }
}

const eventNames: ReadonlySet<string> = new Set(Object.values(consumerEvents))

export function checkEventName(name: string): void {
  if (eventNames.has(name)) return
  const keys = Object.keys(consumerEvents).map(key => `consumer.events.${key}`)
  throw invalid(`Event name should be one of ${keys.join(', ')}`)
}
