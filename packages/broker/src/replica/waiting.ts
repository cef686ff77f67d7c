// Waiting until something has happened, a deadline has passed or nobody is interested any more. There is one timer for all that
// wait, and everybody who waits is settled exactly once.
import type { Clock, Timer } from '@ottla/protocol'

/** Deadlines are kept to this many milliseconds; they are met late, never early. */
const TICK_MS = 5
const MAX_DELAY_MS = 2 ** 30
/** So many deadlines that nobody has any more are always kept: they go when they pass. */
const KEPT_EMPTY = 64

interface Bucket {
  readonly tick: number
  first: Waiter | null
}

/** Somebody who waits. The fields are for `Deadlines` alone. */
export abstract class Waiter {
  bucket: Bucket | null = null
  previous: Waiter | null = null
  next: Waiter | null = null

  /** The deadline has passed; called at most once, and never after `Deadlines.remove`. */
  abstract expire(): void
}

/** Those who wait, by deadline: adding and removing costs the same however many there are. */
export class Deadlines {
  readonly #clock: Clock
  readonly #buckets = new Map<number, Bucket>()
  /** The ticks of `#buckets`, ascending from `#head` on. */
  #ticks: number[] = []
  #head = 0
  #timer: Timer | null = null
  #timerTick = 0
  #size = 0
  /** Buckets that nobody is in. */
  #empty = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many wait. */
  get size(): number {
    return this.#size
  }

  /** Calls `waiter.expire` after `delayMs`, unless it is removed before. */
  add(waiter: Waiter, delayMs: number): void {
    const delay = Math.min(Math.max(delayMs, 0), MAX_DELAY_MS)
    const tick = Math.ceil((this.#clock.monotonic() + delay) / TICK_MS)
    const bucket = this.#buckets.get(tick) ?? this.#makeBucket(tick)
    waiter.bucket = bucket
    waiter.previous = null
    waiter.next = bucket.first
    if (bucket.first === null) this.#empty--
    else bucket.first.previous = waiter
    bucket.first = waiter
    this.#size++
    if (this.#timer === null || tick < this.#timerTick) this.#plan(tick)
  }

  /** Waits no longer; nothing happens if it does not wait. */
  remove(waiter: Waiter): void {
    const { bucket, next, previous } = waiter
    if (bucket === null) return
    if (previous === null) bucket.first = next
    else previous.next = next
    if (next !== null) next.previous = previous
    waiter.bucket = null
    waiter.previous = null
    waiter.next = null
    this.#size--
    if (bucket.first !== null) return
    this.#empty++
    if (this.#empty > KEPT_EMPTY && this.#empty * 2 > this.#buckets.size && this.#head === 0) this.#dropEmpty()
  }

  /** How many deadlines are remembered, those that nobody has any more included. */
  get remembered(): number {
    return this.#buckets.size
  }

  /** Lets go of the timer; nobody expires any more. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #makeBucket(tick: number): Bucket {
    const bucket: Bucket = { tick, first: null }
    this.#buckets.set(tick, bucket)
    this.#empty++
    let low = this.#head
    let high = this.#ticks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ticks[middle] ?? 0) < tick) low = middle + 1
      else high = middle
    }
    this.#ticks.splice(low, 0, tick)
    return bucket
  }

  /** Waits of days that end at once would leave their deadlines behind for days. */
  #dropEmpty(): void {
    this.#ticks = this.#ticks.filter(tick => this.#buckets.get(tick)?.first)
    for (const [tick, { first }] of this.#buckets) if (first === null) this.#buckets.delete(tick)
    this.#empty = 0
  }

  #plan(tick: number): void {
    this.#timer?.cancel()
    this.#timerTick = tick
    this.#timer = this.#clock.after(Math.max(0, tick * TICK_MS - this.#clock.monotonic()), () => this.#run())
  }

  /** Expires what is due; then sleeps until somebody's deadline, passing over those that nobody has any more. */
  #run(): void {
    this.#timer = null
    const now = Math.floor(this.#clock.monotonic() / TICK_MS)
    for (;;) {
      const tick = this.#ticks[this.#head]
      if (tick === undefined) break
      const bucket = this.#buckets.get(tick)
      if (tick > now && bucket?.first) break
      this.#head++
      this.#buckets.delete(tick)
      for (let waiter = bucket?.first; waiter; waiter = bucket?.first) {
        this.remove(waiter)
        waiter.expire()
      }
      this.#empty--
    }
    this.#ticks.splice(0, this.#head)
    this.#head = 0
    const [next] = this.#ticks
    if (next !== undefined && (this.#timer === null || next < this.#timerTick)) this.#plan(next)
  }
}

/** Somebody who waits for a log to be safe up to an offset. */
export interface OffsetWaiter {
  readonly requiredOffset: number
  /** Has been settled otherwise (by its deadline): it is dropped in passing. */
  readonly settled: boolean
  reached(): void
  failed(code: number, message: string | null): void
}

/** Those who wait for offsets of one log, released in the order of offsets. */
export class OffsetQueue {
  #waiting: OffsetWaiter[] = []
  #head = 0

  get size(): number {
    return this.#waiting.length - this.#head
  }

  /** Offsets of appends rise; only that of a batch which was sent twice may lie before others. */
  add(waiter: OffsetWaiter): void {
    this.#dropSettled()
    const waiting = this.#waiting
    let at = waiting.length
    while (at > this.#head && (waiting[at - 1]?.requiredOffset ?? 0) > waiter.requiredOffset) at--
    if (at === waiting.length) waiting.push(waiter)
    else waiting.splice(at, 0, waiter)
  }

  /** Tells those who wait for no more than `offset` that it is reached. */
  release(offset: number): void {
    for (;;) {
      const waiter = this.#waiting[this.#head]
      if (waiter === undefined || waiter.requiredOffset > offset) break
      this.#head++
      if (!waiter.settled) waiter.reached()
    }
    this.#tidy()
  }

  /** Fails those who wait for more than `offset`. */
  failBeyond(offset: number, code: number, message: string | null = null): void {
    const waiting = this.#waiting
    let first = this.#head
    while (first < waiting.length && (waiting[first]?.requiredOffset ?? 0) <= offset) first++
    const failed = waiting.splice(first)
    for (const waiter of failed) if (!waiter.settled) waiter.failed(code, message)
    this.#tidy()
  }

  #dropSettled(): void {
    while (this.#waiting[this.#head]?.settled) this.#head++
    this.#tidy()
  }

  #tidy(): void {
    if (this.#head === this.#waiting.length) {
      if (this.#head === 0) return
      this.#waiting.length = 0
      this.#head = 0
    } else if (this.#head >= 256 && this.#head * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
  }
}
