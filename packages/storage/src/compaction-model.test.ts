import { describe, expect, it } from 'vitest'
import { CompactionModel } from './compaction-model.ts'

const FIRST = Number(process.env.FUZZ_SEED)
const SEEDS = 30 * Number(process.env.SIMULATION_TIMES)

const life = async (seed: number): Promise<void> => {
  const model = await CompactionModel.open(seed)
  for (let step = 0; step < 150; step++) await model.step()
  await model.compact()
  await model.check()
}

/** A life that does not end is a failure too. */
const bounded = (seed: number): Promise<void> => {
  const work = life(seed)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it hangs')), 10_000)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

describe('a compacted log', () => {
  it(`gives every reader the last value of each key, seeds from ${FIRST} on`, async () => {
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
