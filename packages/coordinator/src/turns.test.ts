import { expect, it } from 'vitest'
import { ManualClock } from '@ottla/protocol'
import { Turns } from './turns.ts'

it('shares the time of a turn, and lets each be first in turn', async () => {
  const clock = new ManualClock()
  const turns = new Turns(clock, setImmediate)
  const worked = [0, 0, 0]
  const work = async (who: number): Promise<void> => {
    for (let piece = 0; piece < 50; piece++) {
      if (turns.isOver) await turns.pause()
      worked[who] = (worked[who] ?? 0) + 1
      clock.advance(1)
    }
  }
  const all = Promise.all([0, 1, 2].map(work))
  let turn = 0
  while (Math.max(...worked) < 20) {
    const before = clock.monotonic()
    await new Promise(resolve => setImmediate(resolve))
    if (turn++ > 0) expect(clock.monotonic() - before).toBeLessThanOrEqual(8)
  }
  expect(Math.min(...worked)).toBeGreaterThan(10)
  await all
  expect(worked).toEqual([50, 50, 50])
})
