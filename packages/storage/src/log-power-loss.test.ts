import { describe, expect, it } from 'vitest'
import { failuresOf } from './lives-testing.ts'
import { LogSimulation } from './log-simulation.ts'

/** Some steps, then an end of one of three kinds, three times over. */
const life = async (seed: number): Promise<void> => {
  const simulation = new LogSimulation(seed)
  await simulation.open()
  for (let round = 0; round < 3; round++) {
    const steps = 5 + simulation.random.below(40)
    for (let step = 0; step < steps; step++) await simulation.step()
    const end = simulation.random.below(10)
    if (end < 5) {
      await simulation.powerLossDuring(async () => {
        for (let step = 0; step < 40; step++) await simulation.step()
      })
    } else if (end < 7) await simulation.powerLoss()
    else if (end < 9) await simulation.crash()
    else await simulation.reopen()
  }
  await simulation.check()
}

describe('a log on a disk that forgets what was not flushed', () => {
  it('never loses what it promised and never invents anything', async () => {
    expect(await failuresOf(200 * Number(process.env.SIMULATION_TIMES), life)).toBe('')
  }, 300_000)
})
