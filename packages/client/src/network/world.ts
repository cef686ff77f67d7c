// The real clock and randomness of a client. Unlike a broker's, these timers keep the process alive: whoever waits for a retry or for a
// time-out waits for something, though no socket may be open meanwhile. A cluster cancels all of its timers when it disconnects.
import { randomBytes } from 'node:crypto'
import type { Clock, Random } from '@ottla/protocol'

/** The longest delay that setTimeout knows. */
const MAX_DELAY_MS = 0x7fff_ffff

/** The system's clocks. */
export const clientClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(delayMs, MAX_DELAY_MS))
    return { cancel: () => clearTimeout(timer) }
  },
}

/** The system's randomness. */
export const clientRandom: Random = {
  next: () => Math.random(),
  bytes: size => randomBytes(size),
}
