// How failed messages are tried again and where they end: what programs say, and what follows from it.
import type { Random } from '@ottla/protocol'
import type { KafkaMessage } from '../consumer/fetch/message.ts'
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import type { IHeaders } from '../producer/types.ts'

/** A time span: milliseconds, or text such as `500ms`, `30s`, `5m`, `2h`, `1d`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** Delays between tries in place. */
export interface Backoff {
  /** Before the second try: 100 ms. */
  initial?: Duration
  /** How much longer each delay is than the one before: 2. */
  multiplier?: number
  /** The longest delay: 10 s. */
  max?: Duration
  /** Random part of a delay, up to so much more or less: 0.2. */
  jitter?: number
}

/** A message whose handler failed. */
export interface FailedMessage {
  /** Where it was first read. */
  readonly topic: string
  readonly partition: number
  readonly message: KafkaMessage
  /** Tries until now, those of retry topics included. */
  readonly attempts: number
  readonly error: Error
}

/** Topics in which messages wait for a later try. */
export interface RetryTopics {
  /**
   * One topic for each delay: a message waits for the first, then for the second, ... When there are fewer of them than before, nobody reads what waits in
   * the topics of those left out: let these run empty first.
   */
  delays: readonly Duration[]
  /**
   * Name of the topic for the n-th delay, from 1 on: `<topic>.<group>.retry.<n>`. A consumer that subscribes by patterns finds its retry topics by these
   * names, and can have no others.
   */
  name?: (topic: string, groupId: string, n: number) => string
  /** Tries for each delay, as `attempts` in place: 1. */
  attempts?: number
}

/** How a handler that failed is called again. */
export interface RetryPolicy {
  /** Tries in place, the first included: 3. The partition, or with `order: 'key'` the key, waits meanwhile. */
  attempts?: number
  /** Delays between them; a function is given the number of tries until now. All of them together are to be shorter than `maxPollInterval`, where that is set. */
  backoff?: Duration | Backoff | ((attempts: number) => Duration)
  /** Where messages go that failed in place, so that others need not wait for them. Their order is lost. */
  topics?: RetryTopics
  /**
   * Whether trying again may help. By default not with errors that say `retriable: false`, nor with messages that cannot be deserialized: those go to
   * the dead letters at once.
   */
  when?: (failed: FailedMessage) => boolean
}

/** When so many messages fail that something else must be wrong, the consumer stops taking them. */
export interface CircuitBreaker {
  /** So many dead letters ... */
  deadLetters: number
  /** ... within this time pause the consumer ... */
  window: Duration
  /** ... for so long; null until the program calls `resume`. After it, one more dead letter is enough until a message was handled. */
  pause: Duration | null
}

/** Where messages go that failed to the end. */
export interface DeadLetterPolicy {
  /** Topic of the dead letters, `<topic>.<group>.dlt` by default. */
  topic?: string | ((topic: string, groupId: string) => string)
  circuitBreaker?: CircuitBreaker
  /** Bytes that the stack in the headers may have: 8 KiB. The message of the error may have a quarter of it. */
  maxStackBytes?: number
  /** Further headers. */
  headers?: (failed: FailedMessage) => IHeaders
}

/** How retry and dead-letter topics are made where they are missing. */
export interface TopicCreation {
  /** As many as the topic of the messages has. */
  numPartitions?: number
  replicationFactor?: number
  /**
   * Further settings, such as `retention.ms`. By default nothing is compacted, there is room for the headers beside the longest message of
   * the topic of the messages, and a retry topic keeps messages a week longer than they wait, when that is more than a day.
   */
  configEntries?: { name: string; value: string }[]
}

/** What `run` takes for redelivery. */
export interface RedeliveryConfig {
  retry?: RetryPolicy
  deadLetter?: DeadLetterPolicy
  /** Missing topics are made with these; false: they are not made. */
  createTopics?: TopicCreation | false
}

/** What follows from a RedeliveryConfig. */
export interface RedeliverySettings {
  readonly groupId: string
  readonly attempts: number
  /** Delay in ms after so many tries. */
  readonly backoffMs: (attempts: number) => number
  readonly mayHelp: (failed: FailedMessage) => boolean
  /** In ms, one for each retry topic. */
  readonly delaysMs: readonly number[]
  /** Whether the program names the retry topics. */
  readonly hasOwnNames: boolean
  /** Of this group unless another is named. */
  readonly retryTopic: (topic: string, n: number, groupId?: string) => string
  readonly attemptsLater: number
  /** Null: what failed to the end is the consumer's to deal with. */
  readonly deadLetterTopic: ((topic: string, groupId?: string) => string) | null
  readonly breaker: { readonly deadLetters: number; readonly windowMs: number; readonly pauseMs: number | null } | null
  readonly maxStackBytes: number
  readonly headers: ((failed: FailedMessage) => IHeaders) | null
  readonly creation: TopicCreation | null
}

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const longestMs = 365 * unitsMs.d
const mostAttempts = 1_000
export const mostDelays = 32
const defaultStackBytes = 8_192

const wrong = (message: string): KafkaJSNonRetriableError => new KafkaJSNonRetriableError(message)

/** A time span in ms; throws for what is none, or is longer than a year. */
export function durationMs(duration: unknown, name: string): number {
  let ms: number = Number.NaN
  if (typeof duration === 'number') ms = duration
  else if (typeof duration === 'string') {
    const unit = (['ms', 's', 'm', 'h', 'd'] as const).find(of => duration.endsWith(of))
    const digits = duration.slice(0, -(unit?.length ?? 0))
    if (unit !== undefined && digits.trim() !== '') ms = Number(digits) * unitsMs[unit]
  }
  if (!Number.isFinite(ms) || ms < 0 || ms > longestMs)
    throw wrong(`Invalid ${name} ${String(duration)}, expected ms or text such as '30s' or '5m'`)
  return Math.round(ms)
}

function count(value: number, about: { name: string; least: number; most: number }): number {
  const { name, least, most } = about
  if (!Number.isInteger(value) || value < least || value > most)
    throw wrong(`Invalid ${name} ${String(value)}, expected ${least} to ${most}`)
  return value
}

function backoffOf(backoff: RetryPolicy['backoff'], random: Random): (attempts: number) => number {
  if (typeof backoff === 'function') return attempts => durationMs(backoff(attempts), 'retry.backoff')
  const {
    initial = 100,
    multiplier = 2,
    max = '10s',
    jitter = 0.2,
  } = typeof backoff === 'object' ? backoff : backoff === undefined ? {} : { initial: backoff, multiplier: 1 }
  const [firstMs, mostMs] = [durationMs(initial, 'retry.backoff.initial'), durationMs(max, 'retry.backoff.max')]
  if (!(multiplier >= 1)) throw wrong(`Invalid retry.backoff.multiplier ${String(multiplier)}, expected at least 1`)
  if (!(jitter >= 0 && jitter <= 1)) throw wrong(`Invalid retry.backoff.jitter ${String(jitter)}, expected 0 to 1`)
  return attempts =>
    Math.round(Math.min(firstMs * multiplier ** (attempts - 1), Math.max(firstMs, mostMs)) * (1 - jitter + random.next() * 2 * jitter))
}

const helpsByDefault = ({ error }: FailedMessage): boolean =>
  error.name !== 'KafkaJSDeserializationError' && !('retriable' in error && error.retriable === false)

function breakerOf({ circuitBreaker }: DeadLetterPolicy): RedeliverySettings['breaker'] {
  if (circuitBreaker === undefined) return null
  const { deadLetters, window, pause } = circuitBreaker
  return {
    deadLetters: count(deadLetters, { name: 'deadLetter.circuitBreaker.deadLetters', least: 1, most: 1_000_000 }),
    windowMs: durationMs(window, 'deadLetter.circuitBreaker.window'),
    pauseMs: pause === null ? null : durationMs(pause, 'deadLetter.circuitBreaker.pause'),
  }
}

/** Checks what a program said and adds the defaults. */
export function redeliverySettings(groupId: string, config: RedeliveryConfig, random: Random): RedeliverySettings {
  const { retry = { attempts: 1 }, deadLetter, createTopics = {} } = config
  const { topics } = retry
  if (topics !== undefined && deadLetter === undefined)
    throw wrong('retry.topics needs deadLetter: what fails after the last delay has to go somewhere')
  const delays = topics?.delays ?? []
  if (topics !== undefined) count(delays.length, { name: 'number of retry.topics.delays', least: 1, most: mostDelays })
  const nameOf = topics?.name ?? ((topic, group, n) => `${topic}.${group}.retry.${n}`)
  const dead = deadLetter?.topic
  const deadOf = typeof dead === 'string' ? () => dead : (dead ?? ((topic: string, group: string) => `${topic}.${group}.dlt`))
  return {
    groupId,
    attempts: count(retry.attempts ?? 3, { name: 'retry.attempts', least: 1, most: mostAttempts }),
    backoffMs: backoffOf(retry.backoff, random),
    mayHelp: retry.when ?? helpsByDefault,
    delaysMs: delays.map((delay, index) => durationMs(delay, `retry.topics.delays[${index}]`)),
    hasOwnNames: topics?.name !== undefined,
    retryTopic: (topic, n, group = groupId) => nameOf(topic, group, n),
    attemptsLater: count(topics?.attempts ?? 1, { name: 'retry.topics.attempts', least: 1, most: mostAttempts }),
    deadLetterTopic: deadLetter === undefined ? null : (topic, group = groupId) => deadOf(topic, group),
    breaker: deadLetter === undefined ? null : breakerOf(deadLetter),
    maxStackBytes: count(deadLetter?.maxStackBytes ?? defaultStackBytes, { name: 'deadLetter.maxStackBytes', least: 0, most: 65_536 }),
    headers: deadLetter?.headers ?? null,
    creation: createTopics === false ? null : createTopics,
  }
}
