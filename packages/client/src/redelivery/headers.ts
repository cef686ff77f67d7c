// What is written about a failed message into its headers, and how it is read back. The names and forms are those of Spring Kafka (`kafka_dlt-*`,
// `retry_topic-*`: text in UTF-8, numbers in big-endian bytes), since they have a place for all there is to say: group, timestamp and its type,
// tries and the time of the next one; those of Kafka Connect (`__connect.errors.*`, all text) have none for these, and speak of connectors and
// tasks. Both are read. Key, value and the message's own headers are left byte for byte as they were.
import type { IHeaders, KafkaMessage } from '../consumer/fetch/message.ts'

/** Names of headers. */
export const names = {
  topic: 'kafka_dlt-original-topic',
  partition: 'kafka_dlt-original-partition',
  offset: 'kafka_dlt-original-offset',
  timestamp: 'kafka_dlt-original-timestamp',
  timestampType: 'kafka_dlt-original-timestamp-type',
  group: 'kafka_dlt-original-consumer-group',
  exception: 'kafka_dlt-exception-fqcn',
  cause: 'kafka_dlt-exception-cause-fqcn',
  message: 'kafka_dlt-exception-message',
  stack: 'kafka_dlt-exception-stacktrace',
  attempts: 'retry_topic-attempts',
  due: 'retry_topic-backoff-timestamp',
  /** Which retry topic it waits in, from 1 on; ours. */
  stage: 'ottla_retry-stage',
  /** Names of the headers that were added to a message which had such names already; ours. */
  added: 'ottla_retry-headers',
  /** Of a replayed message: where it was read before it failed, `topic/partition/offset/timestamp`: the mark by which it is known again. */
  origin: 'ottla_replay-origin',
  /** Of a replayed message: the dead letter it was, `topic/partition/offset`. */
  letter: 'ottla_replay-letter',
} as const

/** Where a message was read before it failed. */
export interface Origin {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  /** In ms as text, -1 for none. */
  readonly timestamp: string
  /** CreateTime or LogAppendTime, where it is known. */
  readonly timestampType: string | null
  readonly group: string | null
}

/** What went wrong. */
export interface ExceptionFacts {
  readonly exception: string
  readonly cause: string | null
  readonly message: string
  readonly stack: string
}

const prefixes = ['kafka_dlt-', 'retry_topic-', 'ottla_retry-']
const isOurs = (name: string): boolean => prefixes.some(prefix => name.startsWith(prefix))

const valuesOf = (headers: IHeaders, name: string): (Buffer | string)[] => {
  const found = headers[name]
  return found === undefined ? [] : Array.isArray(found) ? found : [found]
}

/** A name in a list of names. */
const listed = (name: string): string => name.replaceAll('%', '%25').replaceAll(',', '%2C')

/**
 * Headers with more of them, each name with one value. What a message brought along under the same names stays, before ours. Where names alone do not
 * tell which ones are ours (the message had such names, or the program adds its own) that is written down.
 */
export function withHeaders(headers: IHeaders, added: IHeaders): IHeaders {
  const isTold = Object.keys(headers).some(isOurs) || !Object.keys(added).every(isOurs)
  const list = [...Object.keys(added), names.added].map(listed).join(',')
  const all = isTold ? { ...added, [names.added]: Buffer.from(list) } : added
  const both = new Map(Object.entries(headers))
  for (const [name, value] of Object.entries(all))
    both.set(name, both.has(name) ? [...valuesOf(headers, name), ...valuesOf(all, name)] : value)
  return Object.fromEntries(both)
}

/** The message's own headers: without those that say how it failed. */
export function ownHeaders(headers: IHeaders = {}): IHeaders {
  const added = textOf(headers, names.added)
  if (added === null) return Object.fromEntries(Object.entries(headers).filter(([name]) => !isOurs(name)))
  const own: [string, IHeaders[string]][] = []
  const ours = new Set(added.split(','))
  for (const [name, value] of Object.entries(headers)) {
    const rest = ours.has(listed(name)) ? valuesOf(headers, name).slice(0, -1) : null
    if (rest === null) own.push([name, value])
    else if (rest.length > 0) own.push([name, rest.length === 1 ? rest[0] : rest])
  }
  return Object.fromEntries(own)
}

const lastOf = (headers: IHeaders, name: string): Buffer | null => {
  const found: unknown = Object.hasOwn(headers, name) ? headers[name] : undefined
  const last: unknown = Array.isArray(found) ? found.at(-1) : found
  return typeof last === 'string' ? Buffer.from(last) : Buffer.isBuffer(last) ? last : null
}

/** The last value of a header as text, null without one. */
export const textOf = (headers: IHeaders | undefined, name: string): string | null => lastOf(headers ?? {}, name)?.toString('utf8') ?? null

const long = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt.asIntN(64, value))
  return bytes
}
const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(Math.min(value, mostInt))
  return bytes
}

const mostInt = 0x7fff_ffff
const longestTopic = 249

const isDigits = (text: string): boolean => {
  const digits = text.startsWith('-') ? text.slice(1) : text
  return digits !== '' && digits.length < 20 && Array.from(digits).every(char => char >= '0' && char <= '9')
}

/** An integer as Spring writes it (1 to 8 bytes, big-endian), or as digits; null when it is neither. */
function integerOf(headers: IHeaders | undefined, name: string): bigint | null {
  const bytes = lastOf(headers ?? {}, name)
  if (bytes === null || bytes.length === 0 || bytes.length > 20) return null
  const text = bytes.toString('latin1')
  if (isDigits(text)) return BigInt(text)
  return bytes.length > 8 ? null : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
}

/** The same as a number; null when that cannot hold it. */
export function numberOf(headers: IHeaders | undefined, name: string): number | null {
  const value = Number(integerOf(headers, name) ?? Number.NaN)
  return Number.isSafeInteger(value) ? value : null
}

/** As much of a text as fits into so many bytes, cut between characters. */
export function bounded(text: string, maxBytes: number): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return bytes
  let end = maxBytes
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}

/** Text of a field of an error, which programs may have set to anything. */
const said = (field: unknown): string => (typeof field === 'string' ? field : '')

const classOf = ({ name, constructor }: Error): string => (name === 'Error' ? said(constructor.name) : said(name))

/** Headers that say where a message came from and how it failed. */
export function failureHeaders(origin: Origin, about: { error: Error; attempts: number; maxStackBytes: number }): IHeaders {
  const { error, attempts, maxStackBytes } = about
  const { cause } = error
  return {
    [names.topic]: Buffer.from(origin.topic),
    [names.partition]: int(origin.partition),
    [names.offset]: long(BigInt(origin.offset)),
    [names.timestamp]: long(BigInt(origin.timestamp)),
    ...(origin.timestampType !== null && { [names.timestampType]: Buffer.from(origin.timestampType) }),
    ...(origin.group !== null && { [names.group]: Buffer.from(origin.group) }),
    [names.exception]: bounded(classOf(error), 256),
    ...(cause instanceof Error && { [names.cause]: bounded(classOf(cause), 256) }),
    [names.message]: bounded(said(error.message), Math.ceil(maxStackBytes / 4)),
    [names.stack]: bounded(said(error.stack), maxStackBytes),
    [names.attempts]: int(attempts),
  }
}

/** Headers of a message that waits in a retry topic. */
export const waitingHeaders = (stage: number, dueMs: number): IHeaders => ({
  [names.due]: long(BigInt(Math.round(dueMs))),
  [names.stage]: int(stage),
})

const isPartition = (partition: bigint): boolean => partition >= 0n && partition <= mostInt
const isTopic = (topic: string): boolean => topic !== '' && topic.length <= longestTopic

/**
 * Where a message of a retry or dead-letter topic came from; null when its headers do not say it, or say what cannot be: anybody may have written them.
 * Spring's headers, its older ones, and Kafka Connect's.
 */
export function originOf({ headers, timestamp }: Pick<KafkaMessage, 'headers' | 'timestamp'>): Origin | null {
  for (const prefix of ['kafka_dlt-original-', 'kafka_original-', '__connect.errors.']) {
    const topic = textOf(headers, `${prefix}topic`)
    const [partition, offset] = [integerOf(headers, `${prefix}partition`), integerOf(headers, `${prefix}offset`)]
    if (topic === null || partition === null || offset === null) continue
    if (!isTopic(topic) || !isPartition(partition) || offset < 0n) return null
    const more = { timestampType: textOf(headers, `${prefix}timestamp-type`), group: textOf(headers, `${prefix}consumer-group`) }
    const originalMs = integerOf(headers, `${prefix}timestamp`)
    return {
      topic,
      partition: Number(partition),
      offset: String(offset),
      timestamp: originalMs === null ? timestamp : String(originalMs),
      ...more,
    }
  }
  return null
}

/** How a message that fails, waits and is replayed is known again: where it was first read of all. */
export const originMark = (of: { topic: string; partition: number; offset: string; timestamp: string }): string =>
  `${of.topic}/${of.partition}/${of.offset}/${of.timestamp}`

/** The mark that a replayed message carries; null when it has none, or one that no replay wrote. */
export function replayMarkOf(headers: IHeaders | undefined): string | null {
  const mark = textOf(headers, names.origin)
  const [topic = '', ...numbers] = mark?.split('/', 5) ?? []
  return isTopic(topic) && numbers.length === 3 && numbers.every(isDigits) ? mark : null
}

/** What went wrong with a message of a dead-letter topic, as its headers say. */
export function exceptionOf(headers: IHeaders | undefined): ExceptionFacts | null {
  for (const [prefix, name] of [
    ['kafka_dlt-exception-', 'fqcn'],
    ['kafka_exception-', 'fqcn'],
    ['__connect.errors.exception.', 'class.name'],
  ] as const) {
    const exception = textOf(headers, prefix + name)
    if (exception === null) continue
    const [message, stack] = [textOf(headers, `${prefix}message`) ?? '', textOf(headers, `${prefix}stacktrace`) ?? '']
    return { exception, cause: textOf(headers, `${prefix}cause-fqcn`), message, stack }
  }
  return null
}
