// A client's cluster without sockets: requests go to a simulated broker on a clock that stands still, take their time both ways, and get lost when the test says so.
import {
  type AnyApi,
  bounds,
  findCoordinatorApi,
  metadataApi,
  type Random,
  type RequestInitOf,
  type ResponseOf,
  ZERO_UUID,
} from '@ottla/protocol'
import type { SimulatedBroker } from '../../packages/broker/src/broker-simulation.ts'
import type {
  Answer,
  BodyFor,
  Cluster,
  ClusterImage,
  Destination,
  RequestOptions,
  TopicFacts,
} from '../../packages/client/src/cluster/cluster.ts'
import { KafkaJSConnectionClosedError, KafkaJSRequestTimeoutError, protocolError } from '../../packages/client/src/errors/index.ts'
import { EventEmitter } from '../../packages/client/src/events/emitter.ts'
import { createLogger, logLevel } from '../../packages/client/src/logger.ts'
import { delay, retryDefaults } from '../../packages/client/src/retry.ts'

const unused = (): never => {
  throw new Error('A simulated cluster does not have this')
}

/** See the top of the file. */
export class SimulatedCluster implements Cluster {
  readonly clientId = 'simulation'
  readonly retry = { ...retryDefaults, retries: 50, maxRetryTime: 1_000 }
  readonly requestTimeoutMs = 30_000
  readonly logger = createLogger({ level: logLevel.NOTHING })
  readonly clock: Cluster['clock']
  readonly events: EventEmitter
  readonly random: Random
  image: ClusterImage = { clusterId: null, controllerId: 1, nodes: new Map(), topics: new Map(), topicNames: new Map() }
  post = unused
  versionOf = unused
  leaderOf = unused
  learnLeader = unused
  /** Whether requests and answers are lost. */
  cutOff = false
  /** Share of the answers that are lost, of requests that were handled. */
  lostAnswers = 0
  /** Whether older versions are used too, as with older brokers. */
  anyVersions = false
  readonly #versions = new Map<number, number>()
  readonly #broker: SimulatedBroker
  readonly #interest = new Set<string>()
  readonly #listeners = new Set<(image: ClusterImage) => void>()
  #broken = new AbortController()
  #closed = false

  constructor(broker: SimulatedBroker, random: Random) {
    this.#broker = broker
    this.clock = broker.clock
    this.random = random
    this.events = new EventEmitter(this.clock, this.logger)
  }

  async connect(): Promise<void> {}

  async disconnect(): Promise<void> {
    this.#closed = true
    this.break()
  }

  isConnected(): boolean {
    return !this.#closed
  }

  /** All connections break; who waits for an answer hears of it. */
  break(): void {
    this.#broken.abort(new KafkaJSConnectionClosedError('Closed connection'))
    this.#broken = new AbortController()
  }

  async request<A extends AnyApi>(to: Destination, api: A, body: BodyFor<A>, options: RequestOptions = {}): Promise<Answer<A>> {
    if (typeof to === 'object') await this.coordinatorOf(to)
    const version = Math.min(options.maxVersion ?? Number.MAX_SAFE_INTEGER, this.#versionOf(api))
    const { signal, timeoutMs = this.requestTimeoutMs } = options
    const late = new AbortController()
    const timer = this.clock.after(timeoutMs, () => late.abort(new KafkaJSRequestTimeoutError('Request timed out')))
    const ends = AbortSignal.any([late.signal, this.#broken.signal, ...(signal === undefined ? [] : [signal])])
    try {
      return await this.#exchange(api, { version, body: typeof body === 'function' ? body(version) : body }, ends)
    } finally {
      timer.cancel()
    }
  }

  async topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicFacts>> {
    for (const name of names) this.#interest.add(name)
    const image = names.every(name => this.image.topics.has(name)) ? this.image : await this.refresh()
    const found = new Map<string, TopicFacts>()
    for (const name of names) {
      const facts = image.topics.get(name)
      if (facts === undefined) throw protocolError(3)
      found.set(name, facts)
    }
    return found
  }

  async refresh(which?: 'all'): Promise<ClusterImage> {
    const topics = which === 'all' ? null : [...this.#interest].map(name => ({ topicId: ZERO_UUID, name }))
    const body = {
      topics,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    }
    const answer = await this.request('any', metadataApi, body)
    const facts = answer.body.topics.filter(({ errorCode }) => errorCode === 0).map(factsOf)
    // An older answer may come after a newer one, and know less.
    const merged = new Map([...this.image.topics, ...facts.map(topic => [topic.name, topic] as const)])
    const topicNames = new Map([...merged.values()].map(({ id, name }) => [id, name]))
    this.image = { ...this.image, topics: merged, topicNames }
    for (const listener of this.#listeners) listener(this.image)
    return this.image
  }

  forget(names: Iterable<string>): void {
    for (const name of names) this.#interest.delete(name)
  }

  onChange(listener: (image: ClusterImage) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async coordinatorOf(key: { readonly group: string } | { readonly transaction: string }): Promise<number> {
    const coordinatorKeys = ['group' in key ? key.group : key.transaction]
    const { body } = await this.request('any', findCoordinatorApi, { keyType: 0, coordinatorKeys })
    const [found] = body.coordinators
    if (found === undefined || found.errorCode !== 0) throw protocolError(found?.errorCode ?? -1)
    return found.nodeId
  }

  forgetCoordinator(): void {}

  async #exchange<A extends AnyApi>(
    api: A,
    { version, body }: { version: number; body: RequestInitOf<A> },
    ends: AbortSignal,
  ): Promise<Answer<A>> {
    await delay(this.clock, this.#travelMs(), ends)
    if (this.cutOff) await delay(this.clock, Number.MAX_SAFE_INTEGER, ends)
    const answer = await ended(this.#broker.ask(api, version, body), ends)
    await delay(this.clock, this.#travelMs(), ends)
    const lost = this.cutOff || this.random.next() < this.lostAnswers
    if (lost || answer === undefined || answer === null) throw new KafkaJSConnectionClosedError('Closed connection')
    return { body: answer, version, nodeId: 1 }
  }

  /** Of requests about groups, one that the broker has, and then always that one. */
  #versionOf(api: AnyApi): number {
    const [low, high] = bounds(api.versions)
    if (!this.anyVersions || !/Group|^Offset|Heartbeat/.test(api.name)) return high
    const version = this.#versions.get(api.key) ?? low + Math.floor(this.random.next() * (high - low + 1))
    this.#versions.set(api.key, version)
    return version
  }

  #travelMs(): number {
    return 1 + Math.floor(this.random.next() * 20)
  }
}

function ended<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
    signal.addEventListener('abort', aborted, { once: true })
    promise.then(resolve, reject)
  })
}

const factsOf = ({ name, topicId, isInternal, partitions }: ResponseOf<typeof metadataApi>['topics'][number]): TopicFacts => ({
  name: name ?? '',
  id: topicId,
  isInternal,
  partitions: partitions
    .toSorted((one, other) => one.partitionIndex - other.partitionIndex)
    .map(partition => ({
      partition: partition.partitionIndex,
      leader: partition.leaderId,
      leaderEpoch: partition.leaderEpoch,
      replicas: partition.replicaNodes,
      isr: partition.isrNodes,
      offlineReplicas: partition.offlineReplicas,
      errorCode: partition.errorCode,
    })),
})
