// Work over all offsets of a partition, which may be millions: done in slices, each of them one batch of records and a few milliseconds of the
// event loop. Between two slices requests are served as ever, so the work looks at everything anew after each.

import { answered, type Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import type { Timers } from '../../timers.ts'

/** Yields the records of a slice; the state has them when it is resumed, unless they could not be written. */
export type Work = Generator<readonly CoordinatorRecord[], void, void>

const sliceRecords = 1_000
const sliceBytes = 256 * 1024
const sliceSteps = 10_000

/** How much one slice has, and what it comes to. */
export class Slice {
  readonly records: CoordinatorRecord[] = []
  #bytes = 0
  #steps = 0

  get isFull(): boolean {
    return this.records.length >= sliceRecords || this.#bytes >= sliceBytes || this.#steps >= sliceSteps
  }

  /** Counts something that was looked at. */
  step(): void {
    this.#steps += 1
  }

  /** Adds a record whose names have so many characters. */
  add(record: CoordinatorRecord, characters: number): void {
    this.records.push(record)
    this.#bytes += 3 * characters + 64
  }
}

/** Does one work after the other, a slice at a time. */
export class SlicedWork {
  readonly #timers: Timers
  readonly #key: string
  readonly #queue: Work[] = []

  constructor(timers: Timers, key: string) {
    this.#timers = timers
    this.#key = key
  }

  /** Whether something is left to do. */
  get isBusy(): boolean {
    return this.#queue.length > 0
  }

  /** Begins a work, or lets it wait for those before it; the decision is the next slice, the others follow by themselves. */
  begin(work: Work): Decision<void> {
    this.#queue.push(work)
    return this.#next()
  }

  #next(): Decision<void> {
    const [work] = this.#queue
    if (work === undefined) return answered(undefined)
    let isDone = true
    try {
      const { done, value } = work.next()
      isDone = done === true
      return { records: value ?? [], reply: undefined }
    } finally {
      if (isDone) this.#queue.shift()
      if (this.isBusy) this.#timers.set(this.#key, 0, () => this.#next())
    }
  }
}
