// Waiting for a state of the broker, in real time, with an error that says what was there instead.
import { seedNote } from '../seeds.ts'
import { pause, realNow } from '../world/real-time.ts'

/** How long to wait. */
export interface WaitOptions {
  /** Real milliseconds, 5,000 by default. */
  readonly timeoutMs?: number
}

export const DEFAULT_TIMEOUT_MS = 5000

/** A state that did not come about in time. */
export class TimeoutError extends Error {
  constructor(message: string) {
    super(`${message}${seedNote()}`)
    this.name = 'TimeoutError'
  }
}

const FIRST_PAUSE_MS = 1
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
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const seen = await look().catch((error: unknown): Look<T> => ({ instead: error instanceof Error ? error.message : String(error) }))
    if ('found' in seen) return seen.found
    if (realNow() + pauseMs > deadline) throw new TimeoutError(`${what}: not within ${timeoutMs} ms.\n${seen.instead}`)
    await pause(pauseMs)
  }
}
