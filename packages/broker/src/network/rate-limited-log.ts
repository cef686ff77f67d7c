import type { Clock, Logger } from '@ottla/protocol'

const WINDOW_MS = 10_000
const LINES_PER_WINDOW = 10

/**
 * Warnings that a client can cause at will: of each kind a few in ten seconds, then how many were left out, so that nobody
 * fills a disk by knocking at a port. Kinds are constants of the program, never taken from a client.
 */
export class RateLimitedLog {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #kinds = new Map<string, { startedAtMs: number; lines: number; leftOut: number }>()

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  /** Logs a warning of this kind, or counts it. */
  warn(kind: string, fields: object, message: string): void {
    const now = this.#clock.monotonic()
    let state = this.#kinds.get(kind)
    if (!state || now - state.startedAtMs >= WINDOW_MS) {
      this.#report(kind, state)
      state = { startedAtMs: now, lines: 0, leftOut: 0 }
      this.#kinds.set(kind, state)
    }
    if (state.lines >= LINES_PER_WINDOW) {
      state.leftOut++
      return
    }
    state.lines++
    this.#logger.warn(fields, message)
  }

  /** Says what was left out in windows that have ended; to be called now and then. */
  sweep(): void {
    const now = this.#clock.monotonic()
    for (const [kind, state] of this.#kinds) {
      if (now - state.startedAtMs < WINDOW_MS) continue
      this.#report(kind, state)
      this.#kinds.delete(kind)
    }
  }

  #report(kind: string, state: { leftOut: number } | undefined): void {
    if (state && state.leftOut > 0)
      this.#logger.warn({ kind, leftOut: state.leftOut }, `${state.leftOut} more log lines of this kind left out`)
  }
}

/** A logger whose warnings are limited, each message a kind of its own: messages are constants of the program, fields hold what differs. */
export function limitedWarnings(logger: Logger, clock: Clock): Logger {
  const log = new RateLimitedLog(logger, clock)
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => log.warn(message, fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: fields => limitedWarnings(logger.child(fields), clock),
  }
}
