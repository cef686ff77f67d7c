import { asError } from './platform-error.ts'
import type { Clock, Logger, Timer } from '@ottla/protocol'
import type { Schedule } from './write-turn.ts'

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

/** Background work keeps the event loop this long at a time. */
const TURN_MS = 10

/** Does `work` for one item after the other, a few milliseconds at a time; items that come meanwhile may be among them. */
export const inTurns = async <T>(
  items: Iterable<T>,
  work: (item: T) => void,
  world: { readonly clock: Clock; readonly schedule: Schedule; readonly isOver: () => boolean },
): Promise<void> => {
  const { clock, schedule, isOver } = world
  let turnEndsMs = clock.monotonic() + TURN_MS
  for (const item of items) {
    work(item)
    if (clock.monotonic() < turnEndsMs) continue
    await new Promise<void>(resolve => {
      schedule(resolve)
    })
    if (isOver()) return
    turnEndsMs = clock.monotonic() + TURN_MS
  }
}
