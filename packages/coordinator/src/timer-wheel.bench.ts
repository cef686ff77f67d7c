// 100,000 members whose session begins anew with each heartbeat: on the wheel, and with a clock's timer for each.
import type { Clock, Timer } from '@ottla/protocol'
import { bench, describe } from 'vitest'
import { answered } from './decision.ts'
import { TimerWheel } from './timer-wheel.ts'

const MEMBERS = 100_000
const nothing = () => answered(undefined)
const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs: number, run: () => void): Timer {
    const timeout = setTimeout(run, delayMs).unref()
    return { cancel: () => clearTimeout(timeout) }
  },
}

describe('100,000 sessions set anew', () => {
  const timers = new TimerWheel(clock).timers(() => undefined)
  bench('wheel', () => {
    for (let member = 0; member < MEMBERS; member++) timers.set(`session-group-${member}`, 45_000, nothing)
  })

  const each = new Map<string, Timer>()
  bench("a clock's timer for each", () => {
    for (let member = 0; member < MEMBERS; member++) {
      const key = `session-group-${member}`
      each.get(key)?.cancel()
      each.set(
        key,
        clock.after(45_000, () => undefined),
      )
    }
  })
})
