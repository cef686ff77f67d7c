// The time of one turn of the event loop, which all connections share: when it is used up, the next requests wait for the turns to come, in the
// order in which their connections asked. So a thousand requests that arrive at once hold up nobody else for long.
import type { Clock } from '@ottla/protocol'
import type { NetworkLimits } from './limits.ts'

/** See the top of the file. */
export class Turns {
  readonly #clock: Clock
  readonly #limits: Readonly<NetworkLimits>
  #beganAtMs = -1
  #waiting: (() => void)[] = []

  constructor(clock: Clock, limits: Readonly<NetworkLimits>) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Whether another request may begin in this turn. */
  hasTime(): boolean {
    const now = this.#clock.monotonic()
    if (this.#beganAtMs >= 0) return now - this.#beganAtMs < this.#limits.turnMs
    this.#beganAtMs = now
    setImmediate(() => this.#next())
    return true
  }

  /** Runs `run` in a later turn; one that `hasTime` refused. */
  wait(run: () => void): void {
    this.#waiting.push(run)
  }

  #next(): void {
    this.#beganAtMs = -1
    const waiting = this.#waiting
    this.#waiting = []
    let done = 0
    // The first always gets its request through, however short the turn is.
    while (done < waiting.length && this.hasTime()) waiting[done++]?.()
    if (done < waiting.length) this.#waiting = [...waiting.slice(done), ...this.#waiting]
  }
}
