// What follows changes of the metadata, such as making the logs of a large topic: tasks that nobody waits for one by one, done in order in the
// time that long requests share (`Slices`).
import type { Logger } from '@ottla/protocol'
import type { Slices } from './slices.ts'

/** See the top of the file. */
export class TaskQueue {
  readonly #slices: Slices
  readonly #logger: Logger
  #tasks: (() => void)[] = []
  #next = 0
  /** Whether something is left, which goes on by itself. */
  #isUnderWay = false
  #done: (() => void)[] = []

  constructor(slices: Slices, logger: Logger) {
    this.#slices = slices
    this.#logger = logger
  }

  /** Runs a task after those before it: at once, unless the time of this turn is used up. What it throws is logged. */
  add(task: () => void): void {
    this.#tasks.push(task)
    if (this.#isUnderWay) return
    this.#isUnderWay = true
    if (this.#slices.isOver) this.#pause()
    else this.#goOn()
  }

  /** Resolves when everything that was added up to now is done. */
  drained(): Promise<void> {
    if (!this.#isUnderWay) return Promise.resolve()
    return new Promise(resolve => this.#done.push(resolve))
  }

  #pause(): void {
    void this.#slices.pause().then(() => this.#goOn())
  }

  #goOn(): void {
    while (this.#next < this.#tasks.length) {
      this.#one(this.#tasks[this.#next++])
      if (this.#slices.isOver && this.#next < this.#tasks.length) return this.#pause()
    }
    this.#tasks = []
    this.#next = 0
    this.#isUnderWay = false
    const done = this.#done
    this.#done = []
    for (const resolve of done) resolve()
  }

  #one(task: (() => void) | undefined): void {
    try {
      task?.()
    } catch (error) {
      this.#logger.error({ err: error }, 'a change of the metadata could not be carried out')
    }
  }
}
