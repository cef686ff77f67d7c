import { encodePartition, keys, memoryStore, Metadata, newPartition, silentLogger } from '@ottla/metadata'
import { ManualClock, randomUuid } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { TestAdministration } from '../handlers/administration-testing.ts'
import { Controller } from './controller.ts'
import { removeUnfinishedTopics } from './unfinished-topics.ts'

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))
const random = { next: Math.random, bytes: (size: number) => Buffer.from(Array.from({ length: size }, () => Math.random() * 256)) }
const part = encodePartition(newPartition([1], [1]))

describe('topics that were never completed', () => {
  it('lose their partitions when a controller starts, but for those that are being made', async () => {
    const clock = new ManualClock()
    const store = await memoryStore(clock)
    const left = Array.from({ length: 120 }, () => randomUuid(random))
    for (const id of left) await store.commit({ writes: [0, 1, 2].map(index => ({ key: keys.partition(id, index), value: part })) })
    const metadata = await Metadata.follow({ store, logger: silentLogger })
    const controller = new Controller({ store, metadata, clock, logger: silentLogger, leaseMs: 9000, brokerId: 1 })
    await settled()
    expect(metadata.image.controllerId).toBe(1)
    expect((await store.range('parts/')).entries).toEqual([])

    const young = randomUuid(random)
    await store.commit({ writes: [{ key: keys.partition(young, 0), value: part }] })
    await removeUnfinishedTopics({ store, metadata, logger: silentLogger }, metadata.image.controllerEpoch)
    expect((await store.range('parts/')).entries).toHaveLength(1)
    await controller.close()
    metadata.close()
    await store.close()
  })

  it('are told from topics that are complete', async () => {
    const test = await TestAdministration.open()
    const topic = { name: 't', numPartitions: 300, replicationFactor: 1, assignments: [], configs: [] }
    await test.administration.topics.create([topic], false)
    expect([...test.metadata.image.unfinishedTopics(Number.MAX_SAFE_INTEGER)]).toEqual([])
    await test.close()
  })
})
