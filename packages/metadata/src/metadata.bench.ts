import { ManualClock } from '@ottla/protocol'
import { bench, describe } from 'vitest'
import { encodePartition, encodeTopic, imageOf, keys, LocalStore, MemoryFiles, newPartition, silentLogger, type Write } from './index.ts'

const files = new MemoryFiles()
const openStore = (): Promise<LocalStore> =>
  LocalStore.open({ directory: '/m', clock: new ManualClock(), logger: silentLogger, files: files.afterKill() })

describe('10,000 topics of one partition', async () => {
  const store = await LocalStore.open({ directory: '/m', clock: new ManualClock(), logger: silentLogger, files })
  await Promise.all(
    Array.from({ length: 10_000 }, (_, n) => {
      const id = `AAAAAAAAAAAAAAAA${String(n).padStart(6, '0')}`
      const writes: Write[] = [
        { key: keys.partition(id, 0), value: encodePartition(newPartition([1])) },
        { key: keys.topic(`topic-${n}`), value: encodeTopic({ id, partitions: 1 }) },
        { key: keys.topicId(id), value: `topic-${n}` },
      ]
      return store.commit({ writes })
    }),
  )
  const { entries, revision } = await store.range('')

  bench('open the store from its log', async () => {
    await (await openStore()).close()
  })

  bench('make the image', () => {
    imageOf(entries, revision)
  })

  bench('change one partition', async () => {
    await store.commit({ writes: [{ key: keys.partition('AAAAAAAAAAAAAAAA000007', 0), value: encodePartition(newPartition([1])) }] })
  })
})
