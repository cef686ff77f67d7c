// Appends of one turn of the event loop are written together: at its end each log with staged batches gets one vectored write,
// and only then does anybody hear of it.

import type { Logger } from '@ottla/protocol'
import type { Log } from './log.ts'

/** Calls `run` once, after the current turn's events; `setImmediate` outside of a simulation. */
export type Schedule = (run: () => void) => void

/** The logs with something to write or to tell, in the order they got it. */
export class WriteTurn {
  readonly #schedule: Schedule
  readonly #logger: Logger
  #logs: Log[] = []
  #scheduled = false
  readonly #run = (): void => this.run()

  constructor(schedule: Schedule, logger: Logger) {
    this.#schedule = schedule
    this.#logger = logger
  }

  /** Writes this log at the end of the turn. */
  add(log: Log): void {
    if (log.inTurn) return
    log.inTurn = true
    this.#logs.push(log)
    if (this.#scheduled) return
    this.#scheduled = true
    this.#schedule(this.#run)
  }

  /** Writes everything staged, then tells of it. */
  run(): void {
    this.#scheduled = false
    const logs = this.#logs
    if (logs.length === 0) return
    this.#logs = []
    for (const log of logs) {
      log.inTurn = false
      log.writeStaged()
    }
    for (const log of logs) {
      try {
        log.announce()
      } catch (error) {
        this.#logger.error({ error, topic: log.topic, partition: log.partition }, 'a listener of the log failed')
      }
    }
  }
}
