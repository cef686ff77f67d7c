// The circuit breaker of a consumer: counts dead letters within a window. Closed, it lets everything through; open, the consumer is paused; after the
// pause one more dead letter opens it again, and a message that was handled closes it.
import type { RedeliverySettings } from './policies.ts'

type BreakerSettings = NonNullable<RedeliverySettings['breaker']>

/** State of one consumer's breaker. Times are of one monotonic clock, in ms. */
export class Breaker {
  readonly settings: BreakerSettings
  /** Times of the last dead letters, the oldest first; never more than open the breaker. */
  #times: number[] = []
  #state: 'closed' | 'open' | 'trying' = 'closed'

  constructor(settings: BreakerSettings) {
    this.settings = settings
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Counts a dead letter; true when it opens the breaker. */
  deadLetter(nowMs: number): boolean {
    if (this.#state === 'open') return false
    const { deadLetters, windowMs } = this.settings
    this.#times = this.#times.filter(time => nowMs - time < windowMs)
    this.#times.push(nowMs)
    if (this.#state === 'closed' && this.#times.length < deadLetters) return false
    this.#state = 'open'
    this.#times = []
    return true
  }

  /** A message was handled. */
  handled(): void {
    if (this.#state === 'trying') this.#state = 'closed'
  }

  /** The pause is over. */
  tryAgain(): void {
    if (this.#state === 'open') this.#state = 'trying'
  }
}
