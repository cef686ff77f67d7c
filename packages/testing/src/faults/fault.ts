// One scripted fault in the hands of a test.

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

/** A fault that was asked for. It has taken effect at once for requests that come later. */
export class Fault implements AsyncDisposable {
  readonly id: number
  readonly #terms: FaultTerms
  #count = 0
  #ready: Promise<void> = Promise.resolve()
  #waiting: { count: number; resolve: () => void; reject: (error: Error) => void }[] = []

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

  /** Resolves when it has happened as often as it was to; one that goes on until it is lifted, when it happened first. */
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

  /** Resolves when it has happened so often. Rejects when all faults are cleared first. */
  happened(count: number): Promise<void> {
    if (this.#count >= count) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ count, resolve, reject }))
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
    for (const { resolve } of due) resolve()
  }

  /** Nobody will tell of it any more. */
  forgotten(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(`the fault was cleared before it happened: ${this.toString()}`))
  }

  /** What it does and how often it has. */
  toString(): string {
    const { about, times } = this.#terms
    return `${about} (happened ${this.#count} of ${Number.isFinite(times) ? times : 'any number of'} times)`
  }
}
