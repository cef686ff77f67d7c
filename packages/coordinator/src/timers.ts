// Timers of one state machine by name. All of them hang on one wheel: setting one again only notes its new deadline.

import type { Decision } from './decision.ts'

/** Timers of one coordinator partition. What fires is a command like any other. */
export interface Timers {
  /** Runs `expired` once after `delayMs`, in place of what was set under `key` before. */
  set(key: string, delayMs: number, expired: () => Decision<void>): void
  /** Takes a timer back, if there is one. */
  cancel(key: string): void
  has(key: string): boolean
}
