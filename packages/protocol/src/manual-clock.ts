// Time that passes only when told to, for simulations and tests.
import type { Clock, Timer } from './world.ts'

/** As on a real machine nothing happens at the monotonic time 0. */
const FIRST_MS = 1000

/** See the top of the file. */
export class ManualClock implements Clock {
  #wallMs: number
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  #monotonicMs = FIRST_MS

  /** `wallMs`: what `now` begins with; `monotonic` begins with a second. */
  constructor(wallMs = 1_700_000_000_000) {
    this.#wallMs = wallMs
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  /** The monotonic time at which the next of them is due; null for none. */
  get nextAtMs(): number | null {
    return this.#nextUntil(Infinity)?.atMs ?? null
  }

  /** As Clock. */
  now(): number {
    return this.#wallMs + this.#monotonicMs - FIRST_MS
  }

  /** As Clock. */
  monotonic(): number {
    return this.#monotonicMs
  }

  /** As Clock. */
  after(delayMs: number, run: () => void): Timer {
    const timer = { atMs: this.#monotonicMs + delayMs, run }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Sets the wall clock forward, or back, and nothing else. */
  jump(byMs: number): void {
    this.#wallMs += byMs
  }

  /** Lets time pass; what falls due runs in order, each at its time. */
  advance(ms: number): void {
    const endMs = this.#monotonicMs + ms
    for (let next = this.#nextUntil(endMs); next !== undefined; next = this.#nextUntil(endMs)) {
      this.#timers.delete(next)
      this.#monotonicMs = Math.max(this.#monotonicMs, next.atMs)
      next.run()
    }
    this.#monotonicMs = Math.max(this.#monotonicMs, endMs)
  }

  #nextUntil(endMs: number): { readonly atMs: number; readonly run: () => void } | undefined {
    let first: { readonly atMs: number; readonly run: () => void } | undefined
    for (const timer of this.#timers) if (timer.atMs <= endMs && (first === undefined || timer.atMs < first.atMs)) first = timer
    return first
  }
}
