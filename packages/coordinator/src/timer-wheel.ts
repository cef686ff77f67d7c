// All timers of a coordinator on one hierarchical wheel (Varghese and Lauck; Kafka's SystemTimer is one too). Every slot of a level is as
// long as the whole level below it, and what lies in a slot is spread over the levels below once its time begins. The clock has one timer
// of us at most. Members set their session anew with each heartbeat: a later deadline is only noted, and looked at when the old one passes.

import type { Clock, Timer } from '@ottla/protocol'
import type { Decision } from './decision.ts'
import type { Timers } from './timers.ts'

/** Deadlines are met up to this much late, never early. */
const TICK_MS = 10
const SLOTS = 64
/** 64^7 ticks are more than a thousand years. */
const LEVELS = 7
const MAX_DELAY_MS = 2 ** 40
/** A clock's timer may not take more; a longer sleep is slept in parts. */
const MAX_SLEEP_MS = 2 ** 30
/** What expires at the same time may take this long before others have their turn. */
const SLICE_MS = 5

/** Timers of one slot, in the order in which they came. */
class Slot {
  /** -1 for what is due. */
  readonly level: number
  first: Entry | null = null
  last: Entry | null = null

  constructor(level: number) {
    this.level = level
  }
}

/** One timer. */
class Entry {
  readonly owner: WheelTimers
  readonly key: string
  expired: () => Decision<void>
  /** Tick of the deadline. */
  tick: number
  /** Tick of the deadline by which the slot was chosen; never above `tick`. */
  placedTick: number
  slot: Slot | null = null
  previous: Entry | null = null
  next: Entry | null = null

  constructor(owner: WheelTimers, key: string, timer: { readonly tick: number; readonly expired: () => Decision<void> }) {
    this.owner = owner
    this.key = key
    this.expired = timer.expired
    this.tick = timer.tick
    this.placedTick = timer.tick
  }
}

/** Takes what has expired; should not throw. */
export type Fire = (key: string, expired: () => Decision<void>) => void

/** See the top of the file. */
export class TimerWheel {
  readonly #clock: Clock
  readonly #levels = Array.from({ length: LEVELS }, (_, level) => Array.from({ length: SLOTS }, () => new Slot(level)))
  /** How many lie in the slots of each level. */
  readonly #counts = Array.from({ length: LEVELS }, () => 0)
  readonly #due = new Slot(-1)
  /** Tick up to which slots were emptied. */
  #tick: number
  #size = 0
  #timer: Timer | null = null
  #timerTick = 0
  #running = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#tick = this.#currentTick()
  }

  /** How many timers there are. */
  get size(): number {
    return this.#size
  }

  /** Timers of one state machine. */
  timers(fire: Fire): WheelTimers {
    return new WheelTimers(this, fire)
  }

  /** For `WheelTimers`: the tick at which a delay from now is over. */
  tickAfter(delayMs: number): number {
    return Math.ceil((this.#clock.monotonic() + Math.min(Math.max(delayMs, 0), MAX_DELAY_MS)) / TICK_MS)
  }

  /** For `WheelTimers`. */
  add(entry: Entry): void {
    if (this.#size === 0) this.#tick = Math.max(this.#tick, this.#currentTick())
    this.#size++
    this.#place(entry)
  }

  /** For `WheelTimers`. */
  move(entry: Entry, tick: number): void {
    entry.tick = tick
    if (tick >= entry.placedTick) return
    this.#unlink(entry)
    this.#place(entry)
  }

  /** For `WheelTimers`. */
  remove(entry: Entry): void {
    this.#unlink(entry)
    this.#size--
    if (this.#size > 0) return
    this.#timer?.cancel()
    this.#timer = null
  }

  #currentTick(): number {
    return Math.floor(this.#clock.monotonic() / TICK_MS)
  }

  /** Puts a timer into the slot of the lowest level whose turn around the wheel has both the present and the deadline in it. */
  #place(entry: Entry): void {
    entry.placedTick = entry.tick
    const tick = Math.max(entry.tick, this.#tick + 1)
    let level = 0
    let unit = 1
    while (level < LEVELS - 1 && Math.floor(tick / (unit * SLOTS)) !== Math.floor(this.#tick / (unit * SLOTS))) {
      unit *= SLOTS
      level++
    }
    const number = Math.floor(tick / unit)
    const slot = this.#levels[level]?.[number % SLOTS]
    if (slot === undefined) throw new RangeError(`the wheel has no tick ${tick}`)
    this.#link(entry, slot)
    if (!this.#running && (this.#timer === null || number * unit < this.#timerTick)) this.#sleep(number * unit)
  }

  #link(entry: Entry, slot: Slot): void {
    entry.slot = slot
    entry.previous = slot.last
    if (slot.last === null) slot.first = entry
    else slot.last.next = entry
    slot.last = entry
    if (slot.level >= 0) this.#counts[slot.level] = (this.#counts[slot.level] ?? 0) + 1
  }

  #unlink(entry: Entry): void {
    const { slot, previous, next } = entry
    if (slot === null) return
    if (previous === null) slot.first = next
    else previous.next = next
    if (next === null) slot.last = previous
    else next.previous = previous
    entry.slot = null
    entry.previous = null
    entry.next = null
    if (slot.level >= 0) this.#counts[slot.level] = (this.#counts[slot.level] ?? 0) - 1
  }

  /** The next slot with timers and the tick at which it begins. Lower levels come before higher ones; slots up to the present are empty. */
  #next(): { readonly slot: Slot; readonly tick: number } | null {
    let unit = 1
    for (const [level, slots] of this.#levels.entries()) {
      if ((this.#counts[level] ?? 0) > 0) {
        const now = Math.floor(this.#tick / unit)
        for (let number = now + 1; number % SLOTS !== 0; number++) {
          const slot = slots[number % SLOTS]
          if (slot !== undefined && slot.first !== null) return { slot, tick: number * unit }
        }
      }
      unit *= SLOTS
    }
    return null
  }

  #run(): void {
    this.#timer = null
    this.#running = true
    const now = this.#currentTick()
    for (let next = this.#next(); next !== null && next.tick <= now; next = this.#next()) {
      this.#tick = next.tick
      this.#empty(next.slot)
    }
    this.#tick = Math.max(this.#tick, now)
    try {
      this.#fire()
    } finally {
      this.#running = false
      if (this.#due.first !== null) this.#sleep(this.#tick)
      else {
        const next = this.#next()
        if (next !== null) this.#sleep(next.tick)
      }
    }
  }

  #empty(slot: Slot): void {
    for (let entry = slot.first; entry !== null; entry = slot.first) {
      this.#unlink(entry)
      if (entry.tick <= this.#tick) this.#link(entry, this.#due)
      else this.#place(entry)
    }
  }

  #fire(): void {
    const until = this.#clock.monotonic() + SLICE_MS
    for (let entry = this.#due.first; entry !== null; entry = this.#due.first) {
      if (entry.tick > this.#tick) {
        // It was set anew by what expired before it.
        this.#unlink(entry)
        this.#place(entry)
        continue
      }
      entry.owner.fire(entry)
      if (this.#clock.monotonic() >= until) return
    }
  }

  #sleep(tick: number): void {
    this.#timer?.cancel()
    this.#timerTick = tick
    const delayMs = Math.min(MAX_SLEEP_MS, Math.max(0, tick * TICK_MS - this.#clock.monotonic()))
    this.#timer = this.#clock.after(delayMs, () => this.#run())
  }
}

/** Timers of one state machine by name, as a view of the wheel. */
export class WheelTimers implements Timers {
  readonly #wheel: TimerWheel
  readonly #fire: Fire
  readonly #entries = new Map<string, Entry>()
  #closed = false

  constructor(wheel: TimerWheel, fire: Fire) {
    this.#wheel = wheel
    this.#fire = fire
  }

  get size(): number {
    return this.#entries.size
  }

  set(key: string, delayMs: number, expired: () => Decision<void>): void {
    if (this.#closed) return
    const tick = this.#wheel.tickAfter(delayMs)
    const known = this.#entries.get(key)
    if (known !== undefined) {
      known.expired = expired
      this.#wheel.move(known, tick)
      return
    }
    const entry = new Entry(this, key, { tick, expired })
    this.#entries.set(key, entry)
    this.#wheel.add(entry)
  }

  cancel(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#wheel.remove(entry)
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** For the wheel. */
  fire(entry: Entry): void {
    this.cancel(entry.key)
    this.#fire(entry.key, entry.expired)
  }

  /** Takes all timers back; none is taken any more. */
  close(): void {
    this.#closed = true
    for (const entry of this.#entries.values()) this.#wheel.remove(entry)
    this.#entries.clear()
  }
}
