import { expect, it } from 'vitest'
import { encodePartition, encodeTopic, keys, Metadata, newPartition } from './index.ts'
import { memoryStore, silentLogger } from './testing.ts'

it('follows the store and tells what changed', async () => {
  const store = await memoryStore()
  const metadata = await Metadata.follow({ store, logger: silentLogger })
  const created: string[] = []
  metadata.onChange(changes => created.push(...changes.topicsCreated.map(topic => topic.name)))
  const { revision } = await store.commit({
    checks: [{ key: keys.topic('orders'), createRevision: 0 }],
    writes: [
      { key: keys.partition('id1', 0), value: encodePartition(newPartition([1, 2])) },
      { key: keys.topic('orders'), value: encodeTopic({ id: 'id1', partitions: 1 }) },
      { key: keys.topicId('id1'), value: 'orders' },
    ],
  })
  await metadata.applied(revision)
  expect(created).toEqual(['orders'])
  expect(metadata.image.topicById('id1')?.partitions[0]).toMatchObject({ leader: 1, replicas: [1, 2], partitionEpoch: revision })
  metadata.close()
  await store.close()
})
