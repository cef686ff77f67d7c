// The bound on what a producer holds (buffer.memory of Java's clients): sends wait, in order, until there is room. One that is larger than all of
// it goes alone.
import type { Clock, Timer } from '@ottla/protocol'
import { KafkaJSTimeout } from '../errors/index.ts'
import { asError } from '../network/as-error.ts'

interface Waiter {
  readonly bytes: number
  readonly admit: () => void
}

/** See the top of the file. */
export class BufferMemory {
  readonly #clock: Clock
  readonly #limit: number
  readonly #maxBlockMs: number
  readonly #waiters = new Set<Waiter>()
  #used = 0

  constructor(clock: Clock, { limit, maxBlockMs }: { limit: number; maxBlockMs: number }) {
    this.#clock = clock
    this.#limit = limit
    this.#maxBlockMs = maxBlockMs
  }

  /** Bytes given out. */
  get used(): number {
    return this.#used
  }

  /** Whether somebody waits: then nothing should linger. */
  get isShort(): boolean {
    return this.#waiters.size > 0
  }

  /** Takes bytes if there is room and nobody waits. */
  tryTake(bytes: number): boolean {
    if (this.#waiters.size > 0 || !this.#fits(bytes)) return false
    this.#used += bytes
    return true
  }

  /** Takes bytes, after waiting for those that came before. Rejects after `maxBlockMs`, or with the signal's reason. */
  take(bytes: number, signal?: AbortSignal): Promise<void> {
    if (this.tryTake(bytes)) return Promise.resolve()
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined
      const done = (): void => {
        timer?.cancel()
        signal?.removeEventListener('abort', aborted)
        this.#waiters.delete(waiter)
      }
      const waiter: Waiter = {
        bytes,
        admit: () => {
          done()
          this.#used += bytes
          resolve()
        },
      }
      const fail = (error: Error): void => {
        done()
        reject(error)
        this.#admit()
      }
      const aborted = (): void => fail(asError(signal?.reason))
      if (signal?.aborted === true) return reject(asError(signal.reason))
      signal?.addEventListener('abort', aborted, { once: true })
      timer = this.#clock.after(this.#maxBlockMs, () => fail(this.#exhausted(bytes)))
      this.#waiters.add(waiter)
    })
  }

  /** Counts what was taken anew, once its true size is known. */
  adjust(bytes: number): void {
    this.#used += bytes
    if (bytes < 0) this.#admit()
  }

  /** Gives bytes back. */
  give(bytes: number): void {
    this.adjust(-bytes)
  }

  #fits(bytes: number): boolean {
    return this.#used + bytes <= this.#limit || this.#used <= 0
  }

  #admit(): void {
    for (const waiter of this.#waiters) {
      if (!this.#fits(waiter.bytes)) return
      waiter.admit()
    }
  }

  #exhausted(bytes: number): Error {
    return new KafkaJSTimeout(
      `No room for ${bytes} bytes within ${this.#maxBlockMs} ms: ${this.#used} of ${this.#limit} bytes wait for acknowledgement`,
      { hint: 'Messages come faster than brokers take them: wait for sends, or raise bufferMemory' },
    )
  }
}
