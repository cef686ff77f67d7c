// The consumer as programs see it: the names and shapes of KafkaJS 2.2.4, and what Ottla adds, which is always optional.
import type { Listener, InstrumentationEvent } from '../events/emitter.ts'
import type { Logger } from '../logger.ts'
import type { RetryOptions } from '../retry.ts'
import type { MessageCodecs, Deserializer, MessagesByTopic, PlainMessages } from './codec.ts'
import type { ConsumerEventListeners, ConsumerEvents } from './events.ts'
import type { PartitionAssigner } from './assignors/types.ts'
import type { RedeliveryConfig } from '../redelivery/policies.ts'
import type { HandlerMiddleware } from './run/handler.ts'
import type { OffsetReset, TopicPartition } from './parts.ts'

/** What a consumer is told when it is made. */
export interface ConsumerConfig {
  /** Group to be a member of. null: none; then only `assign` says what is read, and nothing is committed. */
  groupId: string | null
  partitionAssigners?: PartitionAssigner[]
  /** How long what is known of topics is taken to be true, and how often patterns are matched again, in ms: 300,000. */
  metadataMaxAge?: number
  /** After so many ms without a heartbeat the group takes a member for dead: 30,000. */
  sessionTimeout?: number
  /** How long members may take to finish what they have in hand when the group rebalances, in ms: 60,000. */
  rebalanceTimeout?: number
  /**
   * A handler that takes longer than so many ms makes the consumer leave its group, so that others get its partitions, until it is done
   * (max.poll.interval.ms of Java's consumer). Off by default, as in KafkaJS.
   */
  maxPollInterval?: number
  /** Distance of heartbeats in ms: 3,000. */
  heartbeatInterval?: number
  maxBytesPerPartition?: number
  minBytes?: number
  maxBytes?: number
  maxWaitTimeInMs?: number
  retry?: RetryOptions
  allowAutoTopicCreation?: boolean
  maxInFlightRequests?: number
  /** Whether records of transactions that are not committed are read too: false. */
  readUncommitted?: boolean
  rackId?: string
  /** `classic` (default): the rebalance protocol of KafkaJS; `consumer`: that of KIP-848, in which brokers assign partitions. */
  groupProtocol?: 'classic' | 'consumer'
  /** Makes the member static (KIP-345): a restart within the session time-out does not rebalance the group. */
  groupInstanceId?: string
  /** With groupProtocol `consumer`: the broker's assignor, `uniform` or `range`. */
  groupRemoteAssignor?: string
  /** Where partitions without a committed offset begin, where `subscribe` does not say it by `fromBeginning`: latest. */
  offsetReset?: OffsetReset
  /** How long `stop` waits for running handlers in ms: 30,000. Then their `signal` is aborted and `stop` ends without them. */
  stopTimeout?: number
  /** Deserializers of all topics; the types of messages follow from them. */
  key?: Deserializer
  value?: Deserializer
  /** Deserializers by topic. */
  codecs?: Record<string, MessageCodecs>
  /** Wrapped around eachMessage, the first outermost; batches and streams go without. */
  middleware?: readonly HandlerMiddleware[]
}

/** What `createConsumer` takes. */
export type ConsumerOptions = ConsumerConfig

export interface TopicPartitions {
  topic: string
  partitions: number[]
}

export interface PartitionOffset {
  partition: number
  offset: string
}

export interface TopicOffsets {
  topic: string
  partitions: PartitionOffset[]
}

export interface Offsets {
  topics: TopicOffsets[]
}

export type OffsetsByTopicPartition = Offsets

export interface TopicPartitionOffset {
  topic: string
  partition: number
  offset: string
}

export interface TopicPartitionOffsetAndMetadata extends TopicPartitionOffset {
  metadata?: string | null
}

type TopicOf<M> = keyof M & string

/** Consecutive messages of one partition. */
export type Batch<M extends MessagesByTopic = PlainMessages> = { [T in TopicOf<M>]: BatchOf<T, M[T]> }[TopicOf<M>]

interface BatchOf<T, M> {
  topic: T
  partition: number
  highWatermark: string
  messages: M[]
  isEmpty(): boolean
  firstOffset(): string | null
  lastOffset(): string
  /** How many records follow this batch's last one. */
  offsetLag(): string
  /** How many records follow this batch's first one. */
  offsetLagLow(): string
}

/** What `eachMessage` is given. */
export type EachMessagePayload<M extends MessagesByTopic = PlainMessages> = { [T in TopicOf<M>]: EachMessageOf<T, M[T]> }[TopicOf<M>]

interface EachMessageOf<T, M> {
  topic: T
  partition: number
  message: M
  heartbeat: () => Promise<void>
  /** Stops the reading of this partition; what it returns resumes it. */
  pause: () => () => void
  /** Aborted when nobody waits for this handler any more: its partition went to another member, or `stop` gave up waiting. */
  signal: AbortSignal
}

/** What `eachBatch` is given. */
export interface EachBatchPayload<M extends MessagesByTopic = PlainMessages> {
  batch: Batch<M>
  resolveOffset: (offset: string) => void
  heartbeat: () => Promise<void>
  pause: () => () => void
  commitOffsetsIfNecessary: (offsets?: Offsets) => Promise<void>
  uncommittedOffsets: () => OffsetsByTopicPartition
  isRunning: () => boolean
  /** Whether the rest of the batch is no longer wanted: after a seek, or when the partition is being given up. */
  isStale: () => boolean
  /** As in EachMessagePayload. */
  signal: AbortSignal
}

export type ConsumerEachMessagePayload = EachMessagePayload
export type ConsumerEachBatchPayload = EachBatchPayload
export type EachBatchHandler<M extends MessagesByTopic = PlainMessages> = (payload: EachBatchPayload<M>) => Promise<void>
export type EachMessageHandler<M extends MessagesByTopic = PlainMessages> = (payload: EachMessagePayload<M>) => Promise<void>

/** How `run` works. */
export interface ConsumerRunConfig<M extends MessagesByTopic = PlainMessages> extends RedeliveryConfig {
  /** Whether what was resolved is committed without being asked: true. That is after each batch, but at most ten times a second, and at the end. */
  autoCommit?: boolean
  /** Commits while a batch is being handled: when so many ms have passed since the last commit. */
  autoCommitInterval?: number | null
  /** Commits while a batch is being handled: when so many offsets have been resolved since the last commit. */
  autoCommitThreshold?: number | null
  /** Whether a batch is resolved as a whole when eachBatch returns: true. */
  eachBatchAutoResolve?: boolean
  /** Partitions that are handled at the same time: 1. */
  partitionsConsumedConcurrently?: number
  /** Messages that eachMessage handles at the same time: 1. More need `order`. */
  concurrency?: number
  /** What stays in order with `concurrency`: the messages of a `key` (those without a key are in no order), of a `partition` (default), or `none`. */
  order?: 'key' | 'partition' | 'none'
  eachBatch?: EachBatchHandler<M>
  eachMessage?: EachMessageHandler<M>
}

export interface ConsumerSubscribeTopic {
  topic: string | RegExp
  fromBeginning?: boolean
}

export interface ConsumerSubscribeTopics {
  topics: (string | RegExp)[]
  fromBeginning?: boolean
}

/** A partition to be read without a group, and where to begin: an offset, or else as `offsetReset` says. */
export interface ManualAssignment extends TopicPartition {
  readonly offset?: string
}

/** How far a consumer is behind in a partition. */
export interface PartitionLag extends TopicPartition {
  /** Records between the next one to be handled and the end of the partition. */
  readonly records: number
  /** Age in s of the next record to be handled, 0 when there is none, null when it has no time or cannot be read. */
  readonly seconds: number | null
}

/** How `stream` works. */
export interface StreamOptions {
  readonly by?: 'batch' | 'message'
  readonly autoCommit?: boolean
  readonly autoCommitInterval?: number | null
  readonly autoCommitThreshold?: number | null
  /** Ends the stream as `break` does. */
  readonly signal?: AbortSignal
}

export interface MemberDescription {
  clientHost: string
  clientId: string
  memberId: string
  memberAssignment: Buffer
  memberMetadata: Buffer
}

export type ConsumerGroupState = 'Unknown' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead' | 'Empty'

export interface GroupDescription {
  /** 0: what went wrong is thrown. */
  errorCode?: number
  groupId: string
  members: MemberDescription[]
  protocol: string
  protocolType: string
  state: ConsumerGroupState
}

/** KafkaJS's consumer, and ours. */
export interface Consumer<M extends MessagesByTopic = PlainMessages> extends AsyncDisposable {
  connect(): Promise<void>
  disconnect(): Promise<void>
  subscribe(subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic): Promise<void>
  /**
   * Ends `run`: waits for running handlers (`stopTimeout`), commits what they finished, leaves the group. A handler that calls it, or `disconnect`, does
   * not await it: it would wait for itself, until `stopTimeout` is over.
   */
  stop(): Promise<void>
  run(config?: ConsumerRunConfig<M>): Promise<void>
  commitOffsets(topicPartitions: TopicPartitionOffsetAndMetadata[]): Promise<void>
  seek(topicPartitionOffset: TopicPartitionOffset): void
  describeGroup(): Promise<GroupDescription>
  pause(topics: { topic: string; partitions?: number[] }[]): void
  paused(): TopicPartitions[]
  resume(topics: { topic: string; partitions?: number[] }[]): void
  on<E extends keyof ConsumerEventListeners>(eventName: E, listener: ConsumerEventListeners[E]): () => void
  on(eventName: ConsumerEvents[keyof ConsumerEvents], listener: Listener<never>): () => void
  logger(): Logger
  readonly events: ConsumerEvents

  /** Reads these partitions, whoever else reads them; instead of `subscribe`, before `run` or `stream`. */
  assign(partitions: readonly ManualAssignment[]): void
  /** The partitions that are this consumer's now. */
  assignment(): TopicPartitions[]
  /** Messages in a loop: `for await (const message of consumer.stream({ by: 'message' }))`. What the loop came back for is resolved. */
  stream(options: StreamOptions & { readonly by: 'message' }): AsyncIterableIterator<EachMessagePayload<M>>
  stream(options?: StreamOptions & { readonly by?: 'batch' }): AsyncIterableIterator<EachBatchPayload<M>>
  /** The first offset at or after a time (ms) per partition; that of the end where there is none. */
  offsetsForTimestamps(partitions: readonly (TopicPartition & { readonly timestamp: number })[]): Promise<TopicPartitionOffset[]>
  /** How far this consumer is behind, for each of its partitions. */
  lag(): Promise<PartitionLag[]>
  /** What a transaction needs to commit offsets for this consumer: `transaction.sendOffsets({ consumer, topics })`. */
  groupMetadata(): { groupId: string; generationId: number; memberId: string; groupInstanceId: string | null }
}

export type { InstrumentationEvent }
