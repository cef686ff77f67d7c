// What the tests of the log share: a world under their control.

import { BatchBuilder, type CompressionName, type Logger, RecordBatch } from '@ottla/protocol'
import type { FetchedData } from './fetched.ts'

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
