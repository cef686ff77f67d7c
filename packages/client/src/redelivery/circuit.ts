// Acts on the breaker: pauses the consumers, what they are assigned later included, and lets them go on.
import type { Clock, Timer } from '@ottla/protocol'
import type { Consumer } from '../consumer/types.ts'
import type { Logger } from '../logger.ts'
import type { Breaker } from './breaker.ts'
import type { RedeliveryEvents } from './events.ts'

/** What is paused. */
export type Pausable = Pick<Consumer, 'assignment' | 'paused' | 'pause' | 'resume'>

/** What a circuit needs. */
export interface CircuitWorld {
  readonly clock: Clock
  readonly logger: Logger
  readonly groupId: string
  readonly breaker: Breaker
  readonly events: RedeliveryEvents
  readonly consumers: readonly Pausable[]
}

/** New assignments are paused within this time, in ms, while the circuit is open. */
const lookMs = 500

/** The circuit of one run. */
export class Circuit {
  readonly #world: CircuitWorld
  readonly #consumers: Pausable[]
  /** What the circuit paused, so that the program's own pauses stay. */
  readonly #paused = new Map<Pausable, { topic: string; partitions: number[] }[]>()
  #timer: Timer | null = null
  #look: Timer | null = null
  #isEnded = false

  constructor(world: CircuitWorld) {
    this.#world = world
    this.#consumers = [...world.consumers]
  }

  /** Pauses this one too. */
  add(consumer: Pausable): void {
    this.#consumers.push(consumer)
  }

  /** Pauses everything and says so. */
  open(): void {
    if (this.#isEnded) return
    const { breaker, clock, events, groupId, logger } = this.#world
    const { deadLetters, windowMs, pauseMs } = breaker.settings
    logger.error('Too many dead letters: the consumer is paused', { groupId, deadLetters, window: windowMs, pause: pauseMs })
    events.tell('consumer.circuit_open', { groupId, deadLetters, window: windowMs, pause: pauseMs })
    this.#pauseAll()
    if (pauseMs !== null) this.#timer = clock.after(pauseMs, () => this.resumed())
  }

  /** Goes on: the pause is over, or the program says so. */
  resumed(): void {
    const { breaker, events, groupId, logger } = this.#world
    if (this.#isEnded || !breaker.isOpen) return
    breaker.tryAgain()
    this.#cancel()
    this.#resumeAll()
    logger.info('The consumer goes on after too many dead letters', { groupId })
    events.tell('consumer.circuit_close', { groupId })
  }

  /** Nothing is paused or resumed any more; a consumer that is stopped forgets its pauses itself. */
  end(): void {
    this.#isEnded = true
    this.#cancel()
  }

  #cancel(): void {
    this.#timer?.cancel()
    this.#look?.cancel()
  }

  /** A consumer that is just beginning anew after a crash keeps its pauses, and cannot be told yet. */
  #resumeAll(): void {
    for (const [consumer, selection] of this.#paused) {
      try {
        consumer.resume(selection)
        this.#paused.delete(consumer)
      } catch {
        // Again in a while.
      }
    }
    if (this.#paused.size > 0) this.#look = this.#world.clock.after(lookMs, () => this.#resumeAll())
  }

  #pauseAll(): void {
    for (const consumer of this.#consumers) {
      const paused = new Map(consumer.paused().map(({ topic, partitions }) => [topic, new Set(partitions)]))
      const selection = consumer
        .assignment()
        .map(({ topic, partitions }) => ({ topic, partitions: partitions.filter(partition => paused.get(topic)?.has(partition) !== true) }))
        .filter(({ partitions }) => partitions.length > 0)
      if (selection.length === 0) continue
      // Owned partitions mean that it runs, so that it can be paused.
      consumer.pause(selection)
      this.#paused.set(consumer, [...(this.#paused.get(consumer) ?? []), ...selection])
    }
    this.#look = this.#world.clock.after(lookMs, () => this.#pauseAll())
  }
}
