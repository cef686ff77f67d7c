// One worker thread for the heavy part of compaction, so that the event loop only hears how it goes. It starts with the first pass and ends
// when none has come for a while. Nothing but the bytes of cleaned segments is written there: their indexes, what is durable, the exchange
// and everything that readers see stay on this side.
//
// Each reading is told by `took`, and answered with `go`: here bytes are accounted for and is known whether the pass is still wanted. The
// thread is one reading ahead of the answers. A request is answered exactly once, also when it was given up: the thread is done
// with the files then.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type Clock, KafkaError, type Timer } from '@ottla/protocol'
import { type CleanPace, CompactionAborted } from './clean-pace.ts'
import { CleanCounts } from './clean-rules.ts'
import type { CleanWork, GroupFacts, GroupTarget, Mapped, PassFacts, TransactionSink } from './clean-work.ts'
import { asError } from './platform-error.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/** An error on its way between threads. */
export interface CarriedError {
  readonly kind: 'aborted' | 'kafka' | 'platform'
  /** Kafka's, or the platform's: empty for neither. */
  readonly code?: number | string
  readonly message: string
  /** It happened to the cleaned segment, and not to what was read. */
  readonly isWriting?: boolean
}

export type ToCleaner =
  | { readonly id: number; readonly kind: 'map'; readonly facts: PassFacts }
  | { readonly id: number; readonly kind: 'group'; readonly path: string; readonly group: GroupFacts }
  | { readonly id: number; readonly kind: 'go'; readonly isWanted: boolean }
  | { readonly id: number; readonly kind: 'end' }

/** Batches that were written, see GroupTarget.wrote, and transactions of which something is left. */
interface News {
  readonly facts: Float64Array<ArrayBuffer>
  readonly kept: readonly AbortedTransaction[]
}

export type FromCleaner =
  | ({ readonly id: number; readonly kind: 'took'; readonly bytes: number } & News)
  | ({ readonly id: number; readonly kind: 'done'; readonly counts: CleanCounts; readonly mapped: Mapped } & News)
  | { readonly id: number; readonly kind: 'failed'; readonly counts: CleanCounts; readonly error: CarriedError }

/** The thread ended in the middle of a pass, for want of memory for example. Nothing was changed by halves. */
export class CleanThreadLost extends Error {}

/** Writing the cleaned segment failed; the cause is the platform's error. */
export class CleanWriteFailed extends Error {}

const IDLE_MS = 60_000

/** The compiled worker: beside this file in a build, and in the build's folder when the sources run, as they do in tests. */
const workerFile = (): string | undefined => {
  const places = [new URL('./clean-worker.js', import.meta.url), new URL('../dist/clean-worker.js', import.meta.url)]
  return places.map(place => fileURLToPath(place)).find(path => existsSync(path))
}

const errorOf = ({ code, isWriting, kind, message }: CarriedError): Error => {
  if (kind === 'aborted') return new CompactionAborted(message)
  if (typeof code === 'number') return new KafkaError(code, message)
  const error = Object.assign(new Error(message), code === '' ? {} : { code })
  return isWriting === true ? new CleanWriteFailed(message, { cause: error }) : error
}

/** One pass that is done in the thread. */
class ThreadPass implements CleanWork {
  readonly counts = new CleanCounts()
  readonly #id: number
  readonly #facts: PassFacts
  readonly #pace: CleanPace
  readonly #thread: CleanThread
  #target: GroupTarget | undefined
  #index: TransactionSink | undefined
  /** Why what the thread tells is not taken in any more; the pass is given up then. */
  #broken: Error | undefined
  #settle: { resolve(mapped: Mapped): void; reject(error: Error): void } | undefined

  constructor(id: number, facts: PassFacts, context: { readonly pace: CleanPace; readonly thread: CleanThread }) {
    this.#id = id
    this.#facts = facts
    this.#pace = context.pace
    this.#thread = context.thread
  }

  mapKeys(): Promise<Mapped> {
    return this.#ask({ id: this.#id, kind: 'map', facts: this.#facts })
  }

  async cleanGroup(group: GroupFacts, target: GroupTarget, index: TransactionSink): Promise<void> {
    this.#target = target
    this.#index = index
    await this.#ask({ id: this.#id, kind: 'group', path: target.path, group })
  }

  end(): void {
    this.#thread.forget(this.#id)
  }

  hear(message: FromCleaner): void {
    if (message.kind === 'failed') {
      this.fail(this.#broken ?? errorOf(message.error))
      return
    }
    this.#takeIn(message)
    if (message.kind === 'took') {
      void this.#took(message.bytes)
      return
    }
    Object.assign(this.counts, message.counts)
    if (this.#broken !== undefined) {
      this.fail(this.#broken)
      return
    }
    const settle = this.#settle
    this.#settle = undefined
    settle?.resolve(message.mapped)
  }

  #takeIn({ facts, kept }: News): void {
    try {
      this.#target?.wrote(facts)
      for (const transaction of kept) this.#index?.append(transaction)
    } catch (error) {
      this.#broken ??= asError(error)
    }
  }

  fail(error: Error): void {
    const settle = this.#settle
    this.#settle = undefined
    settle?.reject(error)
  }

  async #took(bytes: number): Promise<void> {
    let isWanted = this.#broken === undefined
    try {
      if (isWanted) await this.#pace.took(bytes)
    } catch {
      isWanted = false
    }
    this.#thread.post({ id: this.#id, kind: 'go', isWanted })
  }

  #ask(message: ToCleaner): Promise<Mapped> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      if (!this.#thread.post(message)) this.fail(new CleanThreadLost('the thread of the cleaner is gone'))
    })
  }
}

/** See the top of the file. */
export class CleanThread {
  readonly #clock: Clock
  readonly #file: string
  readonly #idleMs: number
  readonly #passes = new Map<number, ThreadPass>()
  #worker: Worker | undefined
  #idle: Timer | undefined
  #lastId = 0

  private constructor(file: string, options: { readonly clock: Clock; readonly idleMs?: number }) {
    this.#file = file
    this.#clock = options.clock
    this.#idleMs = options.idleMs ?? IDLE_MS
  }

  /** Undefined where only sources are there, without a build beside them: then passes are done on the event loop. */
  static find(options: { readonly clock: Clock; readonly idleMs?: number }): CleanThread | undefined {
    const file = workerFile()
    return file === undefined ? undefined : new CleanThread(file, options)
  }

  /** Whether the thread is there. */
  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  /** Begins a pass on the real disk. It must be ended. */
  begin(facts: PassFacts, pace: CleanPace): CleanWork {
    this.#idle?.cancel()
    this.#idle = undefined
    this.#worker ??= this.#start()
    // A process that stops waits for the passes that it has given up.
    this.#worker.ref()
    const id = ++this.#lastId
    const pass = new ThreadPass(id, facts, { pace, thread: this })
    this.#passes.set(id, pass)
    return pass
  }

  /** Ends the thread; passes that are under way fail with CleanThreadLost. */
  async close(): Promise<void> {
    this.#idle?.cancel()
    this.#idle = undefined
    const worker = this.#worker
    if (worker === undefined) return
    this.#lost(worker, 'it was closed')
    await worker.terminate()
  }

  /** For the passes. False when the thread of the pass is gone. */
  post(message: ToCleaner): boolean {
    if (this.#worker === undefined || !this.#passes.has(message.id)) return false
    this.#worker.postMessage(message, [])
    return true
  }

  /** For the passes. */
  forget(id: number): void {
    this.post({ id, kind: 'end' })
    if (!this.#passes.delete(id) || this.#passes.size > 0 || this.#worker === undefined) return
    this.#worker.unref()
    this.#idle = this.#clock.after(this.#idleMs, () => {
      void this.close()
    })
  }

  #start(): Worker {
    // Without the options of this process, which in tests point at sources.
    const worker = new Worker(this.#file, { execArgv: [] })
    worker.on('message', (message: FromCleaner) => this.#passes.get(message.id)?.hear(message))
    worker.on('messageerror', error => this.#lost(worker, error.message))
    worker.on('error', error => this.#lost(worker, String(error)))
    worker.on('exit', code => this.#lost(worker, `it ended with ${code}`))
    return worker
  }

  #lost(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const passes = [...this.#passes.values()]
    this.#passes.clear()
    for (const pass of passes) pass.fail(new CleanThreadLost(`the thread of the cleaner is gone: ${reason}`))
  }
}
