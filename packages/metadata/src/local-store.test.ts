import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '@ottla/protocol'
import { LocalStore } from './local-store.ts'
import { MemoryFiles } from './memory-files.ts'
import { type StoreSubject, storeContract } from './store.contract.ts'
import { nodeStoreFiles, type StoreFiles } from './store-files.ts'
import { silentLogger } from './testing.ts'

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

async function subjectOn(files: StoreFiles, directory: string, end: () => void): Promise<StoreSubject> {
  const clock = new ManualClock()
  const openStore = (): Promise<LocalStore> => LocalStore.open({ directory, clock, logger: silentLogger, files })
  let store = await openStore()
  return {
    get store() {
      return store
    },
    reopen: async () => {
      await store.close()
      store = await openStore()
    },
    compact: () => store.compact(),
    passTime: async ms => {
      clock.advance(ms)
      await settled()
    },
    end: async () => {
      await store.close()
      end()
    },
  }
}

const temporaryFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'ottla-metadata-'))

storeContract('local store in memory', () => subjectOn(new MemoryFiles(), '/m', () => {}))
storeContract('local store on disk', async () => {
  const directory = temporaryFolder()
  return subjectOn(nodeStoreFiles, path.join(directory, 'deep', 'metadata'), () => fs.rmSync(directory, { recursive: true }))
})

const put = (store: LocalStore, n: number) => store.commit({ writes: [{ key: `k${n}`, value: 'v'.repeat(n) }] })

describe('local store', () => {
  const stores: LocalStore[] = []
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close()
  })
  const open = async (files: MemoryFiles, onFatal: (error: Error) => void = () => {}): Promise<LocalStore> => {
    const store = await LocalStore.open({ directory: '/m', clock: new ManualClock(), logger: silentLogger, files, onFatal })
    stores.push(store)
    return store
  }

  it('flushes once for transactions that wait together', async () => {
    const files = new MemoryFiles()
    const store = await open(files)
    let flushes = 0
    files.beforeEach = operation => {
      if (operation === 'datasync') flushes++
    }
    await Promise.all(Array.from({ length: 500 }, (_, n) => put(store, n)))
    expect(flushes).toBe(1)
  })

  it('refuses changes while the disk is full and goes on when there is room', async () => {
    const files = new MemoryFiles()
    const store = await open(files)
    await put(store, 1)
    files.beforeEach = operation => {
      if (operation === 'write') throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    }
    await expect(put(store, 2)).rejects.toMatchObject({ kind: 'unavailable' })
    expect((await store.range('')).entries).toHaveLength(1)
    files.beforeEach = () => {}
    await put(store, 3)
    const again = await open(files.afterKill())
    expect((await again.range('')).entries.map(({ key }) => key)).toEqual(['k1', 'k3'])
  })

  it('leaves no half snapshot behind when there is no room for it', async () => {
    const files = new MemoryFiles()
    const store = await open(files)
    await put(store, 1)
    files.beforeEach = (operation, name) => {
      if (operation === 'write' && name.endsWith('.tmp')) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    }
    await store.compact()
    expect(files.listSync('/m').filter(name => name.endsWith('.tmp'))).toEqual([])
    files.beforeEach = () => {}
    await put(store, 2)
    await store.compact()
    expect(files.listSync('/m').filter(name => name.startsWith('snapshot'))).toHaveLength(1)
    expect((await store.range('')).entries).toHaveLength(2)
  })

  it('ends when a flush fails: nothing is promised after that', async () => {
    const files = new MemoryFiles()
    let fatal: Error | undefined
    const store = await open(files, error => (fatal = error))
    files.beforeEach = operation => {
      if (operation === 'datasync') throw Object.assign(new Error('i/o error'), { code: 'EIO' })
    }
    const outcomes = await Promise.allSettled([put(store, 1), put(store, 2)])
    expect(outcomes.map(outcome => outcome.status === 'rejected' && outcome.reason.kind)).toEqual(['unknown-outcome', 'unknown-outcome'])
    expect(fatal?.message).toBe('i/o error')
    files.beforeEach = () => {}
    await expect(put(store, 3)).rejects.toMatchObject({ kind: 'closed' })
  })

  it('tolerates every cut of the last write, and refuses damage before it', async () => {
    const files = new MemoryFiles()
    const store = await open(files)
    await put(store, 10)
    await put(store, 20)
    const name = `/m/${files.listSync('/m')[0]}`
    const twoWrites = files.readFileSync(name)
    await put(store, 30)
    const whole = files.readFileSync(name)
    const openWith = (bytes: Buffer): Promise<LocalStore> => {
      const disk = files.afterKill()
      disk.overwrite(name, bytes)
      return open(disk)
    }
    for (let cut = twoWrites.length; cut < whole.length; cut++) {
      for (const tail of [Buffer.alloc(0), Buffer.alloc(64)]) {
        const reopened = await openWith(Buffer.concat([whole.subarray(0, cut), tail]))
        expect((await reopened.range('')).entries, `cut at ${cut}`).toHaveLength(2)
        expect((await put(reopened, 5)).succeeded).toBe(true)
        await reopened.close()
      }
    }
    for (let at = 0; at < twoWrites.length; at++) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      await expect(openWith(damaged), `flipped at ${at}`).rejects.toMatchObject({ kind: 'corrupt' })
    }
  })

  it('says which file is missing', async () => {
    const files = new MemoryFiles()
    const store = await open(files)
    await put(store, 1)
    await store.compact()
    const disk = files.afterKill()
    const snapshot = disk.listSync('/m').find(name => name.startsWith('snapshot'))
    await disk.unlink(`/m/${snapshot}`)
    await expect(open(disk)).rejects.toThrow(/snapshot-\d+ is missing/)
  })

  it('keeps the log short by snapshots', async () => {
    const files = new MemoryFiles()
    const store = await open(files)
    const value = 'x'.repeat(100_000)
    for (let n = 0; n < 100; n++) await store.commit({ writes: [{ key: 'k', value }] })
    await store.compact()
    const bytes = files.listSync('/m').reduce((sum, name) => sum + files.readFileSync(`/m/${name}`).length, 0)
    expect(bytes).toBeLessThan(1_000_000)
    expect((await (await open(files.afterKill())).get('k'))?.version).toBe(100)
  })
})
