// A consumer as an async iterator. A batch is finished when the loop asks for the next one; until then no other is handed out. What
// the loop has in hand when it ends (break, return, an exception, abort) counts as not finished, apart from what it resolved itself.
import type { EachBatchPayload } from '../types.ts'

/** How a stream is run. */
export interface StreamSource {
  /** Begins to consume; `handler` is called with one batch at a time. Rejects when that cannot begin. */
  start(handler: (payload: EachBatchPayload) => Promise<void>): Promise<void>
  /** Stops consuming. */
  stop(): Promise<void>
}

interface Delivery {
  readonly payload: EachBatchPayload
  readonly finish: () => void
}

type Result = IteratorResult<EachBatchPayload, undefined>

const over: Result = { done: true, value: undefined }

/** Batches, one at a time. */
export class BatchStream implements AsyncIterableIterator<EachBatchPayload, undefined> {
  readonly #source: StreamSource
  readonly #signal: AbortSignal | undefined
  readonly #aborted = (): void => void this.return()
  readonly #waiting: { readonly resolve: (result: Result) => void; readonly reject: (error: Error) => void }[] = []
  #begun = false
  #ended = false
  #error: Error | null = null
  #inHand: Delivery | null = null
  #next: Delivery | null = null
  #stopping: Promise<void> | null = null

  constructor(source: StreamSource, signal?: AbortSignal) {
    this.#source = source
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<Result> {
    if (this.#signal?.aborted === true) return this.return()
    this.#finishInHand()
    if (this.#ended) return this.#end()
    if (!this.#begun) this.#begin()
    if (this.#next !== null) {
      this.#inHand = this.#next
      this.#next = null
      return { done: false, value: this.#inHand.payload }
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Ends the stream; resolves when the consumer has stopped. */
  async return(): Promise<Result> {
    this.over(null)
    await this.#stopping
    return over
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** The consumer was stopped, or crashed and does not begin anew. */
  over(error: Error | null): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#signal?.removeEventListener('abort', this.#aborted)
    this.#stopping = this.#begun ? this.#source.stop() : Promise.resolve()
    this.#stopping.catch(() => {})
    for (const delivery of [this.#inHand, this.#next]) if (delivery !== null) this.#leave(delivery)
    this.#inHand = null
    this.#next = null
    void this.#stopping.catch(() => {}).then(() => this.#answer())
  }

  /** Ends the waits for a next batch, the first of them with the error if there is one. */
  #answer(): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      const error = this.#error
      this.#error = null
      if (error === null) resolve(over)
      else reject(error)
    }
  }

  #end(): Result {
    const error = this.#error
    this.#error = null
    if (error !== null) throw error
    return over
  }

  #finishInHand(): void {
    this.#inHand?.finish()
    this.#inHand = null
  }

  #begin(): void {
    this.#begun = true
    this.#signal?.addEventListener('abort', this.#aborted, { once: true })
    this.#source
      .start(payload => this.#deliver(payload))
      .catch((error: unknown) => this.over(error instanceof Error ? error : new Error(String(error))))
  }

  /** Gives a batch back without finishing it: who asks whether the consumer runs, and hears that it does not, resolves by itself only. */
  #leave({ payload, finish }: Delivery): void {
    payload.isRunning()
    finish()
  }

  #deliver(payload: EachBatchPayload): Promise<void> {
    return new Promise(resolve => {
      const delivery = { payload, finish: resolve }
      if (this.#ended) return this.#leave(delivery)
      const waiting = this.#waiting.shift()
      if (waiting === undefined) {
        this.#next = delivery
        return
      }
      this.#inHand = delivery
      waiting.resolve({ done: false, value: payload })
    })
  }
}
