import { type BrokerImage, ClusterImage, type PartitionImage } from '@ottla/metadata'
import { describe, expect, it } from 'vitest'
import { afterReturn } from './leadership.ts'

const broker = (id: number, fenced: boolean): BrokerImage => ({
  id,
  incarnation: '',
  epoch: 1,
  endpoints: [],
  rack: null,
  fenced,
  shuttingDown: false,
  isNew: false,
  logDirs: [],
})

/** Brokers 1 to 3, of which some are alive. */
function imageWith(alive: readonly number[]): ClusterImage {
  const brokers = new Map([1, 2, 3].map(id => [id, broker(id, !alive.includes(id))]))
  return new ClusterImage({ ...ClusterImage.empty.parts, brokers })
}

const partition = (more: Partial<PartitionImage>): PartitionImage => ({
  leader: -1,
  leaderEpoch: 5,
  partitionEpoch: 9,
  isr: [],
  elr: [],
  lastKnownElr: [],
  replicas: [1, 2, 3],
  adding: [],
  removing: [],
  recoveryState: 0,
  ...more,
})

const returns = (before: PartitionImage, id: number, more: { clean?: boolean; alive?: readonly number[]; minInsync?: number } = {}) =>
  afterReturn(before, { image: imageWith(more.alive ?? []), broker: { id, clean: more.clean ?? true }, minInsync: more.minInsync ?? 1 })

describe('a broker that returns', () => {
  it('leads again in the next epoch after a clean stop', () => {
    const after = returns(partition({ leader: 1, isr: [1], replicas: [1] }), 1)
    expect(after).toMatchObject({ leader: 1, leaderEpoch: 6, isr: [1] })
  })

  it('leads its only replica again after a kill, though it left the replicas in sync', () => {
    const after = returns(partition({ leader: 1, isr: [1], replicas: [1] }), 1, { clean: false })
    expect(after).toMatchObject({ leader: 1, leaderEpoch: 6, isr: [1], elr: [], lastKnownElr: [], recoveryState: 0 })
  })

  it('leaves the replicas in sync after a kill while another one leads', () => {
    const before = partition({ leader: 2, isr: [1, 2] })
    expect(returns(before, 1, { clean: false, alive: [2] })).toMatchObject({ leader: 2, leaderEpoch: 5, isr: [2] })
    expect(returns(before, 1, { clean: true, alive: [2] })).toBe(before)
  })

  it('does not lead after a kill while others are in sync but away', () => {
    const after = returns(partition({ leader: 1, isr: [1, 2] }), 1, { clean: false })
    expect(after).toMatchObject({ leader: -1, leaderEpoch: 6, isr: [2], lastKnownElr: [] })
  })

  it('is remembered as the last one known when it leaves nobody behind, and may lead if it is the only one', () => {
    const after = returns(partition({ leader: -1, isr: [3] }), 3, { clean: false, alive: [1, 2] })
    expect(after).toMatchObject({ leader: 3, isr: [3], recoveryState: 1 })
    const others = partition({ leader: -1, isr: [], lastKnownElr: [3] })
    expect(returns(others, 1, { clean: false })).toBe(others)
  })

  it('is elected from the eligible replicas when nobody is in sync', () => {
    const after = returns(partition({ leader: -1, isr: [], elr: [1, 2] }), 1, { minInsync: 2 })
    expect(after).toMatchObject({ leader: 1, isr: [1], elr: [2], leaderEpoch: 6 })
    expect(returns(partition({ leader: -1, isr: [], elr: [1, 2] }), 1, { minInsync: 1 })).toMatchObject({ elr: [] })
  })

  it('prefers a living replica in the order of the assignment', () => {
    expect(returns(partition({ leader: -1, isr: [3, 2, 1] }), 3, { alive: [2] })).toMatchObject({ leader: 2 })
  })
})
