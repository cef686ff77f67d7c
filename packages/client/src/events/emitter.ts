// Instrumentation events of KafkaJS: who listens to what. A listener that throws is logged, and harms nobody.
import type { Clock } from '@ottla/protocol'
import type { Logger } from '../logger.ts'

/** What listeners are given (KafkaJS's InstrumentationEvent). */
export interface InstrumentationEvent<T> {
  /** Counts up, over all emitters of the process. */
  readonly id: number
  readonly type: string
  /** Wall-clock time in ms. */
  readonly timestamp: number
  readonly payload: T
}

/** A listener of events; what an asynchronous one rejects with is logged. */
export type Listener<T = unknown> = (event: InstrumentationEvent<T>) => void | Promise<void>

/** A listener among others: each knows by itself what payloads its type of event has. */
interface Receiver {
  receive(event: InstrumentationEvent<unknown>): void | Promise<void>
}

let nextId = 0

/** Tells events to listeners. Where nobody listens, an event costs one look-up: build payloads only when `has` says so. */
export class EventEmitter {
  readonly #listeners = new Map<string, Set<Receiver>>()
  readonly #clock: Clock
  readonly #logger: Logger

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Whether anybody listens to this type. */
  has(type: string): boolean {
    return this.#listeners.has(type)
  }

  /** Adds a listener; returns what removes it. */
  on<T>(type: string, listener: Listener<T>): () => void {
    const listeners = this.#listeners.get(type) ?? new Set()
    const receiver: Receiver = { receive: listener }
    this.#listeners.set(type, listeners)
    listeners.add(receiver)
    return () => {
      listeners.delete(receiver)
      if (listeners.size === 0) this.#listeners.delete(type)
    }
  }

  /** Tells all listeners of this type, in the order in which they came. */
  emit(type: string, payload: unknown): void {
    const listeners = this.#listeners.get(type)
    if (listeners === undefined) return
    const event = { id: nextId++, type, timestamp: this.#clock.now(), payload }
    for (const listener of listeners) {
      try {
        const outcome = listener.receive(event)
        if (outcome instanceof Promise) outcome.catch(error => this.#failed(type, error))
      } catch (error) {
        this.#failed(type, error)
      }
    }
  }

  #failed(type: string, error: unknown): void {
    this.#logger.error('Failed to execute listener', { eventName: type, error: error instanceof Error ? error.message : String(error) })
  }
}
