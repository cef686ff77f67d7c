// The memory of what was read ahead. Records are slices of the answer they came in, so an answer is kept as a whole until the last partition
// in it has been dealt with; it is counted so.

/** Counts the bytes of answers that are still in use. */
export class ReadAheadMemory {
  readonly limitBytes: number
  #usedBytes = 0
  readonly #freed: () => void

  constructor(limitBytes: number, freed: () => void) {
    this.limitBytes = limitBytes
    this.#freed = freed
  }

  get usedBytes(): number {
    return this.#usedBytes
  }
  get freeBytes(): number {
    return Math.max(0, this.limitBytes - this.#usedBytes)
  }

  /** An answer that arrived. It counts as long as it has uses. */
  frame(bytes: number): Frame {
    return new Frame(bytes, change => {
      this.#usedBytes += change
      if (change < 0) this.#freed()
    })
  }
}

/** An answer whose records lie in it. */
export class Frame {
  readonly #bytes: number
  readonly #count: (change: number) => void
  #uses = 0

  constructor(bytes: number, count: (change: number) => void) {
    this.#bytes = bytes
    this.#count = count
  }

  /** One partition's records begin to be kept. */
  use(): FrameUse {
    if (this.#uses++ === 0) this.#count(this.#bytes)
    let isUsed = true
    return {
      release: () => {
        if (!isUsed) return
        isUsed = false
        if (--this.#uses === 0) this.#count(-this.#bytes)
      },
    }
  }
}

/** One partition's share of an answer; `release` is idempotent. */
export interface FrameUse {
  release(): void
}
