import { describe, expect, it } from 'vitest'
import { batchOf } from './log-testing.ts'
import { MemoryDisk } from './memory-disk.ts'
import { finishSwaps } from './swap-files.ts'

/** A folder with these files; a log file holds one batch of `records` at its base offset. */
const folderOf = (names: Readonly<Record<string, number>>): MemoryDisk => {
  const disk = new MemoryDisk()
  disk.makeDirectorySync('/p-0')
  for (const [name, records] of Object.entries(names)) {
    const file = disk.openSync(`/p-0/${name}`, 'create')
    if (records > 0) {
      const batch = batchOf({ values: Array.from({ length: records }, () => 'v') })
      batch.setBaseOffset(Number.parseInt(name, 10))
      file.writeSync([batch.bytes], 0)
    }
    file.closeSync()
  }
  return disk
}

const base = (offset: number): string => String(offset).padStart(20, '0')
const finish = (names: Readonly<Record<string, number>>): string[] => {
  const disk = folderOf(names)
  const left = finishSwaps(disk, '/p-0', disk.listSync('/p-0'))
  expect(left.toSorted()).toEqual(disk.listSync('/p-0').toSorted())
  return left.toSorted()
}

describe('the exchange of segments', () => {
  it('is none of the business of a folder without such files', () => {
    expect(finish({ [`${base(0)}.log`]: 3, notes: 0 })).toEqual([`${base(0)}.log`, 'notes'])
  })

  it('is undone when it had only begun', () => {
    expect(finish({ [`${base(0)}.log`]: 3, [`${base(0)}.log.cleaned`]: 2, [`${base(0)}.index.cleaned`]: 0 })).toEqual([`${base(0)}.log`])
  })

  it('is finished when the new segment was complete', () => {
    const names = {
      [`${base(0)}.log.swap`]: 20,
      [`${base(0)}.index.swap`]: 0,
      [`${base(0)}.log`]: 5,
      [`${base(10)}.log`]: 5,
      [`${base(10)}.timeindex`]: 0,
      [`${base(20)}.log`]: 5,
    }
    expect(finish(names)).toEqual([`${base(0)}.index`, `${base(0)}.log`, `${base(20)}.log`])
  })

  it('is undone for the halves of a split that is not complete', () => {
    expect(finish({ [`${base(0)}.log`]: 9, [`${base(5)}.log.swap`]: 4, [`${base(5)}.log.cleaned`]: 4 })).toEqual([`${base(0)}.log`])
  })
})
