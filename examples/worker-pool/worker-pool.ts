// A pool of threads, each with one task at a time.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

interface Task<Input, Output> {
  readonly input: Input
  readonly resolve: (output: Output) => void
  readonly reject: (error: Error) => void
}

/** Runs tasks in threads. */
export class WorkerPool<Input, Output> {
  readonly #file: URL
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Task<Input, Output>>()
  readonly #waiting: Task<Input, Output>[] = []

  /** `file` is what the threads run: a module that answers each message with one. */
  constructor(file: URL, size = availableParallelism()) {
    this.#file = file
    for (let index = 0; index < size; index++) this.#add()
  }

  /** Resolves with the answer of a thread; rejects when the thread fails, and when `signal` is aborted while the task still waits for one. */
  run(input: Input, signal?: AbortSignal): Promise<Output> {
    return new Promise((resolve, reject) => {
      const task = { input, resolve, reject }
      const takeBack = (): void => {
        const index = this.#waiting.indexOf(task)
        if (index < 0) return
        this.#waiting.splice(index, 1)
        reject(new Error('The task was taken back', { cause: signal?.reason }))
      }
      signal?.addEventListener('abort', takeBack, { once: true })
      this.#waiting.push(task)
      this.#next()
    })
  }

  /** Ends the threads. Resolves when they are gone. */
  async close(): Promise<void> {
    await Promise.all([...this.#idle, ...this.#busy.keys()].map(worker => worker.terminate()))
  }

  #add(): void {
    const worker = new Worker(this.#file)
    worker.on('message', (output: Output) => {
      this.#busy.get(worker)?.resolve(output)
      this.#busy.delete(worker)
      this.#idle.push(worker)
      this.#next()
    })
    worker.on('error', error => {
      const task = this.#busy.get(worker)
      if (task === undefined) throw error
      this.#busy.delete(worker)
      task.reject(error)
      this.#add()
    })
    this.#idle.push(worker)
    this.#next()
  }

  #next(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const [worker, task] = [this.#idle.pop(), this.#waiting.shift()]
      if (worker === undefined || task === undefined) return
      this.#busy.set(worker, task)
      worker.postMessage(task.input, [])
    }
  }
}
