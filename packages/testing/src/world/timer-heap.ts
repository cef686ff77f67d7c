// Timers by the time at which they are due, as a binary heap: hundreds of them are made and cancelled for each request.

/** A timer that waits. */
export interface PlannedTimer {
  /** Monotonic milliseconds. */
  readonly at: number
  /** Counts up: of two that are due together the older runs first. */
  readonly id: number
  readonly run: () => void
  /** Place in the heap, -1 where it is there no more. */
  place: number
}

const isBefore = (one: PlannedTimer, other: PlannedTimer): boolean => one.at < other.at || (one.at === other.at && one.id < other.id)

/** See the top of the file. */
export class TimerHeap {
  readonly #heap: PlannedTimer[] = []
  #newest = 0

  /** The timer that is due first. */
  get first(): PlannedTimer | undefined {
    return this.#heap[0]
  }

  get size(): number {
    return this.#heap.length
  }

  /** Id of the timer that was added last. */
  get newest(): number {
    return this.#newest
  }

  add(at: number, run: () => void): PlannedTimer {
    const timer = { at, id: ++this.#newest, run, place: this.#heap.length }
    this.#heap.push(timer)
    this.#rise(timer)
    return timer
  }

  /** Takes a timer out; nothing happens where it is there no more. */
  remove(timer: PlannedTimer): void {
    const { place } = timer
    if (place < 0) return
    timer.place = -1
    const last = this.#heap.pop()
    if (last === undefined || last === timer) return
    this.#put(last, place)
    this.#rise(last)
    this.#sink(last)
  }

  #put(timer: PlannedTimer, place: number): void {
    this.#heap[place] = timer
    timer.place = place
  }

  #rise(timer: PlannedTimer): void {
    while (timer.place > 0) {
      const above = this.#heap[(timer.place - 1) >> 1]
      if (above === undefined || isBefore(above, timer)) return
      const { place } = above
      this.#put(above, timer.place)
      this.#put(timer, place)
    }
  }

  #sink(timer: PlannedTimer): void {
    for (;;) {
      const left = this.#heap[timer.place * 2 + 1]
      const right = this.#heap[timer.place * 2 + 2]
      const below = right !== undefined && left !== undefined && isBefore(right, left) ? right : left
      if (below === undefined || isBefore(timer, below)) return
      const { place } = below
      this.#put(below, timer.place)
      this.#put(timer, place)
    }
  }
}
