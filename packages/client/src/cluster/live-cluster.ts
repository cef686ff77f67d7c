// The `Cluster` of real clients: nodes, metadata and coordinators put together.
import { tracingChannel } from 'node:diagnostics_channel'
import type { AnyApi, Clock, Random } from '@ottla/protocol'
import { findCoordinatorApi, metadataApi } from '@ottla/protocol'
import { KafkaJSConnectionError } from '../errors/index.ts'
import type { EventEmitter } from '../events/emitter.ts'
import type { Logger } from '../logger.ts'
import { asError } from '../network/as-error.ts'
import type { Connection } from '../network/connection.ts'
import type { NetworkOptions, NetworkSettings } from '../network/options.ts'
import type { RetrySettings } from '../retry.ts'
import { retrying } from '../retry.ts'
import type { Answer, BodyFor, Cluster, ClusterImage, Destination, NodeFacts, RequestOptions, TopicFacts } from './cluster.ts'
import type { CoordinatorKey } from './coordinators.ts'
import { Coordinators } from './coordinators.ts'
import { Metadata } from './metadata.ts'
import type { Lane } from './node.ts'
import { laneOf } from './node.ts'
import { Nodes } from './nodes.ts'

/** Requests as OpenTelemetry and others see them; nothing is built where nobody subscribes. */
const requests = tracingChannel('ottla:client:request')

/** What a cluster is made of. */
export interface LiveClusterParts {
  readonly brokers: NetworkOptions['brokers']
  readonly logger: Logger
  readonly settings: NetworkSettings
  readonly retry: RetrySettings
  readonly metadataMaxAgeMs: number
  readonly allowAutoTopicCreation: boolean
}

/** A cluster over real connections. */
export class LiveCluster implements Cluster {
  readonly clientId: string
  readonly retry: RetrySettings
  readonly requestTimeoutMs: number
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly events: EventEmitter
  readonly #nodes: Nodes
  readonly #metadata: Metadata
  readonly #coordinators: Coordinators
  #connecting: Promise<void> | null = null
  #ending = new AbortController()

  constructor({ brokers, logger, settings, retry, metadataMaxAgeMs, allowAutoTopicCreation }: LiveClusterParts) {
    this.clientId = settings.clientId
    this.retry = retry
    this.requestTimeoutMs = settings.requestTimeoutMs
    this.clock = settings.clock
    this.random = settings.random
    this.logger = logger
    this.events = settings.events
    this.#nodes = new Nodes({ brokers, settings, lost: nodeId => this.#lost(nodeId) })
    this.#metadata = new Metadata({
      clock: settings.clock,
      logger: logger.namespace('Cluster'),
      maxAgeMs: metadataMaxAgeMs,
      allowAutoTopicCreation,
      ask: async body => (await this.request('any', metadataApi, body)).body,
    })
    this.#metadata.onChange(image => this.#nodes.take(image.nodes))
    this.#coordinators = new Coordinators({
      ask: async body => (await this.request('any', findCoordinatorApi, body)).body,
      learnNode: node => this.#metadata.learnNode(node),
    })
  }

  get image(): ClusterImage {
    return this.#metadata.image
  }

  connect(): Promise<void> {
    this.#connecting ??= this.#connect()
    return this.#connecting
  }

  async #connect(): Promise<void> {
    this.#nodes.open()
    this.#metadata.start()
    if (this.#ending.signal.aborted) this.#ending = new AbortController()
    const { signal } = this.#ending
    try {
      await retrying(this, () => this.#metadata.refresh(), signal)
    } catch (error) {
      // After a disconnect all of this may serve another attempt already.
      if (!signal.aborted) {
        this.#connecting = null
        if (!this.#nodes.isConnected) this.#metadata.stop()
      }
      throw error
    }
  }

  disconnect(): Promise<void> {
    this.#connecting = null
    this.#metadata.stop()
    this.#nodes.close()
    this.#coordinators.clear()
    this.#ending.abort(new KafkaJSConnectionError('The client was disconnected'))
    return Promise.resolve()
  }

  isConnected(): boolean {
    return this.#nodes.isConnected
  }

  request<A extends AnyApi>(to: Destination, api: A, body: BodyFor<A>, options?: RequestOptions): Promise<Answer<A>> {
    if (!requests.hasSubscribers) return this.#request(to, api, body, options)
    const facts = { apiName: api.name, apiKey: api.key, clientId: this.clientId, to }
    return requests.tracePromise(() => this.#request(to, api, body, options), facts)
  }

  async post<A extends AnyApi>(to: Destination, api: A, body: BodyFor<A>): Promise<void> {
    const connection = await this.#connection(to, laneOf(api))
    await connection.post(api, body)
  }

  async versionOf(to: Destination, api: AnyApi): Promise<number> {
    const connection = await this.#connection(to, laneOf(api))
    return connection.versionOf(api)
  }

  async topics(
    names: readonly string[],
    options: { allowAutoTopicCreation?: boolean; signal?: AbortSignal } = {},
  ): Promise<ReadonlyMap<string, TopicFacts>> {
    return await orAborted(this.#metadata.topics(names, options.allowAutoTopicCreation), options.signal)
  }

  refresh(which?: 'all'): Promise<ClusterImage> {
    return this.#metadata.refresh(which)
  }

  forget(names: Iterable<string>): void {
    this.#metadata.forget(names)
  }

  leaderOf(topic: string, partition: number): number | undefined {
    const leader = this.#metadata.image.topics.get(topic)?.partitions[partition]?.leader
    return leader === undefined || leader < 0 ? undefined : leader
  }

  learnLeader(topic: string, partition: number, leader: { leaderId: number; leaderEpoch: number }, nodes: readonly NodeFacts[] = []): void {
    this.#metadata.learn(topic, partition, leader, nodes)
  }

  onChange(listener: (image: ClusterImage) => void): () => void {
    return this.#metadata.onChange(listener)
  }

  async coordinatorOf(key: CoordinatorKey): Promise<number> {
    return await this.#coordinators.find(key)
  }

  forgetCoordinator(key: CoordinatorKey): void {
    this.#coordinators.forget(key)
  }

  async #request<A extends AnyApi>(to: Destination, api: A, body: BodyFor<A>, options?: RequestOptions): Promise<Answer<A>> {
    options?.signal?.throwIfAborted()
    const connecting = this.#connection(to, laneOf(api))
    const connection = options?.signal === undefined ? await connecting : await orAborted(connecting, options.signal)
    const answer = await connection.request(api, body, options)
    return { body: answer.body, version: answer.version, nodeId: connection.nodeId ?? -1 }
  }

  async #connection(to: Destination, lane: Lane): Promise<Connection> {
    if (to === 'any') return await this.#nodes.any(lane)
    const nodeId = await this.#nodeId(to)
    if (nodeId < 0) return await this.#nodes.any(lane)
    if (!this.#nodes.has(nodeId)) await this.#metadata.refresh()
    return await this.#nodes.byId(nodeId, lane)
  }

  async #nodeId(to: Exclude<Destination, 'any'>): Promise<number> {
    if (typeof to === 'number') return to
    if (to !== 'controller') return await this.#coordinators.find(to)
    if (this.image.controllerId < 0 || !this.#nodes.has(this.image.controllerId)) await this.#metadata.refresh()
    return this.image.controllerId
  }

  #lost(nodeId: number | null): void {
    if (nodeId === null) return
    this.#coordinators.forgetNode(nodeId)
    this.#metadata.trouble()
  }
}

/** Ends a wait with a signal's reason; what is waited for goes on for others. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work
  return await new Promise<T>((resolve, reject) => {
    const aborted = (): void => reject(asError(signal.reason))
    if (signal.aborted) aborted()
    signal.addEventListener('abort', aborted, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}
