// Which offset may be committed when messages of a partition finish out of order: that after the longest finished run from the
// start. Messages are added in the order of their offsets; adding and finishing cost O(1) each.

/** One message that was handed out. */
export interface GapEntry {
  readonly offset: number
  /** The offset to go on from once this and all before it are finished. */
  readonly next: number
  finished: boolean
}

/** The messages handed out of one partition, in order. */
export class Gaps {
  #entries: GapEntry[] = []
  #head = 0

  /** How many have been handed out from the first unfinished one on. */
  get size(): number {
    return this.#entries.length - this.#head
  }

  /** Takes note of a message that was handed out. */
  add(next: number, offset = next - 1): GapEntry {
    const entry = { offset, next, finished: false }
    this.#entries.push(entry)
    return entry
  }

  /** Offsets of messages that are finished while one before them is not. */
  *finishedAhead(): Generator<number> {
    for (let at = this.#head; at < this.#entries.length; at++) {
      const entry = this.#entries[at]
      if (entry?.finished === true) yield entry.offset
    }
  }

  /** Marks one as finished; returns the offset to go on from if that has moved, else -1. */
  finish(entry: GapEntry): number {
    entry.finished = true
    let next = -1
    for (let first = this.#entries[this.#head]; first?.finished === true; first = this.#entries[this.#head]) {
      next = first.next
      this.#head++
    }
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
    return next
  }
}
