// Messages as programs give them, checked before anything of a send is sent: what is wrong with one of them fails the whole call.
import { ErrorCode } from '@ottla/protocol'
import type { TopicFacts } from '../cluster/cluster.ts'
import { KafkaJSNonRetriableError, protocolError } from '../errors/index.ts'
import { mostBytes, type PlacedRecords } from './accumulator.ts'
import type { RecordContent } from './batch.ts'
import type { Partitioning } from './partitioners.ts'
import type { IHeaders, Message, MessageContent, TopicMessages } from './types.ts'

/** A partition that the topic does not have, as far as is known. */
export class KafkaJSUnknownPartitionError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSUnknownPartitionError'
  readonly topic: string

  constructor(topic: string, partition: unknown, count: number) {
    super(`Topic "${topic}" has no partition ${String(partition)}: it has ${count}, from 0 on`, {
      hint: 'Look at `partition` of the messages, or at what the partitioner returns',
    })
    this.topic = topic
  }
}

/** Checks what KafkaJS checks, with its words. */
export function checkShape(topicMessages: readonly TopicMessages<unknown, unknown>[]): void {
  for (const { topic } of topicMessages) if (!topic || typeof topic !== 'string') throw new KafkaJSNonRetriableError('Invalid topic')
  for (const { topic, messages } of topicMessages) {
    if (!Array.isArray(messages)) throw new KafkaJSNonRetriableError(`Invalid messages array [${String(messages)}] for topic "${topic}"`)
    for (const message of messages as readonly (Message<unknown, unknown> | undefined | null)[]) {
      if (message === undefined || message === null || message.value === undefined) {
        throw new KafkaJSNonRetriableError(`Invalid message without value for topic "${topic}": ${shown(message)}`)
      }
    }
  }
}

/** As KafkaJS says it, for whatever a program gave as a message. */
function shown(message: unknown): string {
  try {
    return JSON.stringify(message)
  } catch {
    return `{ ${Object.keys(message ?? {}).join(', ')} }`
  }
}

/** A message without headers is what the builder takes, as it is. */
const isRecord = (message: Message): message is Message & { headers?: undefined } =>
  message.headers === undefined || message.headers === null

/** What messages are checked against. */
export interface PlacingRules {
  readonly partitioning: Partitioning
  readonly maxRequestSize: number
  /** Time of messages that have none, in ms. */
  readonly nowMs: number
}

/** Records of a topic, and at most how many bytes they have in batches. */
export interface Placed extends PlacedRecords {
  readonly mostBytes: number
}

/** Checks messages of one topic and finds their partitions. Throws typed errors. */
export function placed(facts: TopicFacts, messages: readonly Message<unknown, unknown>[], rules: PlacingRules): Placed {
  const count = messages.length
  const records: RecordContent[] = []
  let partitions: Int32Array | number | undefined
  let timestamps: number[] | number = rules.nowMs
  let bytes = 0
  for (let index = 0; index < count; index++) {
    const message = messages[index]
    if (!isMessage(message)) throw wrongContent(message, facts.name, index)
    const record: RecordContent = isRecord(message)
      ? message
      : { key: message.key ?? null, value: message.value, headers: headersOf(message.headers, facts.name, index) }
    records.push(record)
    const size = mostBytes(record)
    if (size > rules.maxRequestSize) checkSize(record, { topic: facts.name, index, maxRequestSize: rules.maxRequestSize })
    bytes += size
    const partition = partitionOf(facts, message, rules.partitioning)
    if (partitions === undefined) partitions = partition
    else if (typeof partitions !== 'number') partitions[index] = partition
    else if (partitions !== partition) {
      partitions = new Int32Array(count).fill(partitions, 0, index)
      partitions[index] = partition
    }
    const { timestamp } = message
    if (timestamp === undefined || timestamp === null || timestamp === '') {
      if (typeof timestamps !== 'number') timestamps[index] = rules.nowMs
    } else {
      if (typeof timestamps === 'number') timestamps = Array.from({ length: index }, () => rules.nowMs)
      timestamps[index] = timeOf(timestamp, facts.name, index)
    }
  }
  return {
    facts,
    records,
    partitions: partitions ?? 0,
    timestamps,
    mostBytes: bytes,
  }
}

function partitionOf(facts: TopicFacts, message: Message, partitioning: Partitioning): number {
  const wanted = message.partition
  const count = facts.partitions.length
  if (wanted === undefined || wanted === null) {
    const partition = partitioning(facts, message)
    return partition === -1 || (Number.isInteger(partition) && partition >= 0 && partition < count) ? partition : unknown(facts, partition)
  }
  return Number.isInteger(wanted) && wanted >= 0 && wanted < count ? wanted : unknown(facts, wanted)
}

const unknown = (facts: TopicFacts, partition: unknown): never => {
  throw new KafkaJSUnknownPartitionError(facts.name, partition, facts.partitions.length)
}

const isContent = (content: unknown): content is MessageContent =>
  content instanceof Uint8Array || typeof content === 'string' || content === null

const isMessage = (message: Message<unknown, unknown> | undefined): message is Message =>
  message !== undefined && isContent(message.value) && (message.key === undefined || isContent(message.key))

const wrongContent = (message: Message<unknown, unknown> | undefined, topic: string, index: number): Error =>
  message !== undefined && isContent(message.value)
    ? notContent('key', message.key, { topic, index })
    : notContent('value', message?.value, { topic, index })

const notContent = (part: string, found: unknown, { topic, index }: { topic: string; index: number }): Error =>
  new KafkaJSNonRetriableError(`Message ${index} for topic "${topic}" has a ${part} that is ${kindOf(found)}, not bytes or text`, {
    hint: 'Make it a Buffer or a string, or give the producer a serializer',
  })

const kindOf = (found: unknown): string =>
  Array.isArray(found) ? 'an array' : found === undefined ? 'undefined' : `of type ${typeof found}`

type Header = { readonly key: string; readonly value: Uint8Array | string | null }

function headersOf(headers: IHeaders | undefined, topic: string, index: number): readonly Header[] {
  const list: Header[] = []
  if (typeof headers !== 'object') throw notContent('headers object', headers, { topic, index })
  for (const [key, content] of Object.entries(headers)) {
    for (const value of Array.isArray(content) ? content : [content]) {
      if (!(value instanceof Uint8Array) && typeof value !== 'string' && value !== undefined && value !== null) {
        throw notContent(`header "${key}"`, value, { topic, index })
      }
      list.push({ key, value: value ?? null })
    }
  }
  return list
}

function timeOf(timestamp: unknown, topic: string, index: number): number {
  const time = typeof timestamp === 'string' && timestamp.trim() !== '' ? Number(timestamp) : timestamp
  if (typeof time === 'number' && Number.isSafeInteger(time) && time >= -1) return time
  throw new KafkaJSNonRetriableError(
    `Message ${index} for topic "${topic}" has the timestamp ${typeof timestamp === 'string' ? JSON.stringify(timestamp) : String(timestamp)}, not a whole number of milliseconds`,
  )
}

const exact = (content: RecordContent['key']): number =>
  content === null || content === undefined ? 0 : typeof content === 'string' ? Buffer.byteLength(content) : content.length

function checkSize(record: RecordContent, about: { topic: string; index: number; maxRequestSize: number }): void {
  let size = 128 + exact(record.key) + exact(record.value)
  for (const { key, value } of record.headers ?? []) size += 10 + exact(key) + exact(value)
  if (size <= about.maxRequestSize) return
  throw protocolError(
    ErrorCode.MESSAGE_TOO_LARGE,
    `Message ${about.index} for topic "${about.topic}" has ${size} bytes, maxRequestSize is ${about.maxRequestSize}`,
    { topic: about.topic },
  )
}
