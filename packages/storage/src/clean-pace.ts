// Compaction beside everything else that a broker does: it gives the event loop back every few milliseconds, keeps to a rate of bytes,
// and ends soon after nobody wants it any more.

import type { Clock } from '@ottla/protocol'

/** The pass was given up: the log was closed, deleted, truncated or lost segments, or the broker stops. Nothing was changed by halves. */
export class CompactionAborted extends Error {}

/** Bytes read and written per second, over all passes together (`log.cleaner.io.max.bytes.per.second`). */
export class IoThrottle {
  readonly #clock: Clock
  /** When what was taken so far is paid for. */
  #paidMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes bytes; answers how many milliseconds to wait before the next ones. */
  take(bytes: number, bytesPerSecond: number): number {
    const now = this.#clock.monotonic()
    this.#paidMs = Math.max(this.#paidMs, now) + (bytes * 1000) / bytesPerSecond
    return this.#paidMs - now
  }
}

export interface CleanPaceOptions {
  readonly clock: Clock
  /** How long the loop is held at a time; default 2 ms. */
  readonly sliceMs?: number
  /** Lets everything else run that waits; default: one turn of the loop. */
  readonly pause?: () => Promise<void>
  readonly throttle?: IoThrottle
  /** Default: no limit. */
  readonly bytesPerSecond?: number
  /** Ends the pass, also while it waits. */
  readonly signal?: AbortSignal
}

/** What a pass asks between its steps; `CleanPace` on the event loop, and in a thread of its own one that never gives way. */
export interface PassPace {
  /** Whether the loop was held for long enough. */
  readonly isDue: boolean
  /** Gives the loop back for a moment. */
  pause(): Promise<void>
  /** Accounts for bytes that were read or written, and waits where there were too many. Rejects with CompactionAborted. */
  took(bytes: number): Promise<void>
  /** Does work that consists of `count` steps; `work` says whether to go on. */
  inSteps(count: number, work: (from: number, until: number) => boolean): boolean | Promise<boolean>
}

const SLICE_MS = 2
/** Of work that is done in steps: so many between two looks at the clock. */
const STEPS_AT_A_TIME = 64
/** Shorter waits are saved up. */
const SHORTEST_WAIT_MS = 20

const oneTurn = (): Promise<void> =>
  new Promise(resolve => {
    setImmediate(resolve)
  })

/** See the top of the file. */
export class CleanPace implements PassPace {
  /** Says whether the pass still makes sense. */
  isWanted: () => boolean = () => true
  readonly #options: CleanPaceOptions
  readonly #sliceMs: number
  #sliceEndsMs: number

  constructor(options: CleanPaceOptions) {
    this.#options = options
    this.#sliceMs = options.sliceMs ?? SLICE_MS
    this.#sliceEndsMs = options.clock.monotonic() + this.#sliceMs
  }

  /** Whether the loop was held for long enough. */
  get isDue(): boolean {
    return this.#options.clock.monotonic() >= this.#sliceEndsMs
  }

  /** Throws CompactionAborted when the pass is not wanted any more. To be called after everything that waited. */
  check(): void {
    if (this.#options.signal?.aborted === true) throw new CompactionAborted('the cleaner stops')
    if (!this.isWanted()) throw new CompactionAborted('the log was closed, cut or deleted meanwhile')
  }

  /** Gives the loop back for a moment. */
  async pause(): Promise<void> {
    await (this.#options.pause ?? oneTurn)()
    this.check()
    this.#sliceEndsMs = this.#options.clock.monotonic() + this.#sliceMs
  }

  /** Accounts for bytes that were read or written, and waits where there were too many. */
  async took(bytes: number): Promise<void> {
    const { bytesPerSecond = Number.POSITIVE_INFINITY, clock, throttle } = this.#options
    this.check()
    const waitMs = throttle === undefined ? 0 : throttle.take(bytes, bytesPerSecond)
    if (waitMs > SHORTEST_WAIT_MS) await this.#sleep(waitMs)
    // The reading may have waited for the device, off the loop.
    if (waitMs > SHORTEST_WAIT_MS || this.isDue) this.#sliceEndsMs = clock.monotonic() + this.#sliceMs
    this.check()
  }

  /**
   * Does work that consists of `count` steps, a few at a time, and gives the loop back in between. Little work is done at once, without a
   * promise: most batches are small.
   */
  inSteps(count: number, work: (from: number, until: number) => boolean): boolean | Promise<boolean> {
    return count <= STEPS_AT_A_TIME ? work(0, count) : this.#slowly(count, work)
  }

  async #slowly(count: number, work: (from: number, until: number) => boolean): Promise<boolean> {
    for (let from = 0; from < count; from += STEPS_AT_A_TIME) {
      if (!work(from, Math.min(count, from + STEPS_AT_A_TIME))) return false
      if (this.isDue) await this.pause()
    }
    return true
  }

  async #sleep(delayMs: number): Promise<void> {
    const { clock, signal } = this.#options
    await new Promise<void>(resolve => {
      const timer = clock.after(delayMs, () => {
        signal?.removeEventListener('abort', end)
        resolve()
      })
      const end = (): void => {
        timer.cancel()
        resolve()
      }
      signal?.addEventListener('abort', end, { once: true })
    })
  }
}
