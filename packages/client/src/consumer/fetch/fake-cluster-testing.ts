// A cluster for tests of the fetcher: virtual time, metadata that a test changes, and brokers that answer as the test says. Requests and answers
// go through the codecs, so that what a version does not carry is lost here too.
import type { AnyApi, Clock, Random, RequestOf, ResponseInitOf, Timer } from '@ottla/protocol'
import {
  bounds,
  encodeRequest,
  encodeResponse,
  fetchApi,
  listOffsetsApi,
  offsetForLeaderEpochApi,
  Reader,
  readResponse,
  requestCodec,
  readRequestHeader,
} from '@ottla/protocol'
import type {
  Answer,
  BodyFor,
  Cluster,
  ClusterImage,
  Destination,
  NodeFacts,
  PartitionFacts,
  RequestOptions,
  TopicFacts,
} from '../../cluster/cluster.ts'
import { KafkaJSConnectionError } from '../../errors/index.ts'
import { EventEmitter } from '../../events/emitter.ts'
import { createLogger, logLevel } from '../../logger.ts'
import { retryDefaults } from '../../retry.ts'

/** Time that passes when a test says so. */
export class VirtualClock implements Clock {
  #nowMs = 1000
  #timers: { readonly atMs: number; readonly run: () => void }[] = []

  now(): number {
    return this.#nowMs
  }
  monotonic(): number {
    return this.#nowMs
  }
  after(delayMs: number, run: () => void): Timer {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), run }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter(other => other !== timer)) }
  }

  /** Lets time pass; what is due is run, in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms
    await settled()
    for (;;) {
      const [next] = this.#timers.filter(({ atMs }) => atMs <= end).toSorted((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#timers = this.#timers.filter(timer => timer !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
      await settled()
    }
    this.#nowMs = end
  }
}

/** Waits until promises that are kept already have been dealt with. */
export const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

type FetchAnswer = ResponseInitOf<typeof fetchApi>

/** What brokers do. An error that is thrown is what `Cluster.request` rejects with. */
export interface FakeBrokers {
  fetch(nodeId: number, request: RequestOf<typeof fetchApi>, version: number): Promise<FetchAnswer>
  listOffsets(nodeId: number, request: RequestOf<typeof listOffsetsApi>): Promise<ResponseInitOf<typeof listOffsetsApi>>
  epochEnds(nodeId: number, request: RequestOf<typeof offsetForLeaderEpochApi>): Promise<ResponseInitOf<typeof offsetForLeaderEpochApi>>
}

const node = (nodeId: number): NodeFacts => ({ nodeId, host: `b${nodeId}`, port: 9092, rack: null })

export class FakeCluster implements Cluster {
  readonly clientId = 'test'
  readonly retry = { ...retryDefaults, initialRetryTime: 100, retries: 3 }
  readonly requestTimeoutMs = 30_000
  readonly clock = new VirtualClock()
  readonly random: Random
  readonly logger = createLogger({ level: logLevel.NOTHING })
  readonly events: EventEmitter
  readonly brokers: FakeBrokers
  /** The newest versions that brokers know, by API. */
  readonly newest = new Map<string, number>()
  /** What metadata will say when it is asked for next. */
  readonly truth = new Map<string, TopicFacts>()
  /** How often metadata was asked for. */
  refreshes = 0
  image: ClusterImage
  readonly #listeners = new Set<(image: ClusterImage) => void>()

  constructor(brokers: FakeBrokers, nodeIds: readonly number[] = [1, 2], random: () => number = () => 0.5) {
    this.brokers = brokers
    this.random = { next: random, bytes: size => Buffer.alloc(size) }
    this.events = new EventEmitter(this.clock, this.logger)
    const nodes = new Map(nodeIds.map(nodeId => [nodeId, node(nodeId)]))
    this.image = { clusterId: null, controllerId: 1, nodes, topics: new Map(), topicNames: new Map() }
  }

  /** Says what a topic is like from now on, to those who ask. */
  topic(name: string, leaders: readonly number[], { id = `${name}AAAAAAAAAAAAAAAAAAAAAA`.slice(0, 21) + 'A', epoch = 0 } = {}): void {
    const facts = (leader: number, partition: number): PartitionFacts => ({
      partition,
      leader,
      leaderEpoch: epoch,
      replicas: [1, 2],
      isr: [1, 2],
      offlineReplicas: [],
      errorCode: 0,
    })
    this.truth.set(name, { name, id, isInternal: false, partitions: leaders.map(facts) })
  }

  /** Makes the truth known. */
  publish(): void {
    const topics = new Map(this.truth)
    this.image = { ...this.image, topics, topicNames: new Map([...topics.values()].map(({ id, name }) => [id, name])) }
    for (const listener of this.#listeners) listener(this.image)
  }

  async request<A extends AnyApi>(to: Destination, api: A, body: BodyFor<A>, options: RequestOptions = {}): Promise<Answer<A>> {
    await Promise.resolve()
    if (typeof to !== 'number' || !this.image.nodes.has(to)) throw new KafkaJSConnectionError('no such node')
    options.signal?.throwIfAborted()
    const version = await this.versionOf(to, api, options.maxVersion)
    const request = { api, version, correlationId: 1, clientId: null, body: typeof body === 'function' ? body(version) : body }
    const frame = Buffer.concat(encodeRequest(request)).subarray(4)
    const answer = await this.#serve(to, api, { frame, version })
    const { signal } = options
    let stop: (() => void) | undefined
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal?.reason)
      signal?.addEventListener('abort', stop, { once: true })
    })
    const response = await Promise.race([answer.bytes, aborted]).finally(() =>
      stop === undefined ? undefined : signal?.removeEventListener('abort', stop),
    )
    return { body: readResponse(api, version, response).body, version, nodeId: to }
  }

  async #serve(
    nodeId: number,
    api: AnyApi,
    { frame, version }: { frame: Buffer; version: number },
  ): Promise<{ readonly bytes: Promise<Buffer> }> {
    const reader = new Reader(frame, readRequestHeader(frame).bodyAt)
    const body = async (): Promise<Readonly<Record<string, unknown>>> => {
      if (api.key === fetchApi.key) return { ...(await this.brokers.fetch(nodeId, requestCodec(fetchApi, version).read(reader), version)) }
      if (api.key === listOffsetsApi.key)
        return { ...(await this.brokers.listOffsets(nodeId, requestCodec(listOffsetsApi, version).read(reader))) }
      return { ...(await this.brokers.epochEnds(nodeId, requestCodec(offsetForLeaderEpochApi, version).read(reader))) }
    }
    const bytes = body().then(answer => Buffer.concat(encodeResponse({ api, version, correlationId: 1, body: answer })).subarray(4))
    return Promise.resolve({ bytes })
  }

  versionOf(_to: Destination, api: AnyApi, maxVersion = Number.POSITIVE_INFINITY): Promise<number> {
    return Promise.resolve(Math.min(bounds(api.versions)[1], this.newest.get(api.name) ?? Number.POSITIVE_INFINITY, maxVersion))
  }
  refresh(): Promise<ClusterImage> {
    this.refreshes++
    return Promise.resolve().then(() => {
      this.publish()
      return this.image
    })
  }
  async topics(): Promise<ReadonlyMap<string, TopicFacts>> {
    return (await this.refresh()).topics
  }
  leaderOf(topic: string, partition: number): number | undefined {
    return this.image.topics.get(topic)?.partitions[partition]?.leader
  }
  learnLeader(
    topic: string,
    partition: number,
    { leaderId, leaderEpoch }: { leaderId: number; leaderEpoch: number },
    nodes: readonly NodeFacts[] = [],
  ): void {
    const facts = this.image.topics.get(topic)
    if (facts === undefined) return
    const partitions = facts.partitions.map(known => (known.partition === partition ? { ...known, leader: leaderId, leaderEpoch } : known))
    this.truth.set(topic, { ...facts, partitions })
    this.image = { ...this.image, nodes: new Map([...this.image.nodes, ...nodes.map(added => [added.nodeId, added] as const)]) }
    this.publish()
  }
  onChange(listener: (image: ClusterImage) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  connect(): Promise<void> {
    return Promise.resolve()
  }
  disconnect(): Promise<void> {
    return Promise.resolve()
  }
  isConnected(): boolean {
    return true
  }
  post(): Promise<void> {
    return Promise.resolve()
  }
  forget(): void {
    // Nothing is kept up to date.
  }
  coordinatorOf(): Promise<number> {
    return Promise.resolve(1)
  }
  forgetCoordinator(): void {
    // There is none.
  }
}
