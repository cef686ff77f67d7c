// Reads the retry topics of a consumer, in a group of its own. A message that is not due yet pauses its partition until it is; all messages of a retry topic
// wait equally long, so what is behind it is due later anyway. Nothing else waits for it, and the member stays in its group.
import type { Clock, Timer } from '@ottla/protocol'
import { timestampTypeOf } from '../consumer/fetch/decode.ts'
import type { MessageContext } from '../consumer/run/handler.ts'
import type { KafkaMessage } from '../consumer/fetch/message.ts'
import type { Consumer, EachBatchPayload } from '../consumer/types.ts'
import type { Stage } from './handling.ts'
import { names, numberOf, originOf, ownHeaders } from './headers.ts'
import type { RetryPlace } from './redelivery-topics.ts'

/** What a retry consumer needs. */
export interface RetryConsumerWorld {
  readonly clock: Clock
  readonly consumer: Consumer
  /** The group whose messages they are. */
  readonly groupId: string
  /** Nothing waits longer, whatever its headers say. */
  readonly longestMs: number
  readonly partitionsConsumedConcurrently: number
  /** Whether nothing is to be handled for now: the circuit is open. */
  readonly isHeld: () => boolean
  readonly placeOf: (topic: string, message: KafkaMessage) => RetryPlace
  readonly handle: (stage: Stage, context: MessageContext) => Promise<void>
}

/** How long messages wait while the circuit is open before it is looked again, in ms. */
const heldMs = 500
const mostAttempts = 1_000_000

/** The reader of retry topics. */
export class RetryConsumer {
  readonly #world: RetryConsumerWorld
  readonly #waiting = new Map<string, { readonly timer: Timer; readonly resume: () => void }>()

  #isStopped = false

  constructor(world: RetryConsumerWorld) {
    this.#world = world
  }

  get consumer(): Consumer {
    return this.#world.consumer
  }

  async run(topics: (string | RegExp)[]): Promise<void> {
    const { consumer, partitionsConsumedConcurrently } = this.#world
    await consumer.subscribe({ topics, fromBeginning: true })
    if (this.#isStopped) return
    await consumer.run({ partitionsConsumedConcurrently, eachBatchAutoResolve: false, eachBatch: payload => this.#batch(payload) })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const { timer, resume } of this.#waiting.values()) {
      timer.cancel()
      resume()
    }
    this.#waiting.clear()
    await this.#world.consumer.stop()
  }

  async #batch(payload: EachBatchPayload): Promise<void> {
    const { batch, resolveOffset, isRunning, isStale } = payload
    for (const message of batch.messages) {
      if (!isRunning() || isStale()) return
      const waitMs = this.#world.isHeld() ? heldMs : this.#waitMs(message)
      if (waitMs > 0) return this.#wait(payload, waitMs)
      const stage = this.#stageOf(batch.topic, batch.partition, message)
      await this.#world.handle(stage, this.#context(payload, stage, message))
      resolveOffset(message.offset)
      await payload.commitOffsetsIfNecessary()
    }
  }

  #waitMs({ headers }: KafkaMessage): number {
    const dueMs = numberOf(headers, names.due) ?? 0
    return Math.min(dueMs - this.#world.clock.now(), this.#world.longestMs)
  }

  /** What is not resolved is read again when the partition goes on. */
  #wait({ batch, pause }: EachBatchPayload, waitMs: number): void {
    const place = `${batch.topic}/${batch.partition}`
    this.#waiting.get(place)?.timer.cancel()
    const resume = pause()
    const timer = this.#world.clock.after(waitMs, () => {
      this.#waiting.delete(place)
      resume()
    })
    this.#waiting.set(place, { timer, resume })
  }

  #context(payload: EachBatchPayload, { origin, headers, before }: Stage, message: KafkaMessage): MessageContext {
    const { heartbeat, pause, signal, commitOffsetsIfNecessary, uncommittedOffsets } = payload
    const { topic, partition, offset, timestamp } = origin
    const { key, value, attributes } = message
    return {
      topic,
      partition,
      message: { key, value, attributes, offset, timestamp, headers },
      heartbeat,
      pause,
      signal,
      groupId: this.#world.groupId,
      attempt: before,
      commit: () => commitOffsetsIfNecessary(uncommittedOffsets()),
    }
  }
  /** How far a message of a retry topic is. One that nobody moved there is taken as it is. */
  #stageOf(topic: string, partition: number, message: KafkaMessage): Stage {
    const { offset, timestamp, headers } = message
    const own = { topic, partition, offset, timestamp, timestampType: timestampTypeOf(message), group: this.#world.groupId }
    const origin = originOf(message) ?? own
    const before = Math.min(Math.max(0, numberOf(headers, names.attempts) ?? 0), mostAttempts)
    return { ...this.#world.placeOf(topic, message), before, origin, headers: ownHeaders(headers) }
  }
}
