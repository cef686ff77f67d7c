import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '@ottla/protocol'
import { Slices } from './slices.ts'

const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Slices over turns that the test has come when it likes. */
const start = () => {
  const clock = new ManualClock()
  const turns: (() => void)[] = []
  const slices = new Slices(clock, run => turns.push(run))
  /** Longest turn in ms. */
  const drain = async (): Promise<number> => {
    let longestMs = 0
    await settle()
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
      const beganMs = clock.monotonic()
      turn()
      await settle()
      longestMs = Math.max(longestMs, clock.monotonic() - beganMs)
    }
    return longestMs
  }
  return { clock, slices, turns, drain }
}

describe('slices', () => {
  it('do what is small at once, and ask for no turn for it', () => {
    const { slices, turns } = start()
    expect(slices.map([1, 2, 3], value => value * 2, 8)).toEqual([2, 4, 6])
    expect(slices.each([], () => undefined)).toBeNull()
    expect(
      slices.nested(
        [
          { name: 'a', parts: [1, 2] },
          { name: 'b', parts: [] },
        ],
        { of: ({ parts }) => parts },
        (part, { name }) => `${name}${part}`,
      ),
    ).toEqual([['a1', 'a2'], []])
    expect(turns).toHaveLength(0)
  })

  it('share every turn between all who work, keep the order of each, and lose nothing', async () => {
    const requests = fc.array(fc.array(fc.nat(4), { maxLength: 30 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(requests, async all => {
        const { clock, slices, drain } = start()
        const beganMs = clock.monotonic()
        const made = all.map(costs =>
          slices.map(costs, (ms, at) => {
            clock.advance(ms)
            return at
          }),
        )
        // Each takes one step before it looks at the time.
        expect(clock.monotonic() - beganMs).toBeLessThanOrEqual(5 + 4 + 4 * all.length)
        expect(await drain()).toBeLessThanOrEqual(5 + 4)
        expect(await Promise.all(made.map(async one => one))).toEqual(all.map(costs => costs.map((_, at) => at)))
      }),
    )
  })

  it('make large parts of a whole one a turn, in order', async () => {
    const { clock, slices, drain } = start()
    const wholes = [{ parts: [4, 4, 4] }, { parts: [] }, { parts: [4, 4] }]
    const made = slices.nested(wholes, { of: ({ parts }) => parts, every: 1 }, (ms, { parts }) => {
      clock.advance(ms)
      return `${ms} of ${parts.length}`
    })
    expect(await drain()).toBeLessThanOrEqual(5 + 4)
    expect(await made).toEqual([Array(3).fill('4 of 3'), [], Array(2).fill('4 of 2')])
  })

  it('end with what a step throws, at once or later', async () => {
    const { clock, slices, drain } = start()
    const failing = (failsAt: number) => (value: number) => {
      clock.advance(2)
      if (value === failsAt) throw new Error(`at ${value}`)
    }
    expect(() => slices.each([0, 1, 2], failing(0))).toThrow('at 0')
    const later = slices.each([0, 1, 2, 3, 4, 5, 6], failing(5))
    const outcome = expect(later).rejects.toThrow('at 5')
    await drain()
    await outcome
  })

  it('begin asynchronous work in order, some of it at a time', async () => {
    const { clock, slices, drain } = start()
    const begun: number[] = []
    let underWay = 0
    let most = 0
    const gathered = slices.gather(Array.from({ length: 100 }).keys(), async value => {
      begun.push(value)
      most = Math.max(most, ++underWay)
      clock.advance(1)
      await new Promise<void>(resolve => setImmediate(resolve))
      underWay--
      return -value
    })
    for (let round = 0; round < 100; round++) await drain()
    expect(await gathered).toEqual(Array.from({ length: 100 }, (_, value) => -value))
    expect(begun).toEqual(Array.from({ length: 100 }, (_, value) => value))
    expect(most).toBeLessThanOrEqual(32)
  })

  it('begin in order where some end while others wait for their turn', async () => {
    const { clock, slices, turns, drain } = start()
    const begun: number[] = []
    const ends = new Map<number, () => void>()
    const gathered = slices.gather(Array.from({ length: 40 }).keys(), async value => {
      begun.push(value)
      if (value === 3) clock.advance(10)
      await new Promise<void>(resolve => ends.set(value, resolve))
    })
    await settle()
    expect(begun).toEqual([0, 1, 2, 3])
    turns.shift()?.()
    ends.get(0)?.()
    for (let round = 0; round < 10; round++) {
      await drain()
      for (const end of ends.values()) end()
    }
    await gathered
    expect(begun).toEqual(Array.from({ length: 40 }, (_, value) => value))
  })

  it('begin nothing more after a failure, and tell of it when the rest is done', async () => {
    const { slices } = start()
    const begun: number[] = []
    const gathered = slices.gather(Array.from({ length: 1000 }).keys(), async value => {
      begun.push(value)
      await Promise.resolve()
      if (value === 3) throw new Error('at 3')
    })
    await expect(gathered).rejects.toThrow('at 3')
    expect(begun.length).toBeLessThan(100)
  })
  it('let what is small go first, however many wait', async () => {
    const { clock, slices, drain } = start()
    const long = Array.from({ length: 5 }, () => slices.each([1, 2, 3], () => clock.advance(10)))
    expect(slices.isOver).toBe(true)
    expect(slices.map([1], value => value)).toEqual([1])
    const parts = [1, 2, 3, 4, 5, 6, 7, 8]
    expect(slices.nested([{ parts }], { of: whole => whole.parts }, part => part)).toEqual([parts])
    const order: string[] = []
    const small = slices.gather([1], async () => {
      order.push('small')
    })
    const all = Promise.all([small, ...long.map(async one => one?.then(() => order.push('long')))])
    for (let round = 0; round < 5; round++) await drain()
    await all
    expect(order).toEqual(['small', 'long', 'long', 'long', 'long', 'long'])
  })
})
