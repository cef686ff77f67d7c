// A queue whose both ends cost the same, however long it is.

/** So much may lie before the head until it is cut off. */
const SLACK = 256

/** Values in the order in which they came. */
export class Fifo<T> {
  #values: (T | undefined)[] = []
  /** What lies before this index has been taken. */
  #head = 0

  get length(): number {
    return this.#values.length - this.#head
  }

  push(value: T): void {
    this.#values.push(value)
  }

  /** The oldest value, which stays. */
  peek(): T | undefined {
    return this.#values[this.#head]
  }

  /** Takes the oldest value. */
  shift(): T | undefined {
    if (this.#head === this.#values.length) return undefined
    const value = this.#values[this.#head]
    this.#values[this.#head++] = undefined
    if (this.#head === this.#values.length) {
      this.#values.length = 0
      this.#head = 0
    } else if (this.#head > SLACK && this.#head * 2 > this.#values.length) {
      this.#values = this.#values.slice(this.#head)
      this.#head = 0
    }
    return value
  }

  /** Takes all values. */
  drain(): T[] {
    const values = [...this]
    this.#values = []
    this.#head = 0
    return values
  }

  *[Symbol.iterator](): Generator<T> {
    for (const value of this.#values.slice(this.#head)) if (value !== undefined) yield value
  }
}
