// SIGTERM and SIGINT: the first asks to stop, the second ends the process.

/** The same Ctrl-C may come twice when npm passes it on: within this time it is one. */
const SAME_INTERRUPT_MS = 100

/** Resolves with the first signal. A later one ends the process at once with exit code 1. */
export function stopSignals(): Promise<NodeJS.Signals> {
  let firstAt: number | null = null
  return new Promise(resolve => {
    const heard = (signal: NodeJS.Signals): void => {
      const now = performance.now()
      if (firstAt === null) {
        firstAt = now
        resolve(signal)
      } else if (signal !== 'SIGINT' || now - firstAt > SAME_INTERRUPT_MS) process.exit(1)
    }
    process.on('SIGTERM', heard)
    process.on('SIGINT', heard)
  })
}
