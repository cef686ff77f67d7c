// One message from its first try to its end: tries in place, then the retry topics one after the other, then the dead letters. It is done with, and its
// offset may be committed, when it was handled or when the write to the next topic was acknowledged; when that fails the message is the
// consumer's again, as if its handler had thrown.
import type { Cluster } from '../cluster/cluster.ts'
import { CompressionTypes } from '../compression.ts'
import { timestampTypeOf } from '../consumer/fetch/decode.ts'
import type { IHeaders } from '../consumer/fetch/message.ts'
import { asError, isRebalancing } from '../consumer/run/failures.ts'
import type { MessageContext, MessageHandler } from '../consumer/run/handler.ts'
import { KafkaJSProtocolError } from '../errors/index.ts'
import type { Logger } from '../logger.ts'
import type { Producer } from '../producer/types.ts'
import { delay } from '../retry.ts'
import type { Breaker } from './breaker.ts'
import type { RedeliveryEvents } from './events.ts'
import type { Origin } from './headers.ts'
import { failureHeaders, waitingHeaders, withHeaders } from './headers.ts'
import type { FailedMessage, RedeliverySettings } from './policies.ts'
import type { RedeliveryTopics, RetryPlace } from './redelivery-topics.ts'

/** What handling needs of its consumer. */
export interface HandlingWorld {
  readonly cluster: Cluster
  readonly logger: Logger
  readonly settings: RedeliverySettings
  readonly events: RedeliveryEvents
  readonly breaker: Breaker | null
  readonly producer: Producer
  readonly topics: Pick<RedeliveryTopics, 'ensure' | 'forget'>
  /** Ends delays: the consumer stops. */
  readonly signal: AbortSignal
  /** The breaker opened. */
  readonly opened: () => void
}

/** How far a message is. */
export interface Stage {
  /** 0 where it was first read, n in the n-th retry topic. */
  readonly stage: number
  /** The topic after which its retry and dead-letter topics are named. */
  readonly base: string
  /** Tries before this stage. */
  readonly before: number
  readonly origin: Origin
  /** The message's own headers. */
  readonly headers: IHeaders
}

/** A failed message on its way to another topic. */
interface Move {
  readonly place: RetryPlace
  readonly stage: Stage
  readonly failed: FailedMessage
  /** Headers beside those that say how it failed. */
  readonly more: IHeaders
}

/** Handles messages of one consumer. */
export class Handling {
  readonly #world: HandlingWorld

  constructor(world: HandlingWorld) {
    this.#world = world
  }

  /** A message where it was first read. */
  first(next: MessageHandler, context: MessageContext): Promise<void> {
    const { topic, partition, message } = context
    const { groupId: group } = this.#world.settings
    const { offset, timestamp } = message
    const origin = { topic, partition, offset, timestamp, timestampType: timestampTypeOf(message), group }
    return this.at({ stage: 0, base: topic, before: 0, origin, headers: message.headers ?? {} }, next, context)
  }

  /** A message at any stage; `context` shows it as it was where it was first read. */
  async at(stage: Stage, next: MessageHandler, context: MessageContext): Promise<void> {
    const { breaker, events, settings } = this.#world
    const most = stage.stage === 0 ? settings.attempts : settings.attemptsLater
    for (let tries = 1; ; tries++) {
      const attempts = stage.before + tries
      try {
        await next(attempts === 1 ? context : { ...context, attempt: attempts - 1 })
      } catch (thrown) {
        const error = asError(thrown)
        if (isRebalancing(error) || context.signal.aborted) throw error
        const { topic, partition, message } = context
        const failed = { topic, partition, message, attempts, error }
        const helps = settings.mayHelp(failed)
        if (!helps || tries >= most) return this.#giveUp(stage, failed, helps)
        await this.#pause(failed, context.signal)
        continue
      }
      if (attempts > 1) events.tell('consumer.recovered', this.#facts(context, attempts))
      breaker?.handled()
      return
    }
  }

  #facts({ topic, partition, message }: Pick<FailedMessage, 'topic' | 'partition' | 'message'>, attempts: number) {
    return { groupId: this.#world.settings.groupId, topic, partition, offset: message.offset, attempts }
  }

  /** Waits before the next try in place. */
  async #pause(failed: FailedMessage, signal: AbortSignal): Promise<void> {
    const { cluster, events, settings, signal: ending } = this.#world
    const delayMs = settings.backoffMs(failed.attempts)
    events.retry({ ...this.#facts(failed, failed.attempts), error: failed.error, delay: delayMs, retryTopic: null })
    await delay(cluster.clock, delayMs, AbortSignal.any([signal, ending]))
  }

  async #giveUp(stage: Stage, failed: FailedMessage, helps: boolean): Promise<void> {
    const { settings } = this.#world
    const isLast = stage.stage >= settings.delaysMs.length
    if (helps && !isLast) return this.#later(stage, failed)
    if (settings.deadLetterTopic === null) throw failed.error
    await this.#bury(stage, failed, settings.deadLetterTopic(stage.base))
  }

  async #later(stage: Stage, failed: FailedMessage): Promise<void> {
    const { cluster, events, settings } = this.#world
    const n = stage.stage + 1
    const delayMs = settings.delaysMs[n - 1] ?? 0
    const retryTopic = settings.retryTopic(stage.base, n)
    const more = waitingHeaders(n, cluster.clock.now() + delayMs)
    await this.#send(retryTopic, { place: { base: stage.base, stage: n }, stage, failed, more })
    events.retry({ ...this.#facts(failed, failed.attempts), error: failed.error, delay: delayMs, retryTopic })
  }

  async #bury(stage: Stage, failed: FailedMessage, deadLetterTopic: string): Promise<void> {
    const { breaker, cluster, events, logger, opened, settings } = this.#world
    const more = settings.headers?.(failed) ?? {}
    const written = await this.#send(deadLetterTopic, { place: { base: stage.base, stage: 0 }, stage, failed, more })
    const facts = this.#facts(failed, failed.attempts)
    logger.warn('A message was moved to the dead letters', { ...facts, deadLetterTopic, error: failed.error.message })
    const where = { deadLetterTopic, deadLetterPartition: written.partition, deadLetterOffset: written.offset }
    events.tell('consumer.dead_letter', { ...facts, error: failed.error, ...where })
    if (breaker?.deadLetter(cluster.clock.monotonic()) === true) opened()
  }

  /**
   * Resolves when all in-sync replicas have it. What is too large with what is said about it, or because it came in a compressed batch, is sent
   * compressed and without the stack: nothing behind it would be handled while it cannot be moved.
   */
  async #send(topic: string, move: Move): Promise<{ partition: number; offset: string }> {
    const { settings, topics } = this.#world
    await topics.ensure(topic, move.place)
    try {
      return await this.#write(topic, move, { maxStackBytes: settings.maxStackBytes, compression: CompressionTypes.None })
    } catch (error) {
      const type = error instanceof KafkaJSProtocolError ? error.type : null
      if (type === 'UNKNOWN_TOPIC_OR_PARTITION') topics.forget(topic)
      if (type !== 'MESSAGE_TOO_LARGE' && type !== 'RECORD_LIST_TOO_LARGE') throw error
      return this.#write(topic, move, { maxStackBytes: 0, compression: CompressionTypes.GZIP })
    }
  }

  async #write(
    topic: string,
    { stage, failed, more }: Move,
    how: { maxStackBytes: number; compression: CompressionTypes },
  ): Promise<{ partition: number; offset: string }> {
    const { error, attempts, message } = failed
    const { key, value } = message
    const about = failureHeaders(stage.origin, { error, attempts, maxStackBytes: how.maxStackBytes })
    const headers = withHeaders(stage.headers, { ...about, ...more })
    const [written] = await this.#world.producer.send({
      topic,
      acks: -1,
      compression: how.compression,
      messages: [{ key, value, headers }],
    })
    return { partition: written?.partition ?? -1, offset: written?.baseOffset ?? '-1' }
  }
}
