import { expect, it } from 'vitest'
import { ManualClock } from '@ottla/protocol'
import { LocalStore } from './local-store.ts'
import { MemoryFiles } from './memory-files.ts'
import { silentLogger } from './testing.ts'

class Crash extends Error {}

const open = (files: MemoryFiles): Promise<LocalStore> =>
  LocalStore.open({ directory: '/m', clock: new ManualClock(), logger: silentLogger, files })

const TRANSACTIONS = 12

/** Transaction n moves the number n from one key to another, so that half a transaction shows. */
const transactionOf = (n: number) => ({
  writes: [
    { key: `at-${n % 3}`, value: String(n) },
    { key: `at-${(n + 2) % 3}`, value: null },
    { key: 'count', value: String(n) },
  ],
})

/** Runs the work until it is done or the disk crashes; returns how many transactions were acknowledged. */
async function work(files: MemoryFiles): Promise<{ acknowledged: number; done: boolean }> {
  let acknowledged = 0
  try {
    const store = await open(files)
    const first = Number((await store.get('count'))?.value ?? 0)
    acknowledged = first
    for (let n = first + 1; n <= TRANSACTIONS; n++) {
      await store.commit(transactionOf(n))
      acknowledged = n
      if (n % 4 === 0) await store.compact()
    }
    await store.close()
    return { acknowledged, done: true }
  } catch {
    return { acknowledged, done: false }
  }
}

async function verify(files: MemoryFiles, acknowledged: number): Promise<void> {
  const store = await open(files)
  const { entries } = await store.range('')
  const count = Number(entries.find(({ key }) => key === 'count')?.value ?? 0)
  expect(count === acknowledged || count === acknowledged + 1, `acknowledged ${acknowledged}, found ${count}`).toBe(true)
  if (count > 0) expect(entries.find(({ key }) => key === `at-${count % 3}`)?.value).toBe(String(count))
  expect(entries.find(({ key }) => key === `at-${(count + 2) % 3}`)).toBeUndefined()
  await store.close()
}

it('keeps what it acknowledged when it is killed or loses power at any file operation, twice in a row', async () => {
  const tails: [name: string, disk: (files: MemoryFiles) => MemoryFiles][] = [
    ['kill', files => files.afterKill()],
    ['nothing unflushed arrives', files => files.losePower()],
    ['half of it arrives, names too', files => files.losePower(unflushed => unflushed >> 1, true)],
    ['names arrive without their bytes', files => files.losePower(() => 0, true)],
  ]
  let points = 0
  for (const [name, after] of tails) {
    for (let point = 1; ; point++) {
      const files = new MemoryFiles()
      let operations = 0
      files.beforeEach = () => {
        if (++operations >= point) throw new Crash(`at operation ${point}`)
      }
      const { acknowledged, done } = await work(files)
      if (done) break
      points++
      const second = after(files)
      const halfway = point % 7
      let secondOperations = 0
      second.beforeEach = () => {
        if (++secondOperations >= halfway && halfway > 0) throw new Crash('again')
      }
      const more = await work(second)
      second.beforeEach = () => {}
      await verify(after(second), Math.max(acknowledged, more.acknowledged)).catch((error: unknown) => {
        throw new Error(`${name}, operation ${point}`, { cause: error })
      })
    }
  }
  expect(points).toBeGreaterThan(100)
})
