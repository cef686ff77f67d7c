// Turns of the event loop that partitions share while they are loaded: fifty of them together hold the loop little longer than one does. Unlike
// the broker's `Slices` it lets all who wait go on in each turn, in steps of their own size.

import type { Clock } from '@ottla/protocol'

/** All of the work of a turn takes about this long. */
const TURN_MS = 5

/** See the top of the file. */
export class Turns {
  readonly #clock: Clock
  readonly #later: (run: () => void) => void
  #waiting: (() => void)[] = []
  #endsAtMs = 0

  /** `later` calls what it is given in a later turn of the event loop. */
  constructor(clock: Clock, later: (run: () => void) => void) {
    this.#clock = clock
    this.#later = later
  }

  /** Whether the time of this turn is used up: who works must pause soon. */
  get isOver(): boolean {
    return this.#clock.monotonic() >= this.#endsAtMs
  }

  /** Resolves in the next turn. */
  pause(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === 1) this.#later(() => this.#begin())
    })
  }

  #begin(): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#endsAtMs = this.#clock.monotonic() + TURN_MS
    // Whoever is first has the most of the turn, and is the first to pause again.
    const [first, ...others] = waiting
    for (const resolve of others) resolve()
    first?.()
  }
}
