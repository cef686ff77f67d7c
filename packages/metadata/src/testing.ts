// Aids for tests of whatever uses the metadata.
import type { Clock, Logger, Timer } from '@ottla/protocol'
import { LocalStore } from './local-store.ts'
import { MemoryFiles } from './memory-files.ts'

/** A clock that stands still until it is told; for tests. */
export class ManualClock implements Clock {
  #time = 0
  #timers: { at: number; run: () => void }[] = []

  now(): number {
    return 1_700_000_000_000 + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { at: this.#time + delayMs, run }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter(other => other !== timer)
      },
    }
  }

  /** Lets time pass; what falls due runs in order, at its time. */
  advance(ms: number): void {
    const end = this.#time + ms
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0]
      if (!next) break
      this.#timers = this.#timers.filter(timer => timer !== next)
      this.#time = Math.max(this.#time, next.at)
      next.run()
    }
    this.#time = end
  }
}

/** Says nothing; for tests. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
}

/** A local store on a disk in memory; for tests. */
export const memoryStore = (clock: Clock = new ManualClock()): Promise<LocalStore> =>
  LocalStore.open({ directory: '/metadata', clock, logger: silentLogger, files: new MemoryFiles() })
