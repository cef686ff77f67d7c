import { describe, expect, it } from 'vitest'
import { ClassicSimulation } from './classic-simulation.ts'

const firstSeed = Number(process.env.FUZZ_SEED)
const seeds = 15 * Number(process.env.SIMULATION_TIMES)

describe('random lives of classic groups', () => {
  it('keep what always holds, and come to rest', async () => {
    const seen = { joined: 0, synced: 0, fenced: 0, late: 0, restarts: 0 }
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const life = new ClassicSimulation(seed)
      try {
        for (let step = 0; step < 300; step++) await life.step()
        await life.settle()
        await life.end()
      } catch (error) {
        throw new Error(`with seed ${seed}`, { cause: error })
      }
      for (const name of ['joined', 'synced', 'fenced', 'late', 'restarts'] as const) seen[name] += life.seen[name]
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20)
  })
})
