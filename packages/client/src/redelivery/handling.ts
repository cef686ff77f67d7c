// One message from its first try to its end: tries in place, then the retry topics one after the other, then the dead letters. It is done with, and its
// offset may be committed, when it was handled or when the write to the next topic was acknowledged; when that fails the message is the
// consumer's again, as if its handler had thrown.
import type { Cluster } from '../cluster/cluster.ts'
import type { IHeaders, KafkaMessage } from '../consumer/fetch/message.ts'
import { asError, isRebalancing } from '../consumer/run/failures.ts'
import type { MessageContext, MessageHandler } from '../consumer/run/handler.ts'
import type { Logger } from '../logger.ts'
import type { Producer } from '../producer/types.ts'
import { delay } from '../retry.ts'
import type { Breaker } from './breaker.ts'
import type { RedeliveryEvents } from './events.ts'
import type { Origin } from './headers.ts'
import { failureHeaders, waitingHeaders, withHeaders } from './headers.ts'
import type { FailedMessage, RedeliverySettings } from './policies.ts'

/** What handling needs of its consumer. */
export interface HandlingWorld {
  readonly cluster: Cluster
  readonly logger: Logger
  readonly settings: RedeliverySettings
  readonly events: RedeliveryEvents
  readonly breaker: Breaker | null
  readonly producer: Producer
  /** Makes a topic that is missing, for messages of another. */
  readonly ensure: (topic: string, origin: string) => Promise<void>
  /** Ends delays: the consumer stops. */
  readonly signal: AbortSignal
  /** The breaker opened. */
  readonly opened: () => void
}

/** How far a message is. */
export interface Stage {
  /** 0 where it was first read, n in the n-th retry topic. */
  readonly stage: number
  /** Tries before this stage. */
  readonly before: number
  readonly origin: Origin
  /** The message's own headers. */
  readonly headers: IHeaders
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
    const { groupId } = this.#world.settings
    const origin = { topic, partition, offset: message.offset, timestamp: message.timestamp, timestampType: null, group: groupId }
    return this.at({ stage: 0, before: 0, origin, headers: message.headers ?? {} }, next, context)
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
    await this.#bury(stage, failed, settings.deadLetterTopic(stage.origin.topic))
  }

  async #later(stage: Stage, failed: FailedMessage): Promise<void> {
    const { cluster, events, settings } = this.#world
    const n = stage.stage + 1
    const delayMs = settings.delaysMs[n - 1] ?? 0
    const retryTopic = settings.retryTopic(stage.origin.topic, n)
    const headers = this.#headers(stage, failed, waitingHeaders(n, cluster.clock.now() + delayMs))
    await this.#send(retryTopic, { message: failed.message, origin: stage.origin.topic, headers })
    events.retry({ ...this.#facts(failed, failed.attempts), error: failed.error, delay: delayMs, retryTopic })
  }

  async #bury(stage: Stage, failed: FailedMessage, deadLetterTopic: string): Promise<void> {
    const { breaker, cluster, events, logger, opened, settings } = this.#world
    const headers = this.#headers(stage, failed, settings.headers?.(failed) ?? {})
    const written = await this.#send(deadLetterTopic, { message: failed.message, origin: stage.origin.topic, headers })
    const facts = this.#facts(failed, failed.attempts)
    logger.warn('A message was moved to the dead letters', { ...facts, deadLetterTopic, error: failed.error.message })
    const where = { deadLetterTopic, deadLetterPartition: written.partition, deadLetterOffset: written.offset }
    events.tell('consumer.dead_letter', { ...facts, error: failed.error, ...where })
    if (breaker?.deadLetter(cluster.clock.monotonic()) === true) opened()
  }

  #headers(stage: Stage, { attempts, error }: FailedMessage, more: IHeaders): IHeaders {
    const { maxStackBytes } = this.#world.settings
    return withHeaders(stage.headers, { ...failureHeaders(stage.origin, { error, attempts, maxStackBytes }), ...more })
  }

  /** Resolves when all in-sync replicas have it. */
  async #send(
    topic: string,
    { message, origin, headers }: { message: KafkaMessage; origin: string; headers: IHeaders },
  ): Promise<{ partition: number; offset: string }> {
    const { ensure, producer } = this.#world
    const { key, value } = message
    await ensure(topic, origin)
    const [written] = await producer.send({ topic, acks: -1, messages: [{ key, value, headers }] })
    return { partition: written?.partition ?? -1, offset: written?.baseOffset ?? '-1' }
  }
}
