// What the tests of the log share: a world under their control.

import { type Clock, BatchBuilder, type CompressionName, type Logger, RecordBatch, type Timer } from '@ottla/protocol'
import type { FetchedData } from './fetched.ts'

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  wall: number
  mono = 0
  readonly #timers = new Set<{ at: number; run: () => void }>()

  constructor(wall = 1_700_000_000_000) {
    this.wall = wall
  }

  now(): number {
    return this.wall
  }

  monotonic(): number {
    return this.mono
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { at: this.mono + delayMs, run }
    this.#timers.add(timer)
    return { cancel: () => this.#timers.delete(timer) }
  }

  /** Lets time pass and runs what is due. */
  advance(ms: number): void {
    this.mono += ms
    this.wall += ms
    const due = [...this.#timers].filter(timer => timer.at <= this.mono)
    for (const timer of due) if (this.#timers.delete(timer)) timer.run()
  }
}

/** Keeps what is logged. */
export class KeptLogger implements Logger {
  readonly lines: { level: string; fields: object; message: string }[] = []
  debug(): void {
    // Not of interest.
  }
  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', fields, message })
  }
  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', fields, message })
  }
  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', fields, message })
  }
  child(): Logger {
    return this
  }
}

/** The end of a loop turn, by hand. */
export class ManualSchedule {
  #pending: (() => void)[] = []
  readonly schedule = (run: () => void): void => {
    this.#pending.push(run)
  }
  /** The process is gone: what it meant to do does not happen. */
  forget(): void {
    this.#pending = []
  }
  run(): void {
    for (const run of this.#pending.splice(0)) run()
  }
}

export interface BatchInit {
  readonly values: readonly string[]
  readonly timestamps?: readonly number[]
  readonly compression?: CompressionName
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
}

/** A batch as a producer sends it. */
export const batchOf = (init: BatchInit): RecordBatch => {
  const { values, timestamps, ...options } = init
  const builder = new BatchBuilder(options)
  values.forEach((value, index) =>
    builder.append({ timestamp: timestamps?.[index] ?? 1_700_000_000_000, key: null, value: Buffer.from(value) }),
  )
  return builder.build()
}

/** All bytes of a read, copied, and the read released. */
export const bytesOf = (data: FetchedData): Buffer => {
  const bytes = Buffer.concat(data.chunks)
  data.release()
  return bytes
}
