// Waiting for something to do: a call that comes before the wait is not lost.

/** One waiter at a time. */
export class WakeUp {
  #called = false
  #resolve: (() => void) | undefined

  /** Ends the wait, or the next one. */
  call(): void {
    this.#called = true
    this.#resolve?.()
  }

  /** Forgets a call that nobody waited for. */
  clear(): void {
    this.#called = false
  }

  /** Waits for a call; rejects with the signal's reason. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(reasonOf(signal))
      if (signal.aborted) return ended()
      const done = (): void => {
        this.#called = false
        this.#resolve = undefined
        signal.removeEventListener('abort', ended)
        resolve()
      }
      if (this.#called) return done()
      this.#resolve = done
      signal.addEventListener('abort', ended, { once: true })
    })
  }
}

const reasonOf = ({ reason }: AbortSignal): Error => (reason instanceof Error ? reason : new Error(String(reason)))
