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

/** Headers with more of them. What a message brought along under the same names stays, before ours; then it is written down which ones are ours. */
export function withHeaders(headers: IHeaders, added: IHeaders): IHeaders {
  const both: IHeaders = { ...headers }
  for (const [name, value] of Object.entries(added))
    both[name] = Object.hasOwn(headers, name) ? [...valuesOf(headers, name), ...valuesOf(added, name)] : value
  if (Object.keys(headers).some(isOurs)) both[names.added] = Buffer.from(Object.keys(added).join(','))
  return both
}

/** The message's own headers: without those that say how it failed. */
export function ownHeaders(headers: IHeaders = {}): IHeaders {
  const added = textOf(headers, names.added)
  if (added === null) return Object.fromEntries(Object.entries(headers).filter(([name]) => !isOurs(name)))
  const own: IHeaders = {}
  const ours = new Set(added.split(','))
  for (const [name, value] of Object.entries(headers)) {
    if (name === names.added) continue
    const rest = ours.has(name) ? valuesOf(headers, name).slice(0, -1) : null
    if (rest === null) own[name] = value
    else if (rest.length > 0) own[name] = rest.length === 1 ? rest[0] : rest
  }
  return own
}

const lastOf = (headers: IHeaders, name: string): Buffer | null => {
  const found: unknown = Object.hasOwn(headers, name) ? headers[name] : undefined
  const last: unknown = Array.isArray(found) ? found.at(-1) : found
  return typeof last === 'string' ? Buffer.from(last) : Buffer.isBuffer(last) ? last : null
}

/** The last value of a header as text, null without one. */
export const textOf = (headers: IHeaders | undefined, name: string): string | null => lastOf(headers ?? {}, name)?.toString('utf8') ?? null

const long = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}
const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const isDigits = (text: string): boolean => {
  const digits = text.startsWith('-') ? text.slice(1) : text
  return digits !== '' && digits.length < 17 && Array.from(digits).every(char => char >= '0' && char <= '9')
}

/** A number as Spring writes it (1 to 8 bytes, big-endian), or as digits; null when it is neither. */
export function numberOf(headers: IHeaders | undefined, name: string): number | null {
  const bytes = lastOf(headers ?? {}, name)
  if (bytes === null || bytes.length === 0 || bytes.length > 17) return null
  const text = bytes.toString('latin1')
  if (isDigits(text)) return Number(text)
  if (bytes.length > 8) return null
  const value = Number(BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`)))
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

const classOf = (error: Error): string => (error.name === 'Error' ? error.constructor.name : error.name)

/** Headers that say where a message came from and how it failed. */
export function failureHeaders(origin: Origin, about: { error: Error; attempts: number; maxStackBytes: number }): IHeaders {
  const { error, attempts, maxStackBytes } = about
  const { cause } = error
  return {
    [names.topic]: Buffer.from(origin.topic),
    [names.partition]: int(origin.partition),
    [names.offset]: long(Number(origin.offset)),
    [names.timestamp]: long(Number(origin.timestamp)),
    ...(origin.timestampType !== null && { [names.timestampType]: Buffer.from(origin.timestampType) }),
    ...(origin.group !== null && { [names.group]: Buffer.from(origin.group) }),
    [names.exception]: bounded(classOf(error), 256),
    ...(cause instanceof Error && { [names.cause]: bounded(classOf(cause), 256) }),
    [names.message]: bounded(error.message, Math.ceil(maxStackBytes / 4)),
    [names.stack]: bounded(error.stack ?? '', maxStackBytes),
    [names.attempts]: int(attempts),
  }
}

/** Headers of a message that waits in a retry topic. */
export const waitingHeaders = (stage: number, dueMs: number): IHeaders => ({ [names.due]: long(dueMs), [names.stage]: int(stage) })

/** Where a message of a retry or dead-letter topic came from; null when its headers do not say it. Spring's headers, its older ones, and Kafka Connect's. */
export function originOf({ headers, timestamp }: Pick<KafkaMessage, 'headers' | 'timestamp'>): Origin | null {
  for (const prefix of ['kafka_dlt-original-', 'kafka_original-']) {
    const topic = textOf(headers, `${prefix}topic`)
    const [partition, offset] = [numberOf(headers, `${prefix}partition`), numberOf(headers, `${prefix}offset`)]
    if (topic === null || partition === null || offset === null) continue
    const originalMs = numberOf(headers, `${prefix}timestamp`)
    const more = { timestampType: textOf(headers, `${prefix}timestamp-type`), group: textOf(headers, `${prefix}consumer-group`) }
    return { topic, partition, offset: String(offset), timestamp: originalMs === null ? timestamp : String(originalMs), ...more }
  }
  const topic = textOf(headers, '__connect.errors.topic')
  const [partition, offset] = [textOf(headers, '__connect.errors.partition'), textOf(headers, '__connect.errors.offset')]
  if (topic === null || partition === null || offset === null || !isDigits(partition) || !isDigits(offset)) return null
  return { topic, partition: Number(partition), offset, timestamp, timestampType: null, group: null }
}

/** What went wrong with a message of a dead-letter topic, as its headers say. */
export function exceptionOf(headers: IHeaders | undefined): ExceptionFacts | null {
  for (const [prefix, cause] of [
    ['kafka_dlt-exception-', 'kafka_dlt-exception-cause-fqcn'],
    ['kafka_exception-', 'kafka_exception-cause-fqcn'],
  ] as const) {
    const exception = textOf(headers, `${prefix}fqcn`)
    if (exception === null) continue
    const [message, stack] = [textOf(headers, `${prefix}message`) ?? '', textOf(headers, `${prefix}stacktrace`) ?? '']
    return { exception, cause: textOf(headers, cause), message, stack }
  }
  const exception = textOf(headers, '__connect.errors.exception.class.name')
  if (exception === null) return null
  const [message, stack] = [
    textOf(headers, '__connect.errors.exception.message') ?? '',
    textOf(headers, '__connect.errors.exception.stacktrace') ?? '',
  ]
  return { exception, cause: null, message, stack }
}
