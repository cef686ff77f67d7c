// Work that comes in heaps, such as the partitions of a large topic, done in order but never for long at a time.
import type { Clock, Logger } from '@ottla/protocol'

/** So long the event loop is kept at a time. */
const SLICE_MS = 10

/** See the top of the file. */
export class SlicedWork {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #later: (run: () => void) => void
  #tasks: (() => void)[] = []
  #next = 0
  #isPlanned = false
  #turnEndsMs = -1
  #done: (() => void)[] = []

  /** `later` calls what it is given in a later turn of the event loop. */
  constructor(parts: { clock: Clock; logger: Logger; later: (run: () => void) => void }) {
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#later = parts.later
  }

  /** Runs a task after those before it: at once, unless the turn of the loop has had enough. What it throws is logged. */
  add(task: () => void): void {
    this.#tasks.push(task)
    if (this.#isPlanned) return
    const now = this.#clock.monotonic()
    if (this.#turnEndsMs < 0) {
      this.#turnEndsMs = now + SLICE_MS
      queueMicrotask(() => {
        this.#turnEndsMs = -1
      })
    }
    this.#run()
  }

  /** Resolves when everything that was added up to now is done. */
  drained(): Promise<void> {
    if (this.#next === this.#tasks.length) return Promise.resolve()
    return new Promise(resolve => this.#done.push(resolve))
  }

  #run(): void {
    while (this.#next < this.#tasks.length) {
      if (this.#clock.monotonic() >= this.#turnEndsMs) {
        this.#isPlanned = true
        this.#later(() => this.#continue())
        return
      }
      this.#one(this.#tasks[this.#next++])
    }
    this.#tasks = []
    this.#next = 0
    const done = this.#done
    this.#done = []
    for (const resolve of done) resolve()
  }

  #continue(): void {
    this.#isPlanned = false
    this.#turnEndsMs = this.#clock.monotonic() + SLICE_MS
    this.#run()
    this.#turnEndsMs = -1
  }

  #one(task: (() => void) | undefined): void {
    try {
      task?.()
    } catch (error) {
      this.#logger.error({ err: error }, 'a change of the metadata could not be carried out')
    }
  }
}
