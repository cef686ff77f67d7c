// Time of the event loop that all long requests share: what one of them names by the thousand is done some milliseconds at a time, and
// between that timers, disk and sockets have their turns. A request that is small never notices: the first step of each is taken whatever the time. When requests begin is no matter of this, but
// of `network/turns.ts`; what coordinators load has turns of its own there.
import type { Clock } from '@ottla/protocol'

/** So long all of them together keep the loop in one turn. */
const TURN_MS = 5
/** Parts of a whole are small. */
const PARTS_BETWEEN_LOOKS = 8
/** Asynchronous work of one request that is under way at a time. */
const AT_ONCE = 32

/** How far `each` is. */
interface Steps<T> {
  readonly rest: Iterator<T>
  /** The next item, so that nobody waits for a turn to learn that there is none. */
  next: IteratorResult<T>
  readonly step: (item: T, at: number) => void
  readonly every: number
  at: number
}

/** Where `nested` finds the parts of a whole. */
export interface Parts<W, P> {
  of(whole: W): readonly P[]
  /** Parts between two looks at the clock; default: some, which are small. */
  readonly every?: number
}

/** How far `nested` is: in which whole, and at which of its parts. */
interface NestedSteps<W, P, R> {
  readonly wholes: readonly W[]
  readonly places: Parts<W, P>
  readonly make: (part: P, whole: W) => R
  readonly made: R[][]
  whole: number
  part: number
  taken: number
}

/** See the top of the file. */
export class Slices {
  readonly #clock: Clock
  readonly #later: (run: () => void) => void
  #beganAtMs = -1
  #waiting: (() => void)[] = []
  /** How many of those that wait may still go on in this turn: those who came in it wait for the next. */
  #due = 0

  /** `later` calls what it is given in a later turn of the event loop. */
  constructor(clock: Clock, later: (run: () => void) => void = setImmediate) {
    this.#clock = clock
    this.#later = later
  }

  /** Whether the time of this turn is used up: who works must `pause`. The first who asks begins the turn. */
  get isOver(): boolean {
    if (this.#beganAtMs >= 0) return this.#clock.monotonic() - this.#beganAtMs >= TURN_MS
    this.#begin()
    return false
  }

  /** Resolves in a later turn, when all who paused before have gone on. */
  pause(): Promise<void> {
    if (this.#beganAtMs < 0) this.#begin()
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Calls `step` for every item in order; null where the time sufficed. Who throws ends it. `every`: items between two looks at the clock. */
  each<T>(items: Iterable<T>, step: (item: T, at: number) => void, every = 1): Promise<void> | null {
    const rest = items[Symbol.iterator]()
    const steps: Steps<T> = { rest, next: rest.next(), step, every, at: 0 }
    return this.#isOverAfterSome(steps) ? this.#others(() => this.#isOverAfterSome(steps)) : null
  }

  /** What `make` makes of every item, in order: at once where the time suffices. */
  map<T, R>(items: Iterable<T>, make: (item: T, at: number) => R, every = 1): R[] | Promise<R[]> {
    const made: R[] = []
    const later = this.each(items, (item, at) => void made.push(make(item, at)), every)
    return later === null ? made : later.then(() => made)
  }

  /** The same for the parts of some wholes, such as partitions of topics: an array of parts for each whole. */
  nested<W, P, R>(wholes: readonly W[], places: Parts<W, P>, make: (part: P, whole: W) => R): R[][] | Promise<R[][]> {
    const steps: NestedSteps<W, P, R> = { wholes, places, make, made: [], whole: 0, part: 0, taken: 0 }
    if (!this.#isOverAfterSomeParts(steps)) return steps.made
    return this.#others(() => this.#isOverAfterSomeParts(steps)).then(() => steps.made)
  }

  /** As `map` where making takes its time: begun in order, a bounded number under way. Who rejects ends it, once what is under way has ended. */
  async gather<T, R>(items: Iterable<T>, make: (item: T, at: number) => Promise<R>): Promise<R[]> {
    const made: R[] = []
    const rest = items[Symbol.iterator]()
    let begun = 0
    let isFailed = false
    let paused = 0
    const lane = async (): Promise<void> => {
      for (let next = rest.next(); next.done !== true; next = rest.next()) {
        const at = begun++
        // Behind those that came before, who may wait still when a turn begins.
        if (at > 0 && (paused > 0 || this.isOver)) {
          paused++
          await this.pause()
          paused--
        }
        if (isFailed) return
        try {
          made[at] = await make(next.value, at)
        } catch (error) {
          isFailed = true
          throw error
        }
      }
    }
    const outcomes = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    return made
  }

  // Produce comes here with every request: no closures and no generators until the time is over.

  #isOverAfterSome<T>(steps: Steps<T>): boolean {
    const { every, rest, step } = steps
    let isFirst = true
    for (; steps.next.done !== true; steps.next = rest.next()) {
      if (!isFirst && steps.at % every === 0 && this.isOver) return true
      isFirst = false
      step(steps.next.value, steps.at++)
    }
    return false
  }

  #isOverAfterSomeParts<W, P, R>(steps: NestedSteps<W, P, R>): boolean {
    const { made, make, places, wholes } = steps
    const { every = PARTS_BETWEEN_LOOKS } = places
    let isFirst = true
    for (; steps.whole < wholes.length; steps.whole++, steps.part = 0) {
      const whole = wholes[steps.whole]!
      const parts = places.of(whole)
      const row = (made[steps.whole] ??= [])
      for (; steps.part < parts.length; steps.taken++) {
        if (!isFirst && steps.taken % every === 0 && this.isOver) return true
        isFirst = false
        row.push(make(parts[steps.part++]!, whole))
      }
    }
    return false
  }

  async #others(isOverAfterMore: () => boolean): Promise<void> {
    do await this.pause()
    while (isOverAfterMore())
  }

  #begin(): void {
    this.#beganAtMs = this.#clock.monotonic()
    this.#later(() => this.#next())
  }

  #next(): void {
    this.#beganAtMs = -1
    this.#due = this.#waiting.length
    if (this.#due === 0) return
    this.#begin()
    this.#wake()
  }

  /** One after another, so that a thousand who wait do not all take a step in the same turn. */
  #wake(): void {
    if (this.#due-- <= 0) return
    this.#waiting.shift()?.()
    // Whoever awaits a pause goes on before this.
    if (this.#due > 0) queueMicrotask(() => !this.isOver && this.#wake())
  }
}
