// What an error of a handler or a fetch means: try again, and when, or end the run. As KafkaJS has it: what says `retriable: false` and
// mistakes of programs (TypeError and its like) are not tried again, everything else is.
import type { Random } from '@ottla/protocol'
import { KafkaJSCorruptRecordError, KafkaJSError, KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } from '../../errors/index.ts'
import type { RetrySettings } from '../../retry.ts'

/** Names of protocol errors that say only that the group goes on in another round. */
const rebalancing: ReadonlySet<string> = new Set([
  'REBALANCE_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_COORDINATOR',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'STALE_MEMBER_EPOCH',
  'FENCED_MEMBER_EPOCH',
])

const programErrors: ReadonlySet<string> = new Set(['RangeError', 'ReferenceError', 'SyntaxError', 'TypeError'])

/** Anything that was thrown, as an error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

/** Whether it says only that the group rebalances, which is nobody's failure. */
export const isRebalancing = (error: unknown): boolean =>
  error instanceof Error && 'type' in error && typeof error.type === 'string' && rebalancing.has(error.type)

/** The partition that something is about, as text; '' when it is about no one partition. */
export const placeOf = (about: object): string =>
  'topic' in about && 'partition' in about ? `${String(about.topic)}-${String(about.partition)}` : ''

/** Whether trying again may help. */
export const isRetriable = (error: Error): boolean =>
  !('retriable' in error && error.retriable === false) && !(!(error instanceof KafkaJSError) && programErrors.has(error.name))

/** The delay before the try after the `count`-th failure, in ms. */
export function retryTimeAfter(count: number, { retry, random }: { retry: RetrySettings; random: Random }): number {
  const delayMs = Math.min(retry.initialRetryTime * retry.multiplier ** (count - 1), retry.maxRetryTime)
  return Math.ceil(delayMs * (1 - retry.factor + random.next() * 2 * retry.factor))
}

/** What ends the run after the `count`-th failure in a row, null when it is to be tried again. */
export function crashAfter(error: Error, count: number, about: { retries: number; retryTime: number }): Error | null {
  if (!isRetriable(error)) return error instanceof KafkaJSError ? error : new KafkaJSNonRetriableError(error, { cause: error })
  if (count <= about.retries) return null
  return new KafkaJSNumberOfRetriesExceeded(error, { retryCount: count - 1, retryTime: about.retryTime })
}

/**
 * Whether a consumer begins anew after this error: it is retriable, or what is behind it is. Not after records that stay unreadable, which were asked
 * for several times: how to go on is for the program to say, by a seek or by running again.
 */
export function mayRestart(error: Error): boolean {
  if (error.name === 'KafkaJSNumberOfRetriesExceeded') return true
  if (error instanceof KafkaJSCorruptRecordError) return false
  let origin: unknown = error
  for (let depth = 0; depth < 16 && origin instanceof Error && origin.cause !== undefined; depth++) origin = origin.cause
  return typeof origin === 'object' && origin !== null && 'retriable' in origin && origin.retriable === true
}
