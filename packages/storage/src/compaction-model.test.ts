import { describe, expect, it } from 'vitest'
import { CompactionModel } from './compaction-model.ts'
import { failuresOf } from './lives-testing.ts'

const life = async (seed: number): Promise<void> => {
  const model = await CompactionModel.open(seed)
  for (let step = 0; step < 150; step++) await model.step()
  await model.compact()
  await model.check()
}

describe('a compacted log', () => {
  it('gives every reader the last value of each key', async () => {
    expect(await failuresOf(30 * Number(process.env.SIMULATION_TIMES), life)).toBe('')
  }, 300_000)
})
