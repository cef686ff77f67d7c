// From `send` to batches: messages are serialized, checked, placed, and added to batches in the order of the calls. A producer has one pipeline for
// what is sent outside of transactions and one for what is sent within.
import { tracingChannel } from 'node:diagnostics_channel'
import { setMaxListeners } from 'node:events'
import { ErrorCode } from '@ottla/protocol'
import type { Cluster, TopicFacts } from '../cluster/cluster.ts'
import { KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } from '../errors/index.ts'
import { asError } from '../network/as-error.ts'
import { delay, isRetriable } from '../retry.ts'
import { Accumulator } from './accumulator.ts'
import type { BatchKind } from './batch.ts'
import type { BufferMemory } from './buffer-memory.ts'
import { Delivery, withResolvers } from './delivery.ts'
import type { Gate } from './gate.ts'
import { checkShape, KafkaJSUnknownPartitionError, type Placed, placed } from './messages.ts'
import { type Partitioning, partitioningOf } from './partitioners.ts'
import { SendLanes } from './send-lanes.ts'
import { Sender } from './sender.ts'
import { serialized, serializersOf } from './serializers.ts'
import type { ProducerSettings } from './settings.ts'
import type { Message, RecordMetadata, TopicMessages } from './types.ts'

/** Sends as OpenTelemetry and others see them; at the start they may add headers to the messages. */
const sends = tracingChannel('ottla:client:send')

/** What a pipeline is made of. */
export interface PipelineParts {
  readonly cluster: Cluster
  readonly settings: ProducerSettings
  readonly memory: BufferMemory
  readonly gate: Gate
}

/** A topic that nobody made is waited for this long: creation takes a moment. */
const MISSING_TOPIC_MS = 2_500
const MISSING_TOPIC_STEP_MS = 100

/** See the top of the file. */
export class Pipeline {
  readonly #cluster: Cluster
  readonly #settings: ProducerSettings
  readonly #memory: BufferMemory
  readonly #accumulator: Accumulator
  readonly #sender: Sender
  readonly #lanes = new SendLanes()
  readonly #partitioning: Partitioning

  constructor({ cluster, settings, memory, gate }: PipelineParts) {
    this.#cluster = cluster
    this.#settings = settings
    this.#memory = memory
    this.#partitioning = partitioningOf(settings.createPartitioner)
    this.#accumulator = new Accumulator(cluster, { ...settings, keptBytes: settings.bufferMemory / 2 })
    this.#sender = new Sender({ cluster, accumulator: this.#accumulator, memory, gate, settings })
  }

  /** Sends messages; resolves when their batches are done. */
  send(topicMessages: readonly TopicMessages<unknown, unknown>[], kind: BatchKind, signal?: AbortSignal): Promise<RecordMetadata[]> {
    if (!sends.hasSubscribers) return this.#send(topicMessages, kind, signal)
    const { clientId } = this.#cluster
    return sends.tracePromise(() => this.#send(topicMessages, kind, signal), { clientId, topicMessages, ...kind })
  }

  async #send(given: readonly TopicMessages<unknown, unknown>[], kind: BatchKind, signal?: AbortSignal): Promise<RecordMetadata[]> {
    signal?.throwIfAborted()
    const topics = merged(given)
    const names = topics.map(({ topic }) => topic)
    const delivery = new Delivery()
    const placedNow = this.#lanes.isFree(names) ? this.#placedNow(topics) : undefined
    if (placedNow !== undefined && this.#memory.tryTake(bytesOf(placedNow))) this.#append(placedNow, kind, delivery)
    else {
      const ready = placedNow === undefined ? () => this.#placedLater(topics, signal) : () => Promise.resolve(placedNow)
      const entered = this.#lanes.enter(names, async () => {
        signal?.throwIfAborted()
        const list = await ready()
        await this.#room(bytesOf(list), signal)
        this.#append(list, kind, delivery)
      })
      await (signal === undefined ? entered : abortable(entered, signal))
    }
    delivery.closed()
    return signal === undefined ? delivery.promise : abortable(delivery.promise, signal)
  }

  /** Resolves when everything sent before is done. */
  async flush(): Promise<void> {
    await this.#lanes.passed()
    await this.#sender.flush()
  }

  /** Nothing is sent any more. */
  stop(error: Error): void {
    this.#sender.stop(error)
  }

  /** Gives up what was not sent yet. */
  giveUp(error: Error): void {
    this.#sender.giveUp(error)
  }

  /** The messages with their places, if everything that it takes is there. */
  #placedNow(topics: readonly TopicMessages<unknown, unknown>[]): Placed[] | undefined {
    const { topics: known } = this.#cluster.image
    const list: Placed[] = []
    for (const { topic, messages } of topics) {
      const facts = known.get(topic)
      if (facts === undefined || facts.partitions.length === 0) return undefined
      if (serializersOf(this.#settings.serializers, topic) !== undefined) return undefined
      try {
        list.push(this.#placed(facts, messages))
      } catch (error) {
        if (error instanceof KafkaJSUnknownPartitionError) return undefined
        throw error
      }
    }
    return list
  }

  async #placedLater(topics: readonly TopicMessages<unknown, unknown>[], signal: AbortSignal | undefined): Promise<Placed[]> {
    const ready = await Promise.all(topics.map(({ topic, messages }) => this.#serialized(topic, messages)))
    const facts = await this.#facts(
      topics.map(({ topic }) => topic),
      signal,
    )
    try {
      return this.#all(topics, ready, facts)
    } catch (error) {
      if (!(error instanceof KafkaJSUnknownPartitionError)) throw error
      // Partitions may have been added since.
      await this.#cluster.refresh()
      return this.#all(topics, ready, this.#cluster.image.topics)
    }
  }

  async #room(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#memory.tryTake(bytes)) return
    this.#sender.wake()
    await this.#memory.take(bytes, signal)
    if (signal?.aborted !== true) return
    this.#memory.give(bytes)
    throw asError(signal.reason)
  }

  #all(
    topics: readonly TopicMessages<unknown, unknown>[],
    ready: readonly (readonly Message<unknown, unknown>[])[],
    facts: ReadonlyMap<string, TopicFacts>,
  ): Placed[] {
    return topics.flatMap(({ topic }, index) => {
      const known = facts.get(topic)
      return known === undefined ? [] : [this.#placed(known, ready[index] ?? [])]
    })
  }

  async #serialized(topic: string, messages: readonly Message<unknown, unknown>[]): Promise<readonly Message<unknown, unknown>[]> {
    const serializers = serializersOf(this.#settings.serializers, topic)
    if (serializers === undefined) return messages
    const result = await serialized(topic, messages, serializers)
    checkShape([{ topic, messages: [...result] }])
    return result
  }

  #placed(facts: TopicFacts, messages: readonly Message<unknown, unknown>[]): Placed {
    const nowMs = this.#cluster.clock.now()
    return placed(facts, messages, { partitioning: this.#partitioning, maxRequestSize: this.#settings.maxRequestSize, nowMs })
  }

  #append(list: readonly Placed[], kind: BatchKind, delivery: Delivery): void {
    let grown = 0
    for (const one of list) if (one.records.length > 0) grown += this.#accumulator.append(one, kind, delivery)
    this.#memory.adjust(grown - bytesOf(list))
    this.#sender.wake()
  }

  /** Facts of topics, waited for while they are being made. */
  async #facts(names: readonly string[], signal: AbortSignal | undefined): Promise<ReadonlyMap<string, TopicFacts>> {
    const { clock, retry } = this.#cluster
    const startMs = clock.monotonic()
    let retryTime = Math.min(retry.initialRetryTime, MISSING_TOPIC_STEP_MS)
    for (let retryCount = 0; ; retryCount++) {
      try {
        return await this.#cluster.topics(names, signal === undefined ? {} : { signal })
      } catch (error) {
        signal?.throwIfAborted()
        if (!(error instanceof Error) || !isRetriable(error)) throw error
        const waitedMs = clock.monotonic() - startMs
        const isMissing = error instanceof KafkaJSProtocolError && error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        if (isMissing && waitedMs + retryTime > MISSING_TOPIC_MS) throw error
        if (waitedMs + retryTime > this.#settings.maxBlockMs || retryCount >= Math.max(retry.retries, 20)) {
          throw new KafkaJSNumberOfRetriesExceeded(error, { retryCount, retryTime })
        }
      }
      await delay(clock, retryTime, signal)
      retryTime = Math.min(retryTime * retry.multiplier, retry.maxRetryTime, 1_000)
    }
  }
}

/** What they may have in batches, at most. */
function bytesOf(list: readonly Placed[]): number {
  let bytes = 0
  for (const { mostBytes } of list) bytes += mostBytes
  return bytes
}

/** Messages of one topic together (KafkaJS consolidates them), without a change to what was given. */
function merged(given: readonly TopicMessages<unknown, unknown>[]): readonly TopicMessages<unknown, unknown>[] {
  if (given.length < 2) return given
  const byTopic = new Map<string, TopicMessages<unknown, unknown>>()
  for (const { topic, messages } of given) {
    const known = byTopic.get(topic)
    byTopic.set(topic, { topic, messages: known === undefined ? messages : [...known.messages, ...messages] })
  }
  return [...byTopic.values()]
}

/** Ends the wait with the signal's reason. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: end, reject } = withResolvers<never>()
  const aborted = (): void => reject(asError(signal.reason))
  // One signal may end any number of sends.
  setMaxListeners(0, signal)
  signal.addEventListener('abort', aborted, { once: true })
  try {
    return await Promise.race([promise, end])
  } finally {
    signal.removeEventListener('abort', aborted)
    end.catch(() => {})
    promise.catch(() => {})
  }
}
