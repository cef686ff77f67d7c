// The producer as programs see it: KafkaJS 2.2.4's names and shapes, and what is new beside them.
import type { CompressionTypes } from '../compression.ts'
import type { InstrumentationEvent } from '../events/emitter.ts'
import type { Logger } from '../logger.ts'
import type { RetryOptions } from '../retry.ts'
import type { ProducerEvents } from './events.ts'
import type { ICustomPartitioner } from './partitioners.ts'
import type { KeyOf, ProducerSerializers, ValueOf } from './serializers.ts'

/** What a key or a value is without a serializer: bytes, text that is written as UTF-8, or nothing. */
export type MessageContent = Uint8Array | string | null

/** Headers of a message: an array is several headers of one name. */
export interface IHeaders {
  [key: string]: Buffer | string | (Buffer | string)[] | undefined
}

/** A message to be sent. */
export interface Message<Key = MessageContent, Value = MessageContent> {
  key?: Key | null
  /** `null` is a tombstone. */
  value: Value | null
  /** Wins over every partitioner. */
  partition?: number
  headers?: IHeaders
  /** In ms since 1970, as text or as a number; the time of the call by default. */
  timestamp?: string | number
}

/** How messages are sent. */
export interface SendOptions {
  /** Who has to have the messages: all in-sync replicas (-1, the default), the leader (1), nobody (0). */
  acks?: number
  /** How long the broker waits for replicas, in ms; 30,000. */
  timeout?: number
  compression?: CompressionTypes
  /** Ends the call's wait; messages that are on their way already may be written all the same. */
  signal?: AbortSignal
}

/** Messages for one topic. */
export interface TopicMessages<Key = MessageContent, Value = MessageContent> {
  topic: string
  messages: Message<Key, Value>[]
}

/** What `send` takes. */
export interface ProducerRecord<Key = MessageContent, Value = MessageContent, Topic extends string = string> extends SendOptions {
  topic: Topic
  messages: Message<Key, Value>[]
}

/** What `sendBatch` takes. */
export interface ProducerBatch<Key = MessageContent, Value = MessageContent> extends SendOptions {
  topicMessages?: TopicMessages<Key, Value>[]
}

/** The same with the types of each topic's messages. */
export interface TypedBatch<S extends ProducerSerializers, Topics extends string[]> extends SendOptions {
  topicMessages?: [...{ [At in keyof Topics]: TypedTopicMessages<S, Topics[At]> }]
}

/** Messages for one topic, typed as its serializers are. */
export interface TypedTopicMessages<S extends ProducerSerializers, Topic extends string> {
  topic: Topic
  messages: Message<KeyOf<S, Topic>, ValueOf<S, Topic>>[]
}

/** Where the messages of one send went in one partition. */
export type RecordMetadata = {
  topicName: string
  partition: number
  errorCode: number
  offset?: string
  timestamp?: string
  /** Offset of the first of them. */
  baseOffset?: string
  logAppendTime?: string
  logStartOffset?: string
}

export interface PartitionOffset {
  partition: number
  offset: string
  metadata?: string | null
  leaderEpoch?: number
}

export interface TopicOffsets {
  topic: string
  partitions: PartitionOffset[]
}

export interface Offsets {
  topics: TopicOffsets[]
}

/** Who commits offsets within a transaction: `consumer.groupMetadata()` (KIP-447), which fences members that were thrown out. */
export interface ConsumerGroupMetadata {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

/** Settings of a producer. Those above the line are KafkaJS's. */
export interface ProducerConfig<S extends ProducerSerializers = ProducerSerializers> {
  createPartitioner?: ICustomPartitioner
  retry?: RetryOptions
  metadataMaxAge?: number
  allowAutoTopicCreation?: boolean
  /** On by default: then a send with other acks than -1 goes without it. Said to be `true`, such a send is refused. */
  idempotent?: boolean
  transactionalId?: string
  /** In ms, 60,000. */
  transactionTimeout?: number
  /** Requests under way per broker, 5; never more than that with idempotence. */
  maxInFlightRequests?: number

  /** How long messages wait for others to go with, in ms. 0: what is sent in one turn of the event loop goes together. */
  lingerMs?: number
  /** Bytes of a record batch before compression, 1 MiB. */
  batchSize?: number
  /** Bytes that unacknowledged messages may have, 64 MiB; sends wait when there are more. */
  bufferMemory?: number
  /** How long a send waits for memory and for metadata, in ms; 60,000. */
  maxBlockMs?: number
  /** How long after `send` messages are given up, in ms; 120,000. */
  deliveryTimeoutMs?: number
  /** Bytes of a request, and of a message with its headers, 100 MiB as brokers take them. */
  maxRequestSize?: number
  /** Level of gzip or zstd. */
  compressionLevel?: number
  serializers?: S
}

/** What sends messages: a producer, or a transaction. */
export interface Sender<S extends ProducerSerializers = ProducerSerializers> {
  /** Resolves when the messages are where `acks` wants them. */
  send<Topic extends string>(record: ProducerRecord<KeyOf<S, Topic>, ValueOf<S, Topic>, Topic>): Promise<RecordMetadata[]>
  /** The same for several topics. */
  sendBatch<Topics extends string[]>(batch: TypedBatch<S, Topics>): Promise<RecordMetadata[]>
}

/** Takes the listener away. */
export type RemoveListener = () => void

/** See the top of the file. */
export interface Producer<S extends ProducerSerializers = ProducerSerializers> extends Sender<S>, AsyncDisposable {
  connect(): Promise<void>
  /** Sends what was given to `send`, then closes the connections. */
  disconnect(): Promise<void>
  isIdempotent(): boolean
  readonly events: ProducerEvents
  on<T>(eventName: ProducerEvents[keyof ProducerEvents], listener: (event: InstrumentationEvent<T>) => void): RemoveListener
  /** Begins a transaction; needs a `transactionalId`. One at a time. */
  transaction(): Promise<Transaction<S>>
  /** Resolves when everything given to `send` before is sent or has failed; does not wait for `lingerMs`. */
  flush(options?: { signal?: AbortSignal }): Promise<void>
  logger(): Logger
}

/**
 * A transaction: what is sent through it becomes visible to read_committed readers as a whole, or never. `await using` aborts it at the end of the block
 * unless it was ended before.
 */
export interface Transaction<S extends ProducerSerializers = ProducerSerializers> extends Sender<S>, AsyncDisposable {
  /** Makes offsets of a group part of the transaction: of the consumer whose `groupMetadata()` is given, or by name as KafkaJS has it. */
  sendOffsets(
    offsets: Offsets &
      ({ consumerGroupId: string; groupMetadata?: undefined } | { groupMetadata: ConsumerGroupMetadata; consumerGroupId?: undefined }),
  ): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
  isActive(): boolean
}
