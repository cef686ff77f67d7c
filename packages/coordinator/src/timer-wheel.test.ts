// The wheel beside a model that looks at every timer: what fires, when, and what is left.
import { expect, it, vi } from 'vitest'
import { ManualClock, seededRandom } from '@ottla/protocol'
import { answered } from './decision.ts'
import { TimerWheel } from './timer-wheel.ts'

const nothing = () => answered(undefined)

const delays = [0, 1, 9, 10, 11, 640, 5_000, 41_000, 45_000, 2_700_000, 90_000_000, 700_000_000, 3_000_000_000] as const

it('fires what is due, never early and no more than a tick late', () => {
  const first = Number(process.env.FUZZ_SEED)
  for (let seed = first; seed < first + 4 * Number(process.env.SIMULATION_TIMES); seed++) {
    const random = seededRandom(seed)
    const below = (limit: number): number => Math.floor(random.next() * limit)
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock)
    const model = new Map<string, number>()
    const check = (key: string): void => {
      const deadline = model.get(key) ?? Number.NaN
      expect(clock.monotonic(), `seed ${seed}: ${key} is early`).toBeGreaterThanOrEqual(deadline)
      expect(clock.monotonic(), `seed ${seed}: ${key} is late`).toBeLessThanOrEqual(deadline + 20)
      model.delete(key)
      if (below(4) === 0) set(key)
    }
    const timers = wheel.timers(check)
    const set = (key: string): void => {
      const delay = below(2) === 0 ? (delays[below(delays.length)] ?? 0) : below(100_000)
      model.set(key, clock.monotonic() + delay)
      timers.set(key, delay, nothing)
    }
    for (let step = 0; step < 400; step++) {
      const key = `k${below(30)}`
      if (below(3) > 0) set(key)
      else if (below(2) === 0) {
        timers.cancel(key)
        model.delete(key)
      } else clock.advance(below(3) === 0 ? (delays[below(delays.length)] ?? 0) : below(2000))
      expect(timers.has(key)).toBe(model.has(key))
      expect(wheel.size).toBe(model.size)
      expect(clock.pending).toBe(model.size === 0 ? 0 : 1)
      const forgotten = [...model].filter(([, deadline]) => deadline + 20 <= clock.monotonic())
      expect(forgotten, `seed ${seed}`).toEqual([])
    }
  }
})

it('only notes a later deadline', () => {
  const clock = new ManualClock()
  const wheel = new TimerWheel(clock)
  const fired: string[] = []
  const timers = wheel.timers(key => fired.push(key))
  timers.set('member', 45_000, nothing)
  const asked = vi.spyOn(clock, 'after')
  for (let beat = 0; beat < 100; beat++) {
    clock.advance(3)
    timers.set('member', 45_000, nothing)
  }
  expect(asked).not.toHaveBeenCalled()
  clock.advance(44_990)
  expect(fired).toEqual([])
  clock.advance(30)
  expect(fired).toEqual(['member'])
})

it('takes the timers of one owner back and leaves those of others', () => {
  const clock = new ManualClock()
  const wheel = new TimerWheel(clock)
  const fired: string[] = []
  const [one, other] = [wheel.timers(key => fired.push(`one ${key}`)), wheel.timers(key => fired.push(`other ${key}`))]
  for (const timers of [one, other]) timers.set('same', 100, nothing)
  one.close()
  one.set('late', 1, nothing)
  expect(wheel.size).toBe(1)
  clock.advance(1000)
  expect(fired).toEqual(['other same'])
  expect(clock.pending).toBe(0)
})

it('goes on when one of its owners fails', () => {
  const clock = new ManualClock()
  const wheel = new TimerWheel(clock)
  const fired: string[] = []
  const timers = wheel.timers(key => {
    if (key === 'bad') throw new Error('a mistake')
    fired.push(key)
  })
  timers.set('bad', 10, nothing)
  timers.set('good', 10, nothing)
  timers.set('later', 5000, nothing)
  expect(() => clock.advance(100)).toThrow('a mistake')
  clock.advance(10_000)
  expect(fired).toEqual(['good', 'later'])
})
