// What is told about redelivery: events of the consumer, and the same with running counts on channels of node:diagnostics_channel
// (`ottla:client:retry`, `ottla:client:recovered`, `ottla:client:dead_letter`, `ottla:client:circuit`).
import { channel } from 'node:diagnostics_channel'
import type { EventEmitter } from '../events/emitter.ts'

/** Which message. */
interface MessageFacts {
  groupId: string
  /** Where it was first read. */
  topic: string
  partition: number
  offset: string
  /** Tries until now. */
  attempts: number
}

/** Payloads by the name of the event. */
export interface RedeliveryEventPayloads {
  /** A message is tried again: in place, or out of a retry topic. */
  'consumer.retry': MessageFacts & { error: Error; delay: number; retryTopic: string | null }
  /** A message that had failed was handled. */
  'consumer.recovered': MessageFacts
  /** A message was written to the dead letters. */
  'consumer.dead_letter': MessageFacts & {
    error: Error
    deadLetterTopic: string
    deadLetterPartition: number
    deadLetterOffset: string
  }
  /** Too many dead letters: the consumer is paused. */
  'consumer.circuit_open': { groupId: string; deadLetters: number; window: number; pause: number | null }
  /** The consumer goes on. */
  'consumer.circuit_close': { groupId: string }
}

/** How often what happened since the consumer was made. */
export interface RedeliveryCounts {
  retriesInPlace: number
  retriesLater: number
  recovered: number
  deadLetters: number
  circuitOpened: number
}

const channels = {
  'consumer.retry': channel('ottla:client:retry'),
  'consumer.recovered': channel('ottla:client:recovered'),
  'consumer.dead_letter': channel('ottla:client:dead_letter'),
  'consumer.circuit_open': channel('ottla:client:circuit'),
  'consumer.circuit_close': channel('ottla:client:circuit'),
}

/** Tells what happens, and counts it. */
export class RedeliveryEvents {
  readonly counts: RedeliveryCounts = { retriesInPlace: 0, retriesLater: 0, recovered: 0, deadLetters: 0, circuitOpened: 0 }
  readonly #events: EventEmitter

  constructor(events: EventEmitter) {
    this.#events = events
  }

  tell<E extends keyof RedeliveryEventPayloads>(type: E, payload: RedeliveryEventPayloads[E]): void {
    const { counts } = this
    if (type === 'consumer.recovered') counts.recovered++
    else if (type === 'consumer.dead_letter') counts.deadLetters++
    else if (type === 'consumer.circuit_open') counts.circuitOpened++
    this.#events.emit(type, payload)
    if (channels[type].hasSubscribers) channels[type].publish({ type, ...payload, counts: { ...counts } })
  }

  retry(payload: RedeliveryEventPayloads['consumer.retry']): void {
    if (payload.retryTopic === null) this.counts.retriesInPlace++
    else this.counts.retriesLater++
    this.tell('consumer.retry', payload)
  }
}
