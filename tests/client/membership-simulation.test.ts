// Seeded runs of groups through crashes, lost connections, restarts and changed subscriptions: no partition has two owners, and in the end each has one.
import { expect, test } from 'vitest'
import { PartitionAssigners } from '../../packages/client/src/consumer/assignors/index.ts'
import type { MembershipOptions } from '../../packages/client/src/consumer/group/membership.ts'
import { MembershipSimulation } from './membership-simulation.ts'

const kinds: Record<string, Partial<MembershipOptions>> = {
  eager: {},
  sticky: { partitionAssigners: [PartitionAssigners.sticky] },
  cooperative: { partitionAssigners: [PartitionAssigners.cooperativeSticky] },
  either: { partitionAssigners: [PartitionAssigners.cooperativeSticky, PartitionAssigners.range] },
  consumer: { groupProtocol: 'consumer' },
}
const first = Number(process.env.FUZZ_SEED)
const seeds = Array.from({ length: Number(process.env.SIMULATION_TIMES) }, (_, index) => first + index)

test.each(Object.entries(kinds).flatMap(([kind, options]) => seeds.map(seed => ({ kind, seed, options }))))(
  '$kind, seed $seed',
  async ({ seed, options }) => {
    const simulation = await MembershipSimulation.start(seed, options)
    await simulation.run(40)
    expect(simulation.violations).toEqual([])
    expect(simulation.commits).toBeGreaterThan(0)
    expect(simulation.assignments).toBeGreaterThan(5)
  },
  120_000,
)
