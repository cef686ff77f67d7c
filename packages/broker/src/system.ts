// The real world behind the interfaces of @ottla/protocol.
import { randomBytes } from 'node:crypto'
import type { Clock, Random } from '@ottla/protocol'

/** The longest delay that setTimeout knows. */
const MAX_DELAY_MS = 0x7fff_ffff

/** The system's clocks; its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(delayMs, MAX_DELAY_MS))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** The system's randomness. */
export const systemRandom: Random = {
  next: () => Math.random(),
  bytes: size => randomBytes(size),
}

/** Keeps the process alive while something is awaited that no socket or file stands for, such as timers of `systemClock`. */
export async function stayingAlive<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, MAX_DELAY_MS)
  try {
    return await work
  } finally {
    clearInterval(timer)
  }
}
