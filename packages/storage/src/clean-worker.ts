// The other end of `CleanThread`: does the heavy part of compaction passes in a worker thread. Passes that run at a time take turns at
// every reading.

import { parentPort } from 'node:worker_threads'
import { KafkaError, type RecordBatch } from '@ottla/protocol'
import { BatchChunks } from './batch-chunks.ts'
import { CompactionAborted, type PassPace } from './clean-pace.ts'
import type { CleanTarget } from './clean-segments.ts'
import type { CarriedError, ToCleaner, FromCleaner } from './clean-thread.ts'
import { CleanPass, type GroupFacts } from './clean-work.ts'
import type { Files, OpenFile } from './files.ts'
import { nodeFiles } from './node-files.ts'
import { asError, codeOf } from './platform-error.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/** What failed was the writing. */
class WriteFailed extends Error {
  readonly failure: Error

  constructor(failure: Error) {
    super(failure.message)
    this.failure = failure
  }
}

const carried = (error: Error): CarriedError => {
  if (error instanceof WriteFailed) return { ...carried(error.failure), isWriting: true }
  const { message } = error
  if (error instanceof CompactionAborted) return { kind: 'aborted', message }
  if (error instanceof KafkaError) return { kind: 'kafka', code: error.code, message }
  return { kind: 'platform', code: codeOf(error), message }
}

/** Collects what is to be told about batches that were written. */
class WorkerTarget implements CleanTarget {
  #facts: number[] = []
  #kept: AbortedTransaction[] = []
  readonly #chunks = new BatchChunks()
  #size = 0
  #written = 0
  readonly #file: OpenFile

  constructor(path: string) {
    try {
      // It was made by the other side: where it is missing the folder is another one by now.
      this.#file = nodeFiles.openSync(path, 'update')
    } catch (error) {
      throw new WriteFailed(asError(error))
    }
  }

  add(batch: RecordBatch): void {
    const { lastOffset, maxTimestamp, sizeInBytes } = batch
    this.#facts.push(lastOffset, maxTimestamp, sizeInBytes)
    this.#size += sizeInBytes
    this.#chunks.add(batch)
  }

  flush(): void {
    const chunks = this.#chunks.take()
    if (chunks.length === 0) return
    try {
      this.#file.writeSync(chunks, this.#written)
    } catch (error) {
      throw new WriteFailed(asError(error))
    }
    this.#written = this.#size
  }

  append(transaction: AbortedTransaction): void {
    this.#kept.push(transaction)
  }

  /** What is new since the last call, of batches that are in the file. */
  news(): { facts: Float64Array<ArrayBuffer>; kept: AbortedTransaction[] } {
    const news = { facts: Float64Array.from(this.#facts), kept: this.#kept }
    this.#facts = []
    this.#kept = []
    return news
  }

  close(): void {
    this.#file.closeSync()
  }
}

/** There is nothing else to be done here while a file is read, and going to another thread for it costs more than it. */
const files: Files = {
  ...nodeFiles,
  openSync(path, mode) {
    const file = nodeFiles.openSync(path, mode)
    return Object.assign(file, { read: (...args: Parameters<OpenFile['readSync']>) => Promise.resolve(file.readSync(...args)) })
  },
}

const port = parentPort
const nothing = { facts: new Float64Array(0), kept: [] }

const post = (message: FromCleaner): void => port?.postMessage(message)

/** One pass. Every reading is told, and the next but one waits until the other side has said that it may be. */
class WorkerPass implements PassPace {
  readonly isDue = false
  readonly #id: number
  readonly #pass: CleanPass
  #target: WorkerTarget | undefined
  #isWanted = true
  /** Whether an answer is to come. */
  #asked = false
  #wake: (() => void) | undefined

  constructor(id: number, facts: ConstructorParameters<typeof CleanPass>[0]) {
    this.#id = id
    this.#pass = new CleanPass(facts, { files, pace: this })
  }

  pause(): Promise<void> {
    return Promise.resolve()
  }

  inSteps(count: number, work: (from: number, until: number) => boolean): boolean {
    return work(0, count)
  }

  async took(bytes: number): Promise<void> {
    await this.#answered()
    this.#asked = true
    post({ id: this.#id, kind: 'took', bytes, ...(this.#target?.news() ?? nothing) })
  }

  /** The other side lets go on, or not. */
  go(isWanted: boolean): void {
    this.#asked = false
    this.#isWanted &&= isWanted
    this.#wake?.()
  }

  async #answered(): Promise<void> {
    if (this.#asked)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    this.#wake = undefined
    if (!this.#isWanted) throw new CompactionAborted('the pass is not wanted any more')
  }

  async #answer(work: () => Promise<{ latestOffset: number; keys: number }>): Promise<void> {
    const { counts } = this.#pass
    try {
      const mapped = await work()
      await this.#answered()
      post({ id: this.#id, kind: 'done', counts, mapped, ...(this.#target?.news() ?? nothing) })
    } catch (error) {
      post({ id: this.#id, kind: 'failed', counts, error: carried(asError(error)) })
    }
  }

  mapKeys(): Promise<void> {
    return this.#answer(() => this.#pass.mapKeys())
  }

  cleanGroup(path: string, group: GroupFacts): Promise<void> {
    return this.#answer(async () => {
      const target = new WorkerTarget(path)
      this.#target = target
      try {
        await this.#pass.cleanGroup(group, target, target)
      } finally {
        target.close()
      }
      return { latestOffset: -1, keys: 0 }
    })
  }
}

const passes = new Map<number, WorkerPass>()

const take = async (message: ToCleaner): Promise<void> => {
  const { id } = message
  if (message.kind === 'map') {
    const pass = new WorkerPass(id, message.facts)
    passes.set(id, pass)
    await pass.mapKeys()
  } else if (message.kind === 'group') await passes.get(id)?.cleanGroup(message.path, message.group)
  else if (message.kind === 'go') passes.get(id)?.go(message.isWanted)
  else passes.delete(id)
}

port?.on('message', (message: ToCleaner) => {
  void take(message)
})
