// The timers of the process, taken before a test can put false ones in their place.
const LONG_MS = 2 ** 30

const timers = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setImmediate: globalThis.setImmediate,
  now: performance.now.bind(performance),
  wall: Date.now.bind(Date),
}

/** Monotonic milliseconds of the real world. */
export const realNow = (): number => timers.now()

/** Wall-clock time of the real world. */
export const realWallClock = (): number => timers.wall()

/** As setTimeout of the real world; returns what cancels it. */
export function realAfter(delayMs: number, run: () => void, keepsAlive = false): () => void {
  const timer = timers.setTimeout(run, delayMs)
  if (!keepsAlive) timer.unref()
  return () => timers.clearTimeout(timer)
}

/** Resolves after so many milliseconds of the real world. */
export const pause = (delayMs: number): Promise<void> => new Promise(resolve => realAfter(delayMs, resolve, true))

/** Resolves in the next turn of the event loop. */
export const nextTurn = (): Promise<void> => new Promise(resolve => timers.setImmediate(resolve))

/** Keeps the process alive until the function that is returned is called. */
export function keepAlive(): () => void {
  const plan = { cancel: (): void => undefined }
  const wait = (): void => {
    plan.cancel = realAfter(LONG_MS, wait, true)
  }
  wait()
  return () => plan.cancel()
}
