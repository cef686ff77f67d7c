// Ending well when the process is told to: on a signal, consumers finish what they have in hand, commit and leave their groups, producers
// send what they hold, and only then the process ends.

/** What can be ended: a producer, consumer or admin client. */
export interface Disconnectable {
  disconnect(): Promise<void>
}

/** How a process ends. */
export interface GracefulShutdownOptions {
  /** Signals to listen to: SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[]
  /** How long all clients together may take, in ms: 30,000. After that the process ends all the same. */
  readonly timeoutMs?: number
  /** What to do at the end in place of ending the process by the signal that came. `failures`: what clients could not do, a time-out included. */
  readonly onEnd?: (signal: NodeJS.Signals, failures: readonly Error[]) => void
}

/** Where signals come from; tests have their own. */
export interface SignalSource {
  readonly pid: number
  on(signal: NodeJS.Signals, listener: () => void): unknown
  off(signal: NodeJS.Signals, listener: () => void): unknown
  kill(pid: number, signal: NodeJS.Signals): unknown
}

/**
 * Disconnects the clients, in the order given, when one of the signals comes: name consumers before the producers that their handlers
 * use. Then the process ends by the same signal (so that its parent sees why). A second signal meanwhile ends it at once. Returns what
 * undoes it.
 */
export function gracefulShutdown(options: GracefulShutdownOptions, ...clients: Disconnectable[]): () => void {
  return shutdownOf(process, options, clients)
}

/** gracefulShutdown of any process. */
export function shutdownOf(source: SignalSource, options: GracefulShutdownOptions, clients: readonly Disconnectable[]): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], timeoutMs = 30_000, onEnd } = options
  const listeners = signals.map(signal => ({ signal, listener: () => void end(signal) }))
  const remove = (): void => {
    for (const { signal, listener } of listeners) source.off(signal, listener)
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    remove()
    const failures = await disconnected(clients, timeoutMs)
    if (onEnd === undefined) source.kill(source.pid, signal)
    else onEnd(signal, failures)
  }
  for (const { signal, listener } of listeners) source.on(signal, listener)
  return remove
}

async function disconnected(clients: readonly Disconnectable[], timeoutMs: number): Promise<Error[]> {
  const failures: Error[] = []
  const all = (async () => {
    for (const client of clients) {
      await client.disconnect().catch((error: unknown) => {
        failures.push(error instanceof Error ? error : new Error(String(error)))
      })
    }
  })()
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<void>(resolve => {
    timer = setTimeout(() => {
      failures.push(new Error(`Clients did not disconnect within ${timeoutMs} ms`))
      resolve()
    }, timeoutMs)
  })
  await Promise.race([all, timeUp])
  clearTimeout(timer)
  return [...failures]
}
