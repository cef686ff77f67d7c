import { keys, memoryStore, Metadata, type MetadataStore, silentLogger } from '@ottla/metadata'
import { KafkaError, ManualClock } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { TestAdministration } from '../handlers/administration-testing.ts'
import { Controller, letIn } from './controller.ts'
import { placeReplicas } from './placement.ts'
import { ProducerIds } from './producer-ids.ts'
import { BrokerIdInUse, BrokerRegistration } from './registration.ts'

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

function register(store: MetadataStore, clock: ManualClock, more: { id?: number; incarnation?: string; cleanShutdownEpoch?: number } = {}) {
  return BrokerRegistration.register({
    store,
    clock,
    logger: silentLogger,
    id: 1,
    incarnation: 'a',
    endpoints: [],
    rack: null,
    logDirs: [],
    cleanShutdownEpoch: -1,
    leaseMs: 9000,
    ...more,
  })
}

describe('registration', () => {
  it('lives as long as it is renewed, and refuses a second broker of its id', async () => {
    const clock = new ManualClock()
    const store = await memoryStore(clock)
    const registration = await register(store, clock)
    for (let seconds = 0; seconds < 30; seconds++) {
      clock.advance(1000)
      await settled()
    }
    expect((await store.get(keys.live(1)))?.value).toBe(String(registration.epoch))
    await expect(register(store, clock, { incarnation: 'b' })).rejects.toBeInstanceOf(BrokerIdInUse)
    await registration.close()
    expect(await store.get(keys.live(1))).toBeUndefined()
    const next = await register(store, clock, { incarnation: 'b', cleanShutdownEpoch: registration.epoch })
    expect(next.epoch).toBeGreaterThan(registration.epoch)
    await next.close()
    await store.close()
  })
})

describe('the controller', () => {
  it('lets brokers in, and another broker takes over when it is gone', async () => {
    const clock = new ManualClock()
    const store = await memoryStore(clock)
    const metadata = await Metadata.follow({ store, logger: silentLogger })
    const options = { store, metadata, clock, logger: silentLogger, leaseMs: 9000 }
    const [first, second] = [new Controller({ ...options, brokerId: 1 }), new Controller({ ...options, brokerId: 2 })]
    await letIn(metadata, await register(store, clock))
    expect(metadata.image.controllerId).toBe(1)
    await first.close()
    await settled()
    expect(metadata.image.controllerId).toBe(2)
    const other = await register(store, clock, { id: 2, incarnation: 'b' })
    await letIn(metadata, other)
    expect([...metadata.image.brokers.values()].map(({ id, fenced }) => [id, fenced])).toEqual([
      [1, false],
      [2, false],
    ])
    await second.close()
    metadata.close()
    await store.close()
  })
})

describe('placement', () => {
  const brokers = [1, 2, 3].map(id => ({
    id,
    incarnation: '',
    epoch: 1,
    endpoints: [],
    rack: null,
    fenced: id === 3,
    shuttingDown: false,
    isNew: false,
    logDirs: [],
  }))
  const random = { next: () => 0.4, bytes: (size: number) => Buffer.alloc(size) }

  it('never lets a fenced broker lead', () => {
    const placed = placeReplicas({ partitions: 50, replicationFactor: 3 }, brokers, random)
    for (const replicas of placed) {
      expect(replicas[0]).not.toBe(3)
      expect(new Set(replicas)).toEqual(new Set([1, 2, 3]))
    }
  })

  it('says why it cannot be done', () => {
    expect(() => placeReplicas({ partitions: 1, replicationFactor: 4 }, brokers, random)).toThrow(/only 3 broker\(s\) are registered/)
    expect(() => placeReplicas({ partitions: 1, replicationFactor: 1 }, [], random)).toThrow(KafkaError)
  })
})

describe('producer ids', () => {
  it('are handed out once, over restarts and between brokers', async () => {
    const store = await memoryStore()
    const seen = new Set<number>()
    let count = 0
    for (let start = 0; start < 3; start++) {
      const brokers = [new ProducerIds(store), new ProducerIds(store)]
      for (let n = 0; n < 2500; n++) {
        for (const ids of brokers) seen.add(await ids.next())
        count += brokers.length
      }
    }
    expect(seen.size).toBe(count)
    expect(Math.max(...seen)).toBeLessThan(Number((await store.get(keys.nextProducerId))?.value))
  })

  it('are answered at once but for the first', async () => {
    const store = await memoryStore()
    const ids = new ProducerIds(store)
    await ids.next()
    let waits = 0
    for (let n = 0; n < 5000; n++) {
      const next = ids.next()
      if (typeof next !== 'number') waits++
      await next
    }
    expect(waits).toBe(0)
  })
})

describe('changes by two brokers at once', () => {
  it('makes a topic once', async () => {
    const test = await TestAdministration.open()
    const topic = { name: 't', numPartitions: 200, replicationFactor: 1, assignments: [], configs: [] }
    const outcomes = await Promise.all([1, 2, 3].map(() => test.administration.topics.create([topic], false)))
    const made = outcomes.flatMap(outcome => [...outcome.values()]).filter(outcome => !(outcome instanceof KafkaError))
    expect(made).toHaveLength(1)
    expect(test.metadata.image.partitionCount).toBe(200)
    await test.close()
  })
})
