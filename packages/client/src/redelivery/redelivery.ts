// Gives a consumer the options `retry` and `deadLetter` of `run`. It stands in the consumer's chain as the outermost middleware, so that what it calls
// again is everything inside: the program's middleware, deserializers and handler.
import type { Cluster } from '../cluster/cluster.ts'
import type { MessagesByTopic } from '../consumer/codec.ts'
import type { HandlerMiddleware, MessageHandler } from '../consumer/run/handler.ts'
import { traced } from '../consumer/run/handler.ts'
import type { Consumer, ConsumerConfig, ConsumerRunConfig } from '../consumer/types.ts'
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import type { Producer } from '../producer/types.ts'
import { Breaker } from './breaker.ts'
import { Circuit } from './circuit.ts'
import { RedeliveryEvents } from './events.ts'
import { Handling } from './handling.ts'
import type { RedeliverySettings } from './policies.ts'
import { redeliverySettings } from './policies.ts'
import { RedeliveryTopics } from './redelivery-topics.ts'
import { RetryConsumer } from './retry-consumer.ts'

/** What redelivery takes of its client. */
export interface RedeliveryParts {
  readonly cluster: Cluster
  readonly config: ConsumerConfig
  readonly producer: () => Producer
  readonly consumer: (config: ConsumerConfig) => Consumer
}

/** One run with redelivery. */
interface Active {
  readonly settings: RedeliverySettings
  readonly topics: RedeliveryTopics
  readonly handling: Handling
  readonly breaker: Breaker | null
  readonly circuit: Circuit | null
  readonly ending: AbortController
  retry: RetryConsumer | null
  unlisten: () => void
}

/** A pattern is matched again this often, in ms, so that new retry topics are found. */
const patternAgeMs = 10_000

/** Redelivery of one consumer. */
export class Redelivery {
  readonly #parts: RedeliveryParts
  readonly #events: RedeliveryEvents
  readonly #subscribed: (string | RegExp)[] = []
  #producer: Producer | null = null
  #active: Active | null = null
  #inner: MessageHandler = () => undefined

  constructor(parts: RedeliveryParts) {
    this.#parts = parts
    this.#events = new RedeliveryEvents(parts.cluster.events)
  }

  /** To be the consumer's first middleware. */
  readonly middleware: HandlerMiddleware = next => {
    this.#inner = next
    return context => {
      const active = this.#active
      if (active === null) return next(context)
      return active.topics.isMoved(context.topic, context.message) ? undefined : active.handling.first(next, context)
    }
  }

  /** The consumer with the options. */
  wrap<M extends MessagesByTopic>(consumer: Consumer<M>): Consumer<M> {
    const stop = async (): Promise<void> => {
      await Promise.all([consumer.stop(), this.#stop()])
    }
    const disconnect = async (): Promise<void> => {
      await Promise.all([consumer.disconnect(), this.#stop()])
      const producer = this.#producer
      this.#producer = null
      await producer?.disconnect()
    }
    return {
      ...consumer,
      subscribe: async subscription => {
        await consumer.subscribe(subscription)
        this.#subscribed.push(...('topics' in subscription ? subscription.topics : [subscription.topic]))
      },
      run: config => this.#run(consumer, config ?? {}),
      resume: topics => {
        this.#active?.circuit?.resumed()
        consumer.resume(topics)
      },
      stop,
      disconnect,
      [Symbol.asyncDispose]: disconnect,
    }
  }

  async #run<M extends MessagesByTopic>(consumer: Consumer<M>, config: ConsumerRunConfig<M>): Promise<void> {
    const { retry, deadLetter, createTopics, ...rest } = config
    if (this.#active !== null || (retry === undefined && deadLetter === undefined)) {
      await consumer.run(rest)
      return
    }
    const { cluster, config: own } = this.#parts
    if (own.groupId === null) throw new KafkaJSNonRetriableError('retry and deadLetter need a consumer with a groupId')
    if (config.eachMessage === undefined || config.eachMessage === null) {
      throw new KafkaJSNonRetriableError(
        'retry and deadLetter are for eachMessage: only the handler of a batch knows which message of it failed. ' +
          'Give eachMessage (with concurrency for many at once), or catch in eachBatch what fails and send it on there',
      )
    }
    const redelivery = {
      ...(retry !== undefined && { retry }),
      ...(deadLetter !== undefined && { deadLetter }),
      ...(createTopics !== undefined && { createTopics }),
    }
    const settings = redeliverySettings(own.groupId, redelivery, cluster.random)
    this.#producer ??= this.#parts.producer()
    const active = this.#makeActive(settings, [consumer], this.#producer)
    this.#active = active
    active.unlisten = consumer.on('consumer.crash', ({ payload }) => {
      if (!payload.restart && payload.groupId === own.groupId && this.#active === active) void this.#stop()
    })
    try {
      await Promise.all([cluster.isConnected() ? undefined : consumer.connect(), this.#producer.connect()])
      await active.topics.ensureAll()
      // It may have been stopped meanwhile.
      if (active.ending.signal.aborted) return
      await consumer.run(rest)
      const isWanted = settings.delaysMs.length > 0 && !active.ending.signal.aborted
      if (isWanted) await this.#runRetries(active, config.partitionsConsumedConcurrently ?? 1)
    } catch (error) {
      await this.#stop()
      throw error
    }
  }

  #makeActive(
    settings: RedeliverySettings,
    consumers: Pick<Consumer, 'assignment' | 'paused' | 'pause' | 'resume'>[],
    producer: Producer,
  ): Active {
    const { cluster } = this.#parts
    const logger = cluster.logger.namespace('Redelivery')
    const ending = new AbortController()
    const topics = new RedeliveryTopics(cluster, settings, [...this.#subscribed])
    const breaker = settings.breaker === null ? null : new Breaker(settings.breaker)
    const circuit =
      breaker === null
        ? null
        : new Circuit({ clock: cluster.clock, logger, groupId: settings.groupId, breaker, events: this.#events, consumers })
    const handling = new Handling({
      cluster,
      logger,
      settings,
      events: this.#events,
      breaker,
      producer,
      topics,
      signal: ending.signal,
      opened: () => circuit?.open(),
    })
    return { settings, topics, handling, breaker, circuit, ending, retry: null, unlisten: () => undefined }
  }

  async #runRetries(active: Active, partitionsConsumedConcurrently: number): Promise<void> {
    const { cluster, config } = this.#parts
    const { key: _key, value: _value, codecs: _codecs, middleware: _middleware, ...own } = config
    const { groupId } = active.settings
    const consumer = this.#parts.consumer({
      ...own,
      groupId: `${groupId}.retry`,
      ...(own.groupInstanceId !== undefined && { groupInstanceId: `${own.groupInstanceId}.retry` }),
      ...(active.topics.hasPatterns && { metadataMaxAge: patternAgeMs }),
      offsetReset: 'earliest',
    })
    const retry = new RetryConsumer({
      clock: cluster.clock,
      consumer,
      groupId,
      longestMs: Math.max(...active.settings.delaysMs),
      partitionsConsumedConcurrently,
      isHeld: () => active.breaker?.isOpen === true,
      placeOf: (topic, message) => active.topics.placeOf(topic, message),
      handle: async (stage, context) => {
        await traced(of => active.handling.at(stage, this.#inner, of), { groupId, clientId: cluster.clientId })(context)
      },
    })
    active.retry = retry
    active.circuit?.add(consumer)
    consumer.on('consumer.crash', ({ payload }) => cluster.events.emit('consumer.crash', payload))
    await retry.run(active.topics.toRetry)
  }

  /** Ends what belongs to the run. Does not reject. */
  async #stop(): Promise<void> {
    const active = this.#active
    if (active === null) return
    active.ending.abort(new Error('The consumer was stopped'))
    active.circuit?.end()
    active.unlisten()
    try {
      await active.retry?.stop()
      await active.retry?.consumer.disconnect()
    } catch (error) {
      const { cluster } = this.#parts
      cluster.logger.namespace('Redelivery').warn('Could not stop reading retry topics', { error: String(error) })
    }
    if (this.#active === active) this.#active = null
  }
}
