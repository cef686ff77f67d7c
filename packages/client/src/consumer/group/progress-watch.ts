// Whether handlers make progress (Kafka's max.poll.interval.ms): a member that lives but does nothing keeps its partitions from others.
import type { Clock, Timer } from '@ottla/protocol'
import { WakeUp } from './wake-up.ts'

/** Watches from `start` to `stop`; does nothing with an interval of 0. */
export class ProgressWatch {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #stuck: () => void
  readonly #progress = new WakeUp()
  #timer: Timer | undefined
  #lastAt = 0

  /** `stuck` is called when no sign came for the interval; the watch begins anew with the next sign. */
  constructor(clock: Clock, intervalMs: number, stuck: () => void) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#stuck = stuck
  }

  start(): void {
    this.#lastAt = this.#clock.monotonic()
    if (this.#intervalMs > 0 && this.#timer === undefined) this.#schedule(this.#intervalMs)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** A sign. */
  progressed(): void {
    this.#lastAt = this.#clock.monotonic()
    this.#progress.call()
  }

  /** Waits for the next sign; rejects with the signal's reason. */
  next(signal: AbortSignal): Promise<void> {
    return this.#progress.wait(signal)
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      const leftMs = this.#lastAt + this.#intervalMs - this.#clock.monotonic()
      if (leftMs > 0) return this.#schedule(leftMs)
      this.#timer = undefined
      this.#progress.clear()
      this.#stuck()
    })
  }
}
