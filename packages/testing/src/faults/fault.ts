// One scripted fault in the hands of a test.
import { DEFAULT_TIMEOUT_MS, TimeoutError, type WaitOptions } from '../state/await-state.ts'
import { realAfter } from '../world/real-time.ts'

/** What a fault is made of. */
export interface FaultTerms {
  readonly id: number
  /** What it does, in words. */
  readonly about: string
  /** How often it is to happen; Infinity: until it is lifted. */
  readonly times: number
  /** Nothing is missing when it never happened. */
  readonly isOptional: boolean
  readonly lift: () => Promise<void>
}

/** Somebody who waits until it has happened so often. */
interface Waiting {
  readonly count: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  /** Ends the wait's own time-out. */
  readonly cancel: () => void
}

/** A fault that was asked for. It has taken effect at once for requests that come later. */
export class Fault implements AsyncDisposable {
  readonly id: number
  readonly #terms: FaultTerms
  #count = 0
  #ready: Promise<void> = Promise.resolve()
  #waiting: Waiting[] = []

  constructor(terms: FaultTerms) {
    this.#terms = terms
    this.id = terms.id
  }

  /** How often it has happened. */
  get count(): number {
    return this.#count
  }

  /** Whether it has happened as often as it was to; one that goes on until it is lifted, at least once. */
  get isConsumed(): boolean {
    return this.#terms.isOptional || this.#count >= this.#wanted
  }

  /** Resolves when it has happened as often as it was to; one that goes on until it is lifted, when it happened first. As `happened`. */
  get consumed(): Promise<void> {
    return this.happened(this.#wanted)
  }

  /** Resolves when the broker knows of it: at once but for brokers in worker threads. */
  get ready(): Promise<void> {
    return this.#ready
  }

  get #wanted(): number {
    return Number.isFinite(this.#terms.times) ? this.#terms.times : 1
  }

  /** Resolves when it has happened so often. Rejects with TimeoutError, or when all faults are cleared first. */
  happened(count: number, { timeoutMs = DEFAULT_TIMEOUT_MS }: WaitOptions = {}): Promise<void> {
    if (this.#count >= count) return Promise.resolve()
    const happened = new Promise<void>((resolve, reject) => {
      const cancel = realAfter(timeoutMs, () => {
        this.#waiting = this.#waiting.filter(one => one !== waiting)
        reject(new TimeoutError(`fault not consumed within ${timeoutMs} ms: ${this.toString()}`))
      })
      const waiting: Waiting = { count, resolve, reject, cancel }
      this.#waiting.push(waiting)
    })
    // A test that fails before it comes to await this must not fail a second time by a rejection that nobody handles.
    happened.catch(() => undefined)
    return happened
  }

  /** Ends it. */
  async lift(): Promise<void> {
    await this.#ready
    await this.#terms.lift()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lift()
  }

  /** The broker's side has it. */
  armed(ready: Promise<void>): void {
    this.#ready = ready
    ready.catch(() => undefined)
  }

  /** It has happened. */
  hit(): void {
    this.#count++
    const due = this.#waiting.filter(({ count }) => this.#count >= count)
    this.#waiting = this.#waiting.filter(({ count }) => this.#count < count)
    for (const { cancel, resolve } of due) {
      cancel()
      resolve()
    }
  }

  /** Nobody will tell of it any more. */
  forgotten(): void {
    for (const { cancel, reject } of this.#waiting.splice(0)) {
      cancel()
      reject(new Error(`the fault was cleared before it happened: ${this.toString()}`))
    }
  }

  /** What it does and how often it has. */
  toString(): string {
    const { about, times } = this.#terms
    return `${about} (happened ${this.#count} of ${Number.isFinite(times) ? times : 'any number of'} times)`
  }
}
