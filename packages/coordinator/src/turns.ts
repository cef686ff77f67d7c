// Work of many, of which only one has the event loop at a time: fifty partitions that are loaded together hold it no longer than one does.

/** Calls what it is given in a later turn of the event loop, and no two in the same one. `later` is what a turn is made with. */
export const inTurns = (later: (run: () => void) => void): ((run: () => void) => void) => {
  const waiting: (() => void)[] = []
  const next = (): void => {
    const run = waiting.shift()
    if (waiting.length > 0) later(next)
    run?.()
  }
  return run => {
    waiting.push(run)
    if (waiting.length === 1) later(next)
  }
}
