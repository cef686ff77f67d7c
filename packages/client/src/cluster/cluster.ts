// What producers, consumers and admin clients use of a cluster: requests that find their broker, and metadata. Each of them has a
// cluster of its own, as in KafkaJS.
import type { AnyApi, Clock, Random, RequestInitOf, ResponseOf } from '@ottla/protocol'
import type { EventEmitter } from '../events/emitter.ts'
import type { Logger } from '../logger.ts'
import type { RetrySettings } from '../retry.ts'

/** Where a request goes: a node by id, any broker that answers, the controller, or the coordinator of a group or of a transactional id. */
export type Destination = number | 'any' | 'controller' | { readonly group: string } | { readonly transaction: string }

/** One partition as its cluster describes it. */
export interface PartitionFacts {
  readonly partition: number
  /** Node id of the leader, -1 when there is none. */
  readonly leader: number
  /** -1 where the broker does not tell it. */
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offlineReplicas: readonly number[]
  /** 0, or what keeps the partition from being used, such as LEADER_NOT_AVAILABLE. */
  readonly errorCode: number
}

/** One topic as its cluster describes it. */
export interface TopicFacts {
  readonly name: string
  /** ZERO_UUID where the broker does not tell it. */
  readonly id: string
  readonly isInternal: boolean
  /** By partition number. */
  readonly partitions: readonly PartitionFacts[]
}

/** A broker's address. */
export interface NodeFacts {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** What is known of a cluster; replaced as a whole, never changed. */
export interface ClusterImage {
  readonly clusterId: string | null
  readonly controllerId: number
  readonly nodes: ReadonlyMap<number, NodeFacts>
  /** Topics that somebody asked for and that are there, by name. */
  readonly topics: ReadonlyMap<string, TopicFacts>
  /** Names by topic id. */
  readonly topicNames: ReadonlyMap<string, string>
}

/** How one request is sent. */
export interface RequestOptions {
  /** How long to wait for the answer, in ms; `requestTimeout` by default. */
  readonly timeoutMs?: number
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal
  /** The highest version that may be used. */
  readonly maxVersion?: number
}

/** The body of a request, or what makes it for the version that was agreed upon with the broker. */
export type BodyFor<A extends AnyApi> = RequestInitOf<A> | ((version: number) => RequestInitOf<A>)

/** An answer and the version it came in. */
export interface Answer<A extends AnyApi> {
  readonly body: ResponseOf<A>
  readonly version: number
  readonly nodeId: number
}

/**
 * A cluster as one client sees it. Requests connect when there is no connection, agree on versions, find coordinators; they do not try
 * again by themselves: they reject with KafkaJSConnectionError, KafkaJSRequestTimeoutError and the like, and error codes inside answers
 * are the caller's (see `retrying` and `protocolError`).
 */
export interface Cluster {
  readonly clientId: string
  /** `retry` of the client: what `retrying` takes. */
  readonly retry: RetrySettings
  /** In ms. */
  readonly requestTimeoutMs: number
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Where `network.request` and its like are told (instrumentation events of KafkaJS). */
  readonly events: EventEmitter
  readonly image: ClusterImage

  /** Connects to one of the bootstrap brokers and reads metadata, with the client's retries. Idempotent. Rejects with an error that names what is wrong. */
  connect(): Promise<void>
  /** Closes all connections; requests that wait are rejected with KafkaJSConnectionClosedError. `connect` may follow. */
  disconnect(): Promise<void>
  isConnected(): boolean

  /** Sends a request in the highest version that both sides know and resolves with its answer. */
  request<A extends AnyApi>(to: Destination, api: A, body: BodyFor<A>, options?: RequestOptions): Promise<Answer<A>>
  /** Sends a request that is never answered (Produce with acks=0); resolves when the socket took it. */
  post<A extends AnyApi>(to: Destination, api: A, body: BodyFor<A>): Promise<void>
  /** The version in which `request` would be sent; connects when needed. Throws KafkaJSServerDoesNotSupportApiKey. */
  versionOf(to: Destination, api: AnyApi): Promise<number>

  /**
   * Facts of topics, from the image or else asked for; asked-for topics are kept up to date from then on (`metadataMaxAge`).
   * Rejects with the protocol error of the first topic that is not there or not usable. `allowAutoTopicCreation` as the client says, unless given.
   */
  topics(
    names: readonly string[],
    options?: { allowAutoTopicCreation?: boolean; signal?: AbortSignal },
  ): Promise<ReadonlyMap<string, TopicFacts>>
  /** Asks for metadata now: of all topics of interest, or of every topic there is ('all', for patterns; they do not become topics of interest). One request serves all who ask at once. */
  refresh(which?: 'all'): Promise<ClusterImage>
  /** No longer keeps these up to date. */
  forget(names: Iterable<string>): void
  /** The leader of a partition as far as is known, else undefined. */
  leaderOf(topic: string, partition: number): number | undefined
  /** Takes what an answer told about new leaders and brokers (KIP-951). */
  learnLeader(topic: string, partition: number, leader: { leaderId: number; leaderEpoch: number }, nodes?: readonly NodeFacts[]): void
  /** Called with each new image. Returns what ends that. */
  onChange(listener: (image: ClusterImage) => void): () => void
  /** Node id of a coordinator, found when not known. */
  coordinatorOf(key: { readonly group: string } | { readonly transaction: string }): Promise<number>
  /** After NOT_COORDINATOR and its like: it is looked for anew next time. */
  forgetCoordinator(key: { readonly group: string } | { readonly transaction: string }): void
}
