// The time of one turn of the event loop, which all connections share: when it is used up, the next requests wait for the turns to come.
// Connections that wait get one request each, in the order in which they asked, and then ask again. So neither a thousand requests
// that arrive at once nor a connection with a thousand of its own hold up anybody else for long. It says when a request begins; one that has
// begun, and has much to do, pauses by itself (`replica/slices.ts`).
import type { Clock } from '@ottla/protocol'
import type { NetworkLimits } from './limits.ts'

/** See the top of the file. */
export class Turns {
  readonly #clock: Clock
  readonly #limits: Readonly<NetworkLimits>
  #beganAtMs = -1
  /** Whether waiting connections are having their one request each. */
  #isRationed = false
  #waiting: (() => void)[] = []

  constructor(clock: Clock, limits: Readonly<NetworkLimits>) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Whether another request may begin in this turn. */
  hasTime(): boolean {
    if (this.#isRationed) return false
    const now = this.#clock.monotonic()
    if (this.#beganAtMs >= 0) return now - this.#beganAtMs < this.#limits.turnMs
    this.#beganAtMs = now
    setImmediate(() => this.#next())
    return true
  }

  /** Runs `run` in a later turn, for one request: one that `hasTime` refused. */
  wait(run: () => void): void {
    this.#waiting.push(run)
  }

  #next(): void {
    this.#beganAtMs = -1
    if (this.#waiting.length === 0 || !this.hasTime()) return
    const waiting = this.#waiting
    let done = 0
    this.#isRationed = true
    // The first always gets its request through, however short the turn is. Whoever has more is behind all others by then.
    do waiting[done++]?.()
    while (done < waiting.length && this.#clock.monotonic() - this.#beganAtMs < this.#limits.turnMs)
    this.#isRationed = false
    this.#waiting = waiting.slice(done)
  }
}
