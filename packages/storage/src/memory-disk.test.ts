import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '@ottla/protocol'
import { readIfPresent, replaceFile } from './atomic-file.ts'
import { MemoryDisk } from './memory-disk.ts'

const bytes = (text: string) => Buffer.from(text)

function put(disk: MemoryDisk, path: string, text: string) {
  const file = disk.openSync(path, 'create')
  file.writeSync([bytes(text)], 0)
  return file
}

async function folderOn(disk: MemoryDisk): Promise<void> {
  disk.makeDirectorySync('/data')
  await disk.syncDirectory('/')
}

/** What many power losses at this moment leave of a file. */
const outcomes = (disk: MemoryDisk, path: string, count = 300): Set<string | undefined> => {
  const seen = new Set<string | undefined>()
  for (let seed = 0; seed < count; seed++) seen.add(readIfPresent(disk.afterPowerLoss(seededRandom(seed)), path)?.toString())
  return seen
}

describe('MemoryDisk after a power loss', () => {
  it('has what was flushed, with its name', async () => {
    const disk = new MemoryDisk()
    await folderOn(disk)
    await put(disk, '/data/a', 'safe').datasync()
    await disk.syncDirectory('/data')
    expect(outcomes(disk, '/data/a')).toEqual(new Set(['safe']))
    expect(disk.durableContent('/data/a')?.toString()).toBe('safe')
  })

  it('may lack the name of a new file, a rename and an unlinking until the folder is flushed', async () => {
    const disk = new MemoryDisk()
    await folderOn(disk)
    await put(disk, '/data/a', 'one').datasync()
    expect(outcomes(disk, '/data/a')).toEqual(new Set([undefined, 'one']))
    await disk.syncDirectory('/data')
    disk.renameSync('/data/a', '/data/b')
    expect(outcomes(disk, '/data/a')).toEqual(new Set([undefined, 'one']))
    await disk.syncDirectory('/data')
    disk.unlinkSync('/data/b')
    expect(outcomes(disk, '/data/b')).toEqual(new Set([undefined, 'one']))
  })

  it('may hold the old bytes, the new ones, torn ones, zeros, or any length between', async () => {
    const disk = new MemoryDisk()
    await folderOn(disk)
    const file = put(disk, '/data/a', 'aaaa')
    await file.datasync()
    await disk.syncDirectory('/data')
    file.writeSync([bytes('bbbb')], 4)
    const seen = outcomes(disk, '/data/a')
    for (const expected of ['aaaa', 'aaaabbbb', 'aaaab', 'aaaa\0\0\0\0']) expect(seen).toContain(expected)
    for (const found of seen) expect(found).toMatch(/^aaaa/)
  })

  it('keeps the order of changes of one folder, but not of several', async () => {
    const disk = new MemoryDisk()
    disk.makeDirectorySync('/x')
    disk.makeDirectorySync('/y')
    await disk.syncDirectory('/')
    for (const name of ['/x/1', '/x/2', '/y/1']) disk.openSync(name, 'create').closeSync()
    const seen = new Set<string>()
    for (let seed = 0; seed < 300; seed++) {
      const after = disk.afterPowerLoss(seededRandom(seed))
      seen.add(`${after.listSync('/x').toSorted().join('')}|${after.listSync('/y').join('')}`)
    }
    expect(seen).toEqual(new Set(['|', '1|', '12|', '|1', '1|1', '12|1']))
  })

  it('is gone for whoever still holds it, also for a flush that is under way', async () => {
    const disk = new MemoryDisk()
    await folderOn(disk)
    const file = put(disk, '/data/a', 'x')
    const flush = file.datasync()
    const after = disk.powerLoss(seededRandom(1))
    await expect(flush).rejects.toMatchObject({ code: 'EIO' })
    expect(() => file.writeSync([bytes('y')], 0)).toThrow('EIO')
    expect(() => disk.listSync('/data')).toThrow('EIO')
    expect(after.listSync('/')).toEqual(['data'])
  })

  it('has a replaced file either whole or as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 40 }), fc.integer(), async (operation, seed) => {
        let disk = new MemoryDisk()
        await folderOn(disk)
        await replaceFile(disk, '/data/c', bytes('old'.repeat(2000)))
        let left = operation
        let after: MemoryDisk | undefined
        disk.beforeOperation = () => {
          if (left-- === 0) after = disk.powerLoss(seededRandom(seed))
        }
        const done = await replaceFile(disk, '/data/c', bytes('new'.repeat(3000))).then(
          () => true,
          () => false,
        )
        disk = after ?? disk.powerLoss(seededRandom(seed))
        const content = disk.readFileSync('/data/c').toString()
        if (done) expect(content).toBe('new'.repeat(3000))
        else expect(['old'.repeat(2000), 'new'.repeat(3000)]).toContain(content)
      }),
      { numRuns: 300 },
    )
  })
})

describe('MemoryDisk after a kill', () => {
  it('has everything that was written, and still may lose it', async () => {
    const disk = new MemoryDisk()
    await folderOn(disk)
    const file = put(disk, '/data/a', 'written')
    const flush = file.datasync()
    const after = disk.crash()
    await expect(flush).rejects.toMatchObject({ code: 'EIO' })
    file.closeSync()
    expect(after.readFileSync('/data/a').toString()).toBe('written')
    expect(outcomes(after, '/data/a')).toContain(undefined)
    expect(outcomes(after, '/data/a')).toContain('')
  })
})

describe('MemoryDisk with faults', () => {
  it('raises errors for an operation and path, after some and so many times', () => {
    const disk = new MemoryDisk()
    const file = put(disk, '/a.log', '')
    const other = put(disk, '/b.log', '')
    disk.fail({ operation: 'writeSync', path: 'a.log', code: 'EIO', after: 1, times: 2, partialBytes: 2 })
    file.writeSync([bytes('12')], 0)
    expect(() => file.writeSync([bytes('34'), bytes('56')], 2)).toThrow(expect.objectContaining({ code: 'EIO', path: '/a.log' }))
    expect(disk.readFileSync('/a.log').toString()).toBe('1234')
    expect(() => file.writeSync([bytes('x')], 4)).toThrow('EIO')
    other.writeSync([bytes('other')], 0)
    file.writeSync([bytes('y')], 4)
    const restore = disk.fail({ operation: 'listSync', code: 'EACCES', path: path => path === '/' })
    expect(() => disk.listSync('/')).toThrow('EACCES')
    restore()
    expect(disk.listSync('/').toSorted()).toEqual(['a.log', 'b.log'])
  })

  it('takes what a failed flush left for clean, as Linux does', async () => {
    const disk = new MemoryDisk()
    const file = put(disk, '/a', 'lost')
    await disk.syncDirectory('/')
    disk.fail({ operation: 'datasync', code: 'EIO', times: 1 })
    await expect(file.datasync()).rejects.toMatchObject({ code: 'EIO' })
    await file.datasync()
    expect(disk.readFileSync('/a').toString()).toBe('lost')
    expect(outcomes(disk, '/a')).toEqual(new Set(['']))
  })

  it('is full at its capacity, after a part was written, until something is removed', async () => {
    const disk = new MemoryDisk({ capacity: 10 })
    put(disk, '/a', '123456').closeSync()
    const file = disk.openSync('/b', 'create')
    expect(() => file.writeSync([bytes('abc'), bytes('def')], 0)).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
    expect(disk.readFileSync('/b').toString()).toBe('abcd')
    expect(await disk.space('/')).toEqual({ totalBytes: 10, usableBytes: 0 })
    file.writeSync([bytes('ABCD')], 0)
    disk.unlinkSync('/a')
    file.writeSync([bytes('efgh')], 4)
    expect(disk.usedBytes).toBe(8)
  })
})
