// The life of a membership: a loop that runs from `join` until it fails or the member leaves.
import { KafkaJSNonRetriableError } from '../../errors/index.ts'

/** Begins once and ends once. */
export class Lifecycle {
  readonly #ending = new AbortController()
  readonly #settled: (error: Error) => Promise<void>
  #loop: Promise<void> | undefined
  readonly #first: Promise<void>
  #resolveFirst = (): void => undefined
  #rejectFirst = (_error: Error): void => undefined
  #state: 'new' | 'joining' | 'joined' | 'failed' | 'left' = 'new'

  /** `settled` cleans up after a loop that failed, before anybody is told. */
  constructor(settled: (error: Error) => Promise<void>) {
    this.#settled = settled
    this.#first = new Promise((resolve, reject) => {
      this.#resolveFirst = resolve
      this.#rejectFirst = reject
    })
    this.#first.catch(() => undefined)
  }

  /** Ends all waits of the membership. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  get running(): boolean {
    return this.#state === 'joining' || this.#state === 'joined'
  }

  get left(): boolean {
    return this.#state === 'left'
  }

  /** Runs the loop; resolves when `joined` is called, rejects when the loop fails before that. `failed` is told of later failures. */
  begin(loop: () => Promise<void>, failed: (error: Error) => void): Promise<void> {
    if (this.#state !== 'new') return Promise.reject(new KafkaJSNonRetriableError('A membership begins once'))
    this.#state = 'joining'
    this.#loop = this.#run(loop, failed)
    return this.#first
  }

  /** The first assignment was taken. */
  joined(): void {
    if (this.#state === 'joining') this.#state = 'joined'
    this.#resolveFirst()
  }

  /** Ends the loop and waits for it. */
  async end(): Promise<void> {
    this.#state = 'left'
    const error = new KafkaJSNonRetriableError('The consumer has left its group')
    this.#ending.abort(error)
    await this.#loop
    this.#rejectFirst(error)
  }

  async #run(loop: () => Promise<void>, failed: (error: Error) => void): Promise<void> {
    try {
      await loop()
    } catch (error) {
      if (this.#ending.signal.aborted) return
      const cause = error instanceof Error ? error : new Error(String(error))
      const told = this.#state === 'joined'
      this.#state = 'failed'
      this.#ending.abort(cause)
      await this.#settled(cause)
      this.#rejectFirst(cause)
      if (told) failed(cause)
    }
  }
}
