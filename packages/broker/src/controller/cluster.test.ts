// What a cluster starts with, and what one gets that an earlier version made.
import { ManualClock, seededRandom } from '@ottla/protocol'
import { decodeCluster, encodeCluster, keys, type MetadataStore, memoryStore } from '@ottla/metadata'
import { afterEach, expect, it } from 'vitest'
import { testConfig } from '../config/testing.ts'
import { initialFeatures } from '../features.ts'
import { newTopic } from './automatic-topics.ts'
import { establishCluster } from './cluster.ts'

let store: MetadataStore
afterEach(() => store.close())

const establish = () => establishCluster(store, { features: initialFeatures, brokerDefaults: new Map(), random: seededRandom(1) })
const old = (features: Record<string, number>) => encodeCluster({ id: 'old', format: 1, features })
const factor = (settings: Record<string, string>, brokers: number): number =>
  newTopic('__consumer_offsets', testConfig(settings), brokers).replicationFactor
const stored = async () => decodeCluster((await store.get(keys.cluster))?.value ?? '')

it('has the levels of all features when it is new', async () => {
  store = await memoryStore(new ManualClock())
  expect((await establish()).features).toEqual(initialFeatures)
  expect(await stored()).toEqual(await establish())
})

it('gets features that nobody has decided about, and keeps what somebody has', async () => {
  store = await memoryStore(new ManualClock())
  await store.commit({ writes: [{ key: keys.cluster, value: old({ 'metadata.version': 25 }) }] })
  expect((await establish()).features).toEqual({ ...initialFeatures, 'metadata.version': 25 })
  expect(await stored()).toMatchObject({ id: 'old', features: { 'group.version': 1, 'metadata.version': 25 } })
  await store.commit({ writes: [{ key: keys.cluster, value: old({ ...initialFeatures, 'group.version': 0 }) }] })
  expect((await establish()).features['group.version']).toBe(0)
})

it('makes internal topics with as many replicas as there are brokers, unless it is told how many', () => {
  expect([factor({}, 0), factor({}, 1), factor({}, 2), factor({}, 5)]).toEqual([1, 1, 2, 3])
  expect(factor({ 'offsets.topic.replication.factor': '3' }, 1)).toBe(3)
})

it('makes internal topics with the smallest segments that a topic may have where less is wanted', () => {
  const { configs } = newTopic('__consumer_offsets', testConfig({ 'offsets.topic.segment.bytes': '1000' }), 1)
  expect(configs).toContainEqual({ name: 'segment.bytes', value: '1048576' })
})
