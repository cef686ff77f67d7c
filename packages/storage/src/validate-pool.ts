// Worker threads for what takes too long on the event loop: decompressing, walking and compressing large bodies. They start when there is work
// first and keep no process alive.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { ErrorCode, KafkaError, type RecordBatch } from '@ottla/protocol'
import { type BodyRules, type CheckedBody, checkBody, type RecordError, RecordValidationError } from './validate-body.ts'

/** To a worker: a batch and its rules. */
export interface PoolRequest {
  readonly bytes: Uint8Array
  readonly rules: BodyRules
}

/** From a worker: what was found, or why not. */
export type PoolAnswer =
  | { readonly body: Omit<CheckedBody, 'rewritten'> & { readonly rewritten?: Uint8Array<ArrayBuffer> } }
  | { readonly code: number; readonly message: string; readonly recordErrors?: readonly RecordError[] }

/** Bounds of a pool. */
export interface ValidationPoolOptions {
  /** Threads at the most; each may hold a body of 64 MiB and what it was made from. */
  readonly threads: number
  /** Batches that wait at the most; their bytes are the request's, nothing is copied before their turn. */
  readonly maxWaiting?: number
  /** The compiled worker, for tests. */
  readonly file?: string
}

interface Job {
  readonly batch: RecordBatch
  readonly rules: BodyRules
  readonly resolve: (body: CheckedBody) => void
  readonly reject: (error: Error) => void
}

/** The compiled worker: beside this file in a build, and in the build's folder when the sources run, as they do in tests. */
const workerFile = (): string | undefined => {
  const places = [new URL('./validate-worker.js', import.meta.url), new URL('../dist/validate-worker.js', import.meta.url)]
  return places.map(place => fileURLToPath(place)).find(path => existsSync(path))
}

const asError = (answer: Exclude<PoolAnswer, { body: unknown }>): KafkaError =>
  answer.recordErrors === undefined
    ? new KafkaError(answer.code, answer.message)
    : new RecordValidationError(answer.code, answer.message, answer.recordErrors)

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Checks the bodies of batches in worker threads, first come, first served. One for a whole broker. */
export class ValidationPool {
  readonly #threads: number
  readonly #maxWaiting: number
  readonly #file: string | undefined
  readonly #waiting: Job[] = []
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Job>()
  #closed = false

  constructor(options: ValidationPoolOptions) {
    this.#threads = Math.max(1, options.threads)
    this.#maxWaiting = options.maxWaiting ?? 1024
    this.#file = options.file ?? workerFile()
  }

  /** Batches being checked or waiting. */
  get pending(): number {
    return this.#waiting.length + this.#busy.size
  }

  /**
   * Checks a batch's records; its bytes must not change until the promise settles.
   * @throws (rejects with) what `checkBody` throws, KafkaError REQUEST_TIMED_OUT when too many wait, UNKNOWN_SERVER_ERROR when a thread dies.
   */
  check(batch: RecordBatch, rules: BodyRules): Promise<CheckedBody> {
    return new Promise((resolve, reject) => {
      if (this.#closed || this.#waiting.length >= this.#maxWaiting) {
        reject(new KafkaError(ErrorCode.REQUEST_TIMED_OUT, 'Too many batches wait to be decompressed'))
        return
      }
      this.#waiting.push({ batch, rules, resolve, reject })
      this.#next()
    })
  }

  /** Stops the threads; what was not done is rejected. */
  async close(): Promise<void> {
    this.#closed = true
    const workers = [...this.#idle.splice(0), ...this.#busy.keys()]
    for (const job of [...this.#busy.values(), ...this.#waiting.splice(0)])
      job.reject(new KafkaError(ErrorCode.REQUEST_TIMED_OUT, 'The pool was closed'))
    this.#busy.clear()
    await Promise.all(workers.map(worker => worker.terminate()))
  }

  #next(): void {
    if (this.#waiting.length === 0) return
    const worker = this.#idle.pop() ?? (this.#busy.size < this.#threads ? this.#startIfPossible() : undefined)
    if (worker === undefined) return
    const job = this.#waiting.shift()!
    this.#busy.set(worker, job)
    const bytes = Uint8Array.from(job.batch.bytes)
    const request: PoolRequest = { bytes, rules: job.rules }
    worker.postMessage(request, [bytes.buffer])
  }

  /** The system may have no thread to give. Then those that there are do the work; without any it is refused. */
  #startIfPossible(): Worker | undefined {
    try {
      return this.#start()
    } catch (error) {
      if (this.#busy.size > 0) return undefined
      const reason = `No validation thread could be started: ${String(error)}`
      for (const job of this.#waiting.splice(0)) job.reject(new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, reason))
      return undefined
    }
  }

  #start(): Worker | undefined {
    if (this.#file === undefined) {
      this.#workHere()
      return undefined
    }
    // Without the options of this process, which in tests point at sources.
    const worker = new Worker(this.#file, { execArgv: [] })
    worker.unref()
    worker.on('message', (answer: PoolAnswer) => {
      const job = this.#busy.get(worker)
      this.#busy.delete(worker)
      if (!this.#closed) this.#idle.push(worker)
      if (job !== undefined) this.#settle(job, answer)
      this.#next()
    })
    worker.on('error', error => this.#gone(worker, String(error)))
    // It may end without a word, and while it has nothing to do: then nobody waits for it, and nobody may any more.
    worker.on('exit', code => this.#gone(worker, `it ended with ${code}`))
    return worker
  }

  /** A thread is there no more; who waits for it is told. */
  #gone(worker: Worker, reason: string): void {
    const index = this.#idle.indexOf(worker)
    if (index !== -1) this.#idle.splice(index, 1)
    const job = this.#busy.get(worker)
    this.#busy.delete(worker)
    job?.reject(new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `A validation thread failed: ${reason}`))
    if (!this.#closed) this.#next()
  }

  #settle(job: Job, answer: PoolAnswer): void {
    if (!('body' in answer)) {
      job.reject(asError(answer))
      return
    }
    const { rewritten, ...found } = answer.body
    job.resolve(rewritten === undefined ? found : { ...found, rewritten: asBuffer(rewritten) })
  }

  /** Sources without a build beside them, which only tests have, do the work on the event loop, in a turn of its own. */
  #workHere(): void {
    const job = this.#waiting.shift()
    if (job === undefined) return
    setImmediate(() => {
      try {
        job.resolve(checkBody(job.batch, job.rules))
      } catch (error) {
        job.reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
  }
}
