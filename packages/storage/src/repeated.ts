import { asError } from './platform-error.ts'
import type { Clock, Logger, Timer } from '@ottla/protocol'

/** Work that is done again and again. */
export interface Repeated {
  stop(): void
}

/** Does `run` every `intervalMs`, counted from its end; a failure is logged and the next turn tries again. */
export const every = (
  world: { clock: Clock; logger: Logger; background(work: Promise<void>): void },
  intervalMs: number,
  run: () => void | Promise<void>,
): Repeated => {
  let stopped = false
  let timer: Timer | undefined
  const turn = async (): Promise<void> => {
    try {
      await run()
    } catch (error) {
      world.logger.warn({ error: asError(error).message }, 'background work of the logs failed and is tried again')
    }
    schedule()
  }
  const schedule = (): void => {
    if (!stopped) timer = world.clock.after(intervalMs, () => world.background(turn()))
  }
  schedule()
  return {
    stop: () => {
      stopped = true
      timer?.cancel()
    },
  }
}
