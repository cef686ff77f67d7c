// A consumer's life: connect, subscribe, run after run, crashes and new beginnings, disconnect.
import type { Timer } from '@ottla/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import type { Logger } from '../logger.ts'
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import { retryDefaults } from '../retry.ts'
import { fetcherOptions, membershipOptions } from './part-options.ts'
import { ManualMembership } from './manual-membership.ts'
import type { AssignmentListener, Membership, TopicPartition } from './parts.ts'
import { Engine } from './run/engine.ts'
import { asError, mayRestart } from './run/failures.ts'
import { Pauses } from './run/pauses.ts'
import { latestTimestamp, Positions } from './run/positions.ts'
import type { ConsumerParts, RunSettings } from './run/settings.ts'
import { subscribedOnly } from './subscribed-only.ts'
import { Subscriptions } from './subscriptions.ts'
import type { ConsumerConfig } from './types.ts'

/** A partition that was assigned by hand; `offset` -1 the end, -2 the start. */
export type AssignedByHand = TopicPartition & { readonly offset?: number }

const defaultMetadataMaxAgeMs = 300_000

/** What lies behind the methods of a Consumer. */
export class GroupConsumer {
  readonly cluster: Cluster
  readonly config: ConsumerConfig
  readonly logger: Logger
  readonly subscriptions: Subscriptions
  readonly #parts: ConsumerParts
  readonly #pauses = new Pauses()
  readonly #seeks = new Map<string, Map<number, number>>()
  /** Told when nothing runs any more: after a stop, or a crash that is not followed by a new beginning. */
  readonly ended = new Set<(error: Error | null) => void>()
  #engine: Engine | null = null
  #manual: readonly AssignedByHand[] | null = null
  #restart: Timer | null = null
  #patterns: Timer | null = null
  #halting: Promise<void> | null = null
  /** Counted up by each `stop`: a crash that is being dealt with does not begin anew after one. */
  #stops = 0

  constructor(cluster: Cluster, config: ConsumerConfig, parts: ConsumerParts) {
    this.cluster = cluster
    this.config = config
    this.logger = cluster.logger.namespace('Consumer')
    this.#parts = parts
    this.subscriptions = new Subscriptions(cluster, config)
  }

  get groupId(): string {
    return this.config.groupId ?? ''
  }

  /** The run, null when there is none. */
  get running(): Engine | null {
    return this.#engine
  }

  /** The run; throws when there is none. */
  get engine(): Engine {
    if (this.#engine !== null) return this.#engine
    throw new KafkaJSNonRetriableError('Consumer group was not initialized, consumer#run must be called first')
  }

  async connect(): Promise<void> {
    await this.cluster.connect()
    this.cluster.events.emit('consumer.connect', null)
  }

  /** Partitions to be read in place of what is subscribed. */
  assign(partitions: readonly AssignedByHand[]): void {
    if (this.#engine !== null) throw new KafkaJSNonRetriableError('Cannot assign partitions while consumer is running')
    this.#manual = partitions
    for (const { topic, partition, offset } of partitions) if (offset !== undefined) this.#beginAt(topic, partition, offset)
  }

  #beginAt(topic: string, partition: number, offset: number): void {
    this.#seeks.set(topic, (this.#seeks.get(topic) ?? new Map<number, number>()).set(partition, offset))
  }

  /** Begins a run. */
  async start(settings: RunSettings): Promise<void> {
    if (this.config.groupId === null && this.#manual === null) {
      throw new KafkaJSNonRetriableError('A consumer without a groupId reads what assign names: call assign first')
    }
    this.#cancelRestart()
    const engine = this.#makeEngine(settings)
    this.#engine = engine
    this.logger.info('Starting', { groupId: this.groupId })
    try {
      if (!this.cluster.isConnected()) await this.connect()
      if (this.#manual !== null) await this.subscriptions.follow(this.#manual.map(({ topic }) => topic))
    } catch (error) {
      engine.crash(asError(error))
      return
    }
    await engine.start()
    if (engine.isRunning() && this.subscriptions.hasPatterns && this.#manual === null) this.#followPatterns(engine)
  }

  #makeEngine(settings: RunSettings): Engine {
    const { cluster, config, subscriptions } = this
    const { events } = cluster
    const fetcher = this.#parts.createFetcher(cluster, {
      ...fetcherOptions(config),
      offsetReset: topic => subscriptions.resetOf(topic),
      events: {
        fetchStart: about => events.emit('consumer.fetch_start', about),
        fetch: about => events.emit('consumer.fetch', about),
        positionReset: reset => this.logger.warn('Offset not there, going on elsewhere', { groupId: this.groupId, ...reset }),
      },
    })
    const engine: Engine = new Engine({
      cluster,
      logger: this.logger,
      groupId: this.groupId,
      settings,
      fetcher,
      membership: listener => this.#membership(listener),
      positions: membership => this.#positions(membership),
      pauses: this.#pauses,
      crashed: error => void this.#crashed(engine, settings, error),
    })
    return engine
  }

  #membership(listener: AssignmentListener): Membership {
    const { groupId } = this.config
    if (this.#manual !== null || groupId === null) {
      return new ManualMembership(this.cluster, { groupId, partitions: this.#manual ?? [] }, listener)
    }
    const options = { ...membershipOptions(this.config), groupId, subscription: { topics: this.subscriptions.topics } }
    const { events } = this.cluster
    const subscribed = () => this.subscriptions.topics
    return this.#parts.createMembership(this.cluster, options, subscribedOnly(listener, { events, logger: this.logger, subscribed }))
  }

  #positions(membership: Membership): Positions {
    const { readUncommitted = false } = this.config
    return new Positions({
      committed: partitions => membership.committed(partitions),
      offsetsAt: async partitions => {
        const queries = partitions.map(({ topic, partition, timestamp }) => {
          const at: 'latest' | 'earliest' = timestamp === latestTimestamp ? 'latest' : 'earliest'
          return { topic, partition, at }
        })
        const found = await this.#parts.offsetsOf(this.cluster, queries, { readUncommitted })
        return found.map(({ offset }) => offset)
      },
      resetOf: topic => this.subscriptions.resetOf(topic),
      seeks: this.#seeks,
    })
  }

  #followPatterns(engine: Engine): void {
    this.#patterns = this.cluster.clock.after(this.config.metadataMaxAge ?? defaultMetadataMaxAgeMs, () => {
      const refreshed = this.subscriptions.refresh().then(async changed => {
        if (changed && engine.isRunning()) await engine.membership.subscribe({ topics: this.subscriptions.topics })
      })
      refreshed
        .catch((error: unknown) =>
          this.logger.warn('Could not look for new topics', { groupId: this.groupId, error: asError(error).message }),
        )
        .finally(() => {
          if (engine.isRunning() && this.#engine === engine) this.#followPatterns(engine)
        })
    })
  }

  async #crashed(engine: Engine, settings: RunSettings, error: Error): Promise<void> {
    const { groupId, logger, cluster } = this
    logger.error(`Crash: ${error.name}: ${error.message}`, { groupId, stack: error.stack })
    const stops = this.#stops
    await this.#close(engine).catch((failed: unknown) =>
      logger.error('Could not stop after a crash', { groupId, error: asError(failed).message }),
    )
    const restart = stops === this.#stops && mayRestart(error) && (await this.#wantsRestart(error))
    cluster.events.emit('consumer.crash', { error, groupId, restart })
    if (!restart || stops !== this.#stops) {
      this.#end(error)
      return
    }
    const retryTime = retryTimeOf(error) ?? cluster.retry.initialRetryTime ?? retryDefaults.initialRetryTime
    logger.error(`Restarting the consumer in ${retryTime}ms`, { retryTime, groupId })
    this.#restart = cluster.clock.after(retryTime, () => {
      this.#restart = null
      this.start(settings).catch((failed: unknown) => this.#end(asError(failed)))
    })
  }

  async #wantsRestart(error: Error): Promise<boolean> {
    const restartOnFailure = this.config.retry?.restartOnFailure ?? this.cluster.retry.restartOnFailure
    if (restartOnFailure === undefined) return true
    try {
      return await restartOnFailure(error)
    } catch (failed) {
      this.logger.error('Caught error when invoking user-provided "restartOnFailure" callback. Defaulting to restarting.', {
        error: asError(failed).message,
        cause: error.message,
        groupId: this.groupId,
      })
      return true
    }
  }

  /** Ends the run, and any new beginning that is due. Pauses and seeks end with it. */
  async stop(): Promise<void> {
    this.#stops++
    await this.#halt(this.#engine)
    this.#forget()
    this.#end(null)
    this.logger.info('Stopped', { groupId: this.groupId })
  }

  async disconnect(): Promise<void> {
    this.#stops++
    await this.#close(this.#engine)
    this.#forget()
    this.#end(null)
  }

  #forget(): void {
    this.#pauses.clear()
    if (this.#manual === null) this.#seeks.clear()
  }

  async #close(engine: Engine | null): Promise<void> {
    await this.#halt(engine)
    await this.cluster.disconnect()
    this.cluster.events.emit('consumer.disconnect', null)
  }

  #halt(engine: Engine | null): Promise<void> {
    this.#halting ??= this.#stopEngine(engine).finally(() => {
      this.#halting = null
    })
    return this.#halting
  }

  async #stopEngine(engine: Engine | null): Promise<void> {
    this.#cancelRestart()
    this.#patterns?.cancel()
    this.#patterns = null
    if (engine === null) return
    await engine.stop()
    if (this.#engine === engine) this.#engine = null
    // Without a group nobody but this consumer knows where it was.
    if (this.config.groupId === null) for (const { topic, partition, offset } of engine.ended) this.#beginAt(topic, partition, offset)
    this.cluster.events.emit('consumer.stop', null)
  }

  #cancelRestart(): void {
    this.#restart?.cancel()
    this.#restart = null
  }

  #end(error: Error | null): void {
    const listeners = [...this.ended]
    this.ended.clear()
    for (const listener of listeners) listener(error)
  }
}

function retryTimeOf(error: Error): number | undefined {
  return 'retryTime' in error && typeof error.retryTime === 'number' && error.retryTime > 0 ? error.retryTime : undefined
}
