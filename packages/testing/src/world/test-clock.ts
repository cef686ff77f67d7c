// The clock of a broker under test, and of clients that are given it. 'hybrid': real time that can be advanced besides. 'virtual': time
// stands still but for `advance`, and for waits of a few milliseconds, over which it moves on by itself. All timers are in one heap, so that
// those that an advance makes due run in their order, each at its time.
import type { Clock, Timer } from '@ottla/protocol'
import { nextTurn, realAfter, realNow, realWallClock } from './real-time.ts'
import { TimerHeap, type PlannedTimer } from './timer-heap.ts'

/** 'hybrid': real time that can be advanced. 'virtual': time that passes by `advance` alone, but for waits up to 20 ms. */
export type ClockMode = 'hybrid' | 'virtual'

/** How an advance goes. */
export interface AdvanceOptions {
  /**
   * What falls due within so many milliseconds is run together, without letting its consequences happen in between. By default 0 up to an
   * hour, and beyond that the time by 20,000: a week that takes a second.
   */
  readonly stepMs?: number
}

/** What `advance` has to wait for between two timers: resolves when nothing goes on any more. */
export type Settle = () => Promise<void>

/** Wall-clock time at which a virtual clock begins: 2023-11-14T22:13:20Z. */
export const VIRTUAL_START_MS = 1_700_000_000_000

/** A virtual clock moves on by itself over waits up to this. */
const SHORT_MS = 20
const EXACT_UP_TO_MS = 3_600_000
const STEPS_BEYOND = 20_000
/** The longest delay that setTimeout knows. */
const MAX_DELAY_MS = 0x7fff_ffff

/** See the top of the file. */
export class TestClock implements Clock {
  #mode: ClockMode
  readonly #timers = new TimerHeap()
  readonly #settle: Settle
  readonly #wallMs: number
  /** How far time was advanced; of a virtual clock that is all the time there was. */
  #advancedMs = 0
  #startMs = realNow()
  #alarm: (() => void) | undefined
  #alarmAt = Number.POSITIVE_INFINITY
  #advancing: Promise<void> = Promise.resolve()
  #held = 0

  constructor(mode: ClockMode, settle: Settle = nextTurn) {
    this.#mode = mode
    this.#settle = settle
    this.#wallMs = mode === 'virtual' ? VIRTUAL_START_MS : realWallClock()
  }

  /** Milliseconds by which time was advanced. */
  get advancedMs(): number {
    return this.#advancedMs
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  /** As Clock. */
  now(): number {
    return this.#wallMs + Math.floor(this.monotonic())
  }

  /** As Clock. */
  monotonic(): number {
    return this.#mode === 'virtual' ? this.#advancedMs : realNow() - this.#startMs + this.#advancedMs
  }

  /** As Clock. */
  after(delayMs: number, run: () => void): Timer {
    const timer = this.#timers.add(this.monotonic() + Math.max(0, delayMs), run)
    this.#wind()
    const letGo = this.#mode === 'virtual' && delayMs <= SHORT_MS ? this.#passSoon(timer) : undefined
    return {
      cancel: () => {
        letGo?.()
        this.#timers.remove(timer)
        if (this.#timers.size === 0) this.#unwind()
      },
    }
  }

  /**
   * Lets time pass: what falls due runs in order, each at its time, and what it leads to happens before the next. Resolves when all of that
   * is over. Advances that are asked for meanwhile follow.
   */
  advance(ms: number, options: AdvanceOptions = {}): Promise<void> {
    const done = this.#advancing.then(() => this.#advance(ms, options.stepMs ?? (ms <= EXACT_UP_TO_MS ? 0 : ms / STEPS_BEYOND)))
    this.#advancing = done.catch(() => undefined)
    return done
  }

  /**
   * Nobody advances it any more: from now on time goes by as in the real world, so that clients that outlive their broker, and wait for
   * something, get to their end.
   */
  close(): void {
    if (this.#mode === 'hybrid') return
    this.#mode = 'hybrid'
    this.#startMs = realNow()
    this.#wind()
  }

  /** Nobody should have to advance time for a short wait, such as the tick of a wheel of timers. */
  #passSoon(timer: PlannedTimer): () => void {
    return realAfter(Math.max(1, timer.at - this.monotonic()), () => {
      if (timer.place < 0) return
      this.#advancing = this.#advancing.then(() => this.#advance(Math.max(0, timer.at - this.monotonic()), 0)).catch(() => undefined)
    })
  }

  async #advance(ms: number, stepMs: number): Promise<void> {
    const end = this.monotonic() + ms
    this.#held++
    this.#unwind()
    try {
      await this.#settle()
      for (let next = this.#timers.first; next !== undefined && next.at <= end; next = this.#timers.first) {
        this.#reach(Math.min(end, Math.max(next.at, this.monotonic() + stepMs)))
        this.#runDue()
        await this.#settle()
      }
      this.#reach(end)
    } finally {
      this.#held--
      this.#wind()
    }
  }

  #reach(at: number): void {
    const missing = at - this.monotonic()
    if (missing > 0) this.#advancedMs += missing
  }

  /** Runs what is due now, once: a timer that was planned meanwhile has its turn later. */
  #runDue(): void {
    const now = this.monotonic()
    const { newest } = this.#timers
    for (let next = this.#timers.first; next !== undefined && next.at <= now && next.id <= newest; next = this.#timers.first)
      this.#run(next)
  }

  #run(timer: PlannedTimer): void {
    this.#timers.remove(timer)
    timer.run()
  }

  /** Plans the next run of what is due by real time, unless an advance does it. */
  #wind(): void {
    const first = this.#timers.first
    if (this.#mode === 'virtual' || this.#held > 0 || first === undefined || first.at >= this.#alarmAt) return
    this.#unwind()
    this.#alarmAt = first.at
    this.#alarm = realAfter(Math.min(Math.max(0, Math.ceil(first.at - this.monotonic())), MAX_DELAY_MS), () => this.#rang())
  }

  #rang(): void {
    this.#unwind()
    try {
      this.#runDue()
    } finally {
      this.#wind()
    }
  }

  #unwind(): void {
    this.#alarm?.()
    this.#alarm = undefined
    this.#alarmAt = Number.POSITIVE_INFINITY
  }
}
