// Waiting for a state of the broker, in real time, with an error that says what was there instead.
import { seedNote } from '../seeds.ts'
import { nextTurn, pause, realNow } from '../world/real-time.ts'

/** How long to wait. */
export interface WaitOptions {
  /** Real milliseconds, 4,000 by default. */
  readonly timeoutMs?: number
}

/** Less than the 5 s that vitest and jest leave a test, so that it is this wait that says what was missing. */
export const DEFAULT_TIMEOUT_MS = 4000

/** A state that did not come about in time. */
export class TimeoutError extends Error {
  constructor(message: string) {
    super(`${message}${seedNote()}`)
    this.name = 'TimeoutError'
  }
}

/** What the broker is about to do is there after a turn or two. */
const QUICK_ROUNDS = 4
const LONGEST_PAUSE_MS = 20

/** What a look at the broker found: what was waited for, or in words what is there instead. */
export type Look<T> = { readonly found: T } | { readonly instead: string }

/**
 * Looks again and again until `look` finds what is wanted. Errors of `look`, such as those of a broker that starts again, count as not
 * found. Rejects with TimeoutError.
 */
export async function awaitState<T>(
  what: string,
  look: () => Promise<Look<T>>,
  { timeoutMs = DEFAULT_TIMEOUT_MS }: WaitOptions = {},
): Promise<T> {
  const deadline = realNow() + timeoutMs
  for (let round = 0; ; round++) {
    const pauseMs = round < QUICK_ROUNDS ? 0 : Math.min(2 ** (round - QUICK_ROUNDS), LONGEST_PAUSE_MS)
    const seen = await look().catch((error: unknown): Look<T> => ({ instead: error instanceof Error ? error.message : String(error) }))
    if ('found' in seen) return seen.found
    if (realNow() + pauseMs > deadline) throw new TimeoutError(`${what}: not within ${timeoutMs} ms.\n${seen.instead}`)
    await (pauseMs === 0 ? nextTurn() : pause(pauseMs))
  }
}
