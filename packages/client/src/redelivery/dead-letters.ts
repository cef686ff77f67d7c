// Reads dead letters: those of this client, of Spring Kafka and of Kafka Connect.
import type { IHeaders, KafkaMessage } from '../consumer/fetch/message.ts'
import type { Consumer, EachBatchPayload } from '../consumer/types.ts'
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import type { Kafka } from '../kafka.ts'
import type { ExceptionFacts, Origin } from './headers.ts'
import { exceptionOf, names, numberOf, originOf, ownHeaders } from './headers.ts'

/** A message that failed to the end. */
export interface DeadLetter {
  /** Where it lies. */
  readonly topic: string
  readonly partition: number
  readonly offset: string
  /** When it was written there, in ms as text. */
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** The message's own headers. */
  readonly headers: IHeaders
  /** Where it was first read; null when its headers do not say it. */
  readonly origin: Origin | null
  readonly exception: ExceptionFacts | null
  readonly attempts: number | null
}

/** Which dead letters. Everything that is there when the reading begins, unless more is said. */
export interface DeadLetterQuery {
  /** Topic of the dead letters. */
  from: string
  /** Written at this time or later. */
  since?: number | Date
  /** Written before this time. */
  until?: number | Date
  /** By partition: the first and the last offset. Partitions that are not named are left out. */
  offsets?: Record<number, { first?: string | number; last?: string | number }>
  /** Class of the error or of its cause, or a part of its message. */
  error?: string
  /** Any other condition. */
  where?: (letter: DeadLetter) => boolean
  /** At most so many. */
  limit?: number
  signal?: AbortSignal
}

/** What makes clients. */
export type Clients = Pick<Kafka, 'admin' | 'consumer' | 'producer'>

/** Fetches are answered within this time, in ms, though there is nothing: then it is looked whether all was read. */
const quietMs = 250

interface Range {
  readonly partition: number
  readonly first: number
  /** Offset after the last. */
  readonly end: number
}

const timeOf = (time: number | Date, name: string): number => {
  const ms = time instanceof Date ? time.getTime() : time
  if (!Number.isSafeInteger(ms) || ms < 0) throw new KafkaJSNonRetriableError(`Invalid ${name} ${String(time)}, expected a time in ms`)
  return ms
}

const offsetOf = (offset: string | number | undefined, otherwise: number): number => {
  const number = offset === undefined ? otherwise : Number(offset)
  if (!Number.isSafeInteger(number) || number < 0) throw new KafkaJSNonRetriableError(`Invalid offset ${String(offset)}`)
  return number
}

/** What of each partition is to be read. */
async function rangesOf(kafka: Clients, { from, since, offsets }: DeadLetterQuery): Promise<Range[]> {
  await using admin = kafka.admin()
  const ends = await admin.fetchTopicOffsets(from)
  const begins = since === undefined ? null : await admin.fetchTopicOffsetsByTimestamp(from, timeOf(since, 'since'))
  const firstOf = new Map(begins?.map(({ partition, offset }) => [partition, Number(offset)]))
  const ranges = ends.map(({ partition, high, low }) => {
    const asked = offsets?.[partition]
    const first = Math.max(Number(low), firstOf.get(partition) ?? 0, offsetOf(asked?.first, 0))
    const last = Math.min(Number(high) - 1, offsetOf(asked?.last, Number.MAX_SAFE_INTEGER))
    return { partition, first, end: offsets !== undefined && asked === undefined ? 0 : last + 1 }
  })
  return ranges.filter(({ first, end }) => first < end)
}

/** What a message of a dead-letter topic says. */
export const letterOf = (topic: string, partition: number, message: KafkaMessage): DeadLetter => ({
  topic,
  partition,
  offset: message.offset,
  timestamp: message.timestamp,
  key: message.key,
  value: message.value,
  headers: ownHeaders(message.headers),
  origin: originOf(message),
  exception: exceptionOf(message.headers),
  attempts: numberOf(message.headers, names.attempts),
})

function matches(letter: DeadLetter, { until, error, where }: DeadLetterQuery): boolean {
  if (until !== undefined && Number(letter.timestamp) >= timeOf(until, 'until')) return false
  if (error !== undefined) {
    const { exception, cause, message } = letter.exception ?? { exception: '', cause: null, message: '' }
    if (exception !== error && cause !== error && !message.includes(error)) return false
  }
  return where?.(letter) ?? true
}

/** Batches until everything in the ranges was read. Ends are found by offset, and where transactions end a partition, by standing still. */
async function* batchesOf(consumer: Consumer, ranges: readonly Range[], signal: AbortSignal | undefined): AsyncGenerator<EachBatchPayload> {
  const open = new Map(ranges.map(({ partition, end }) => [partition, end]))
  let cameNothing: (() => void) | null = null
  const unlisten = consumer.on('consumer.fetch', ({ payload }) => {
    if (payload.numberOfBatches === 0) cameNothing?.()
  })
  const batches = consumer.stream({ autoCommit: false, ...(signal !== undefined && { signal }) })
  let next = batches.next()
  try {
    while (open.size > 0) {
      const nothing = new Promise<null>(resolve => {
        cameNothing = () => resolve(null)
      })
      const came = await Promise.race([next, nothing])
      if (came === null) {
        for (const { partition, records } of await consumer.lag()) if (records === 0) open.delete(partition)
        continue
      }
      if (came.done === true) return
      const { batch } = came.value
      if (open.has(batch.partition)) yield came.value
      if (Number(batch.lastOffset()) + 1 >= (open.get(batch.partition) ?? 0)) open.delete(batch.partition)
      next = batches.next()
    }
  } finally {
    unlisten()
    next.catch(() => undefined)
    await batches.return?.()
  }
}

/** Dead letters one after the other, those of a partition in order. Nothing is committed. */
export async function* deadLetters(kafka: Clients, query: DeadLetterQuery): AsyncGenerator<DeadLetter, void> {
  const { from, limit = Number.POSITIVE_INFINITY, signal } = query
  if (typeof from !== 'string' || from === '') throw new KafkaJSNonRetriableError(`Invalid topic ${JSON.stringify(from)}`)
  const ranges = await rangesOf(kafka, query)
  if (ranges.length === 0 || limit <= 0) return
  const ends = new Map(ranges.map(({ partition, end }) => [partition, end]))
  await using consumer = kafka.consumer({ groupId: null, allowAutoTopicCreation: false, maxWaitTimeInMs: quietMs })
  consumer.assign(ranges.map(({ partition, first }) => ({ topic: from, partition, offset: String(first) })))
  let found = 0
  for await (const { batch } of batchesOf(consumer, ranges, signal)) {
    for (const message of batch.messages) {
      if (Number(message.offset) >= (ends.get(batch.partition) ?? 0)) break
      const letter = letterOf(from, batch.partition, message)
      if (!matches(letter, query)) continue
      yield letter
      if (++found >= limit) return
    }
  }
}
