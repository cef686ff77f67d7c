import { describe, expect, it } from 'vitest'
import { LogSimulation } from './log-simulation.ts'

const FIRST = Number(process.env.FUZZ_SEED)
const SEEDS = 200 * Number(process.env.SIMULATION_TIMES)

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

/** A life that does not end is a failure too. */
const bounded = (seed: number): Promise<void> => {
  const work = life(seed)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it hangs')), 5000)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

describe('a log on a disk that forgets what was not flushed', () => {
  it(`never loses what it promised and never invents anything, seeds from ${FIRST} on`, async () => {
    const failures: string[] = []
    for (let seed = FIRST; seed < FIRST + SEEDS && failures.length < 5; seed++) {
      try {
        await bounded(seed)
      } catch (error) {
        failures.push(`FUZZ_SEED=${seed}: ${error instanceof Error ? error.stack : String(error)}`)
      }
    }
    expect(failures.join('\n')).toBe('')
  }, 300_000)
})
