// Answers that wait until what they are based on is committed, in the order of offsets.

import type { KafkaError } from '@ottla/protocol'

/** What is given out, and who else is told. */
interface Waiting<R> {
  readonly reply: R | Promise<R>
  readonly settled?: (error: KafkaError | null) => void
  /** Monotonic ms. */
  readonly sinceMs: number
}

interface Entry {
  readonly endOffset: number
  /** Monotonic ms. */
  readonly sinceMs: number
  isLate: boolean
  release(): void
  fail(error: KafkaError): void
  /** Answers and nothing more: what becomes of the append is told when it is known. */
  late(error: KafkaError): void
}

/** See the top of the file. */
export class Uncommitted {
  readonly #failed: (error: unknown) => void
  #waiting: Entry[] = []
  #head = 0

  /** `failed` hears of what a `settled` throws. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.length - this.#head
  }

  /** The reply, once everything below `endOffset` is committed; offsets must not fall from one to the next. */
  add<R>(endOffset: number, { reply, settled, sinceMs }: Waiting<R>): Promise<R> {
    // A reply that fails before its time is seen when its time comes.
    if (reply instanceof Promise) reply.catch(() => undefined)
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        endOffset,
        sinceMs,
        isLate: false,
        late: reject,
        release: () => {
          resolve(reply)
          settled?.(null)
        },
        fail: error => {
          reject(error)
          settled?.(error)
        },
      })
    })
  }

  /** Everything below `offset` is committed. */
  release(offset: number): void {
    for (let entry = this.#waiting[this.#head]; entry !== undefined && entry.endOffset <= offset; entry = this.#waiting[this.#head]) {
      this.#head++
      this.#settle(() => entry.release())
    }
    if (this.#head === this.#waiting.length) {
      this.#waiting = []
      this.#head = 0
    } else if (this.#head >= 256 && this.#head * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
  }

  /** Gives up answers that have waited since `untilMs` or longer; returns since when the next one waits, null for none. */
  giveUpLate(untilMs: number, error: KafkaError): number | null {
    for (let at = this.#head; at < this.#waiting.length; at++) {
      const entry = this.#waiting[at]
      if (entry === undefined || entry.sinceMs > untilMs) return entry?.sinceMs ?? null
      if (!entry.isLate) entry.late(error)
      entry.isLate = true
    }
    return null
  }

  /** Nothing of what is waited for will be committed as far as anybody can tell. */
  fail(error: KafkaError): void {
    const waiting = this.#waiting.slice(this.#head)
    this.#waiting = []
    this.#head = 0
    for (const entry of waiting) this.#settle(() => entry.fail(error))
  }

  #settle(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#failed(error)
    }
  }
}
