// Handling each message once, whatever is delivered again: a mark of the message is written in the same transaction of a database as what the handler
// writes. When the process dies before the commit, neither is there and the message is handled again; when it dies after it, before the offset
// is committed, the mark is there and the message is passed over.
import type { IHeaders } from '../consumer/fetch/message.ts'
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import { originMark, replayMarkOf } from '../redelivery/headers.ts'

/** What a message is known by. */
export interface OnceMark {
  /** Who handles it: each group handles each message once. */
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: string
  /**
   * Where it was first read, `topic/partition/offset/timestamp` (the same for a message out of a retry topic, or replayed out of the dead letters), or what
   * `messageId` says.
   */
  readonly id: string
}

/** A database with transactions. */
export interface OnceStore<Transaction> {
  /**
   * Calls `work` in a transaction in which the mark was written, and commits. Resolves with true; with false, and without calling it, when the mark was there
   * before. When two do this with one mark at a time, one of them waits for the other. Rejects, with everything rolled back, with what `work` rejects with.
   */
  once(mark: OnceMark, work: (transaction: Transaction) => Promise<void>): Promise<boolean>
}

/** A payload of eachMessage, whatever its messages are deserialized to. */
export interface OncePayload {
  readonly topic: string
  readonly partition: number
  readonly message: {
    readonly key: unknown
    readonly value: unknown
    readonly offset: string
    readonly timestamp: string
    readonly headers?: IHeaders
  }
}

/** How messages are known. */
export interface OnceOptions<P extends OncePayload = OncePayload> {
  /** In whose name; the consumer's group by default. */
  group?: string
  /** What identifies a message instead of the place where it was read, such as an id that its producer gave it, so that what was produced twice is handled once. */
  messageId?: (payload: P) => string
  /** Told of messages that had been handled before. */
  skipped?: (mark: OnceMark) => void
}

const groupOf = (payload: object): string => {
  if ('groupId' in payload && typeof payload.groupId === 'string' && payload.groupId !== '') return payload.groupId
  throw new KafkaJSNonRetriableError('once needs the name of a group: give it as `group`')
}

/** More than indexes of databases take is no id. */
const longestIdBytes = 1_024

/** The mark of a message. */
export function markOf<P extends OncePayload>(payload: P, { group, messageId }: OnceOptions<P> = {}): OnceMark {
  const { topic, partition, message } = payload
  const { offset, timestamp } = message
  const id = messageId?.(payload) ?? replayMarkOf(message.headers) ?? originMark({ topic, partition, offset, timestamp })
  if (typeof id !== 'string' || id === '' || Buffer.byteLength(id) > longestIdBytes || id.includes('\0'))
    throw new KafkaJSNonRetriableError(
      `Invalid message id ${JSON.stringify(id).slice(0, 100)}, expected 1 to ${longestIdBytes} bytes of text`,
    )
  return { group: group ?? groupOf(payload), topic, partition, offset, id }
}

/**
 * Makes handlers that handle each message once:
 *
 *     const exactlyOnce = once(postgresOnce(pool))
 *     await consumer.run({ eachMessage: exactlyOnce(async ({ message }, client) => { await client.query(...) }) })
 */
export const once =
  <Transaction, Known extends OncePayload = OncePayload>(store: OnceStore<Transaction>, options: OnceOptions<Known> = {}) =>
  <P extends Known>(handler: (payload: P, transaction: Transaction) => Promise<void>): ((payload: P) => Promise<void>) =>
  async payload => {
    const mark = markOf(payload, options)
    const isNew = await store.once(mark, transaction => handler(payload, transaction))
    if (!isNew) options.skipped?.(mark)
  }
