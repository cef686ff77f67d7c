// The three index files of a segment, against lists that are searched from end to end.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CorruptFileError } from './corrupt-file.ts'
import { MemoryDisk } from './memory-disk.ts'
import { OffsetIndex } from './offset-index.ts'
import { TimeIndex } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'

const baseOffset = 1000
const options = (files = new MemoryDisk(), maxBytes = 4096) => ({ files, path: '/index', baseOffset, maxBytes })
const entriesOf = <T>(index: { entries: number; entry(slot: number): T }): T[] =>
  Array.from({ length: index.entries }, (_, slot) => index.entry(slot))

/** Writes a file as it is. */
function put(files: MemoryDisk, content: Buffer): void {
  const file = files.openSync('/index', 'create')
  file.truncateSync(0)
  file.writeSync([content], 0)
  file.closeSync()
}

const command = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('append' as const), step: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('save' as const, 'flush' as const, 'reopen' as const), step: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('unload' as const, 'reset' as const), step: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('truncate' as const), step: fc.integer({ min: 0, max: 60 }) }) },
)

/** Runs commands on an index and on a list of its offsets; `add` appends an entry to the index and returns what it should read as. */
async function follow<E extends { offset: number }, I extends OffsetIndex | TimeIndex>(
  commands: readonly { do: string; step: number }[],
  make: (files: MemoryDisk) => I,
  add: (index: I, offset: number, entries: number) => E,
): Promise<{ index: I; model: E[] }> {
  const files = new MemoryDisk()
  let index = make(files)
  let model: E[] = []
  for (const { do: what, step } of commands) {
    const last = model.at(-1)?.offset ?? baseOffset
    if (what === 'append' && !index.isFull) model.push(add(index, last + step, model.length))
    else if (what === 'save') index.saveSync()
    else if (what === 'flush') await index.flush()
    else if (what === 'unload') index.unload()
    else if (what === 'truncate') {
      index.truncateTo(last + 10 - step)
      model = model.filter(entry => entry.offset < last + 10 - step)
    } else if (what === 'reset') {
      index.reset()
      model = []
    } else if (what === 'reopen') {
      index.saveSync()
      index = make(files)
    }
    expect(index.entries).toBe(model.length)
  }
  return { index, model }
}

describe('OffsetIndex', () => {
  it('finds what a search from end to end finds, over saving, reopening and truncating', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 120 }), async commands => {
        const { index, model } = await follow(
          commands,
          files => new OffsetIndex(options(files, 8 * 60)),
          (target, offset, count) => {
            target.append(offset, (count + 1) * 7)
            return { offset, position: (count + 1) * 7 }
          },
        )
        expect(entriesOf(index)).toEqual(model)
        expect(index.lastOffset).toBe(model.at(-1)?.offset ?? baseOffset)
        const end = (model.at(-1)?.offset ?? baseOffset) + 3
        for (let offset = baseOffset - 2; offset < end; offset++) {
          expect(index.lookup(offset)).toEqual(model.findLast(entry => entry.offset <= offset) ?? { offset: baseOffset, position: 0 })
        }
        for (let position = 0; position < model.length * 7 + 10; position += 3) {
          expect(index.upperBound(position)).toEqual(model.find(entry => entry.position >= position))
        }
      }),
      { numRuns: 150 },
    )
  })

  it('is full at segment.index.bytes and refuses what does not rise or fit', () => {
    const index = new OffsetIndex(options(undefined, 8 * 2 + 7))
    expect(index.maxEntries).toBe(2)
    index.append(baseOffset + 5, 100)
    expect(() => index.append(baseOffset + 5, 200)).toThrow(RangeError)
    expect(index.canAppendOffset(baseOffset - 1)).toBe(false)
    expect(index.canAppendOffset(baseOffset + 2 ** 31 - 1)).toBe(true)
    expect(index.canAppendOffset(baseOffset + 2 ** 31)).toBe(false)
    expect(() => index.append(baseOffset + 2 ** 31, 200)).toThrow(RangeError)
    index.append(baseOffset + 2 ** 31 - 1, 200)
    expect(index.isFull).toBe(true)
    expect(() => index.append(baseOffset + 2 ** 31, 300)).toThrow(RangeError)
  })

  it('leaves out preallocated zeros, and cuts them when it saves', () => {
    const files = new MemoryDisk()
    const entry = Buffer.from([0, 0, 0, 3, 0, 0, 1, 0])
    put(files, Buffer.concat([entry, Buffer.alloc(8 * 10)]))
    const index = new OffsetIndex(options(files))
    expect(entriesOf(index)).toEqual([{ offset: baseOffset + 3, position: 256 }])
    index.saveSync()
    expect(files.readFileSync('/index')).toEqual(entry)
    index.sanityCheck(257)
    expect(() => index.sanityCheck(256)).toThrow(CorruptFileError)
  })

  it('refuses a file that is no index, until it is reset', () => {
    const files = new MemoryDisk()
    const wrong = ['0000000300000100000000', '00000003000001000000000300000200', '00000003000001000000000400000100', 'ffffffff00000001']
    for (const hex of wrong) {
      put(files, Buffer.from(hex, 'hex'))
      const index = new OffsetIndex(options(files))
      expect(() => index.lookup(baseOffset), hex).toThrow(CorruptFileError)
      index.reset()
      index.append(baseOffset + 1, 9)
      index.saveSync()
      expect(new OffsetIndex(options(files)).entries).toBe(1)
    }
  })

  it('keeps no entries in memory that were never asked for, and makes an empty file for an empty index', () => {
    const files = new MemoryDisk()
    const index = new OffsetIndex(options(files))
    expect(index.isLoaded).toBe(false)
    index.saveSync()
    expect(files.statSync('/index')).toBeUndefined()
    index.reset()
    index.saveSync()
    expect(files.statSync('/index')?.size).toBe(0)
    index.append(baseOffset + 1, 9)
    index.unload()
    expect(index.isLoaded).toBe(true)
    index.saveSync()
    index.unload()
    expect(index.isLoaded).toBe(false)
    index.renameTo('/index.deleted')
    expect(index.entries).toBe(1)
  })

  it('writes again what a failed write left', async () => {
    const files = new MemoryDisk()
    const index = new OffsetIndex(options(files))
    for (let count = 1; count < 50; count++) index.append(baseOffset + count, count)
    const restore = files.fail({ operation: 'writeSync', code: 'ENOSPC', partialBytes: 13 })
    expect(() => index.saveSync()).toThrow('ENOSPC')
    await expect(index.flush()).rejects.toMatchObject({ code: 'ENOSPC' })
    restore()
    await index.flush()
    expect(entriesOf(new OffsetIndex(options(files)))).toEqual(entriesOf(index))
    expect(files.durableContent('/index')).toBeUndefined()
    await files.syncDirectory('/')
    expect(files.durableContent('/index')?.length).toBe(49 * 8)
  })
})

describe('TimeIndex', () => {
  it('finds what a search from end to end finds, over saving, reopening and truncating', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 120 }), async commands => {
        const { index, model } = await follow(
          commands,
          files => new TimeIndex(options(files, 12 * 60)),
          (target, offset, count) => {
            const timestamp = 1_700_000_000_000 + count * 5
            target.maybeAppend(timestamp, offset)
            if (target.entries > 1) target.maybeAppend(timestamp, offset, true)
            return { offset, timestamp }
          },
        )
        expect(entriesOf(index)).toEqual(model)
        expect(index.lastTimestamp).toBe(model.at(-1)?.timestamp ?? -1)
        expect(index.lastOffset).toBe(model.at(-1)?.offset ?? baseOffset)
        for (let timestamp = 1_700_000_000_000 - 2; timestamp < 1_700_000_000_000 + model.length * 5 + 2; timestamp++) {
          const expected = model.findLast(entry => entry.timestamp <= timestamp) ?? { timestamp: -1, offset: baseOffset }
          expect(index.lookup(timestamp)).toEqual(expected)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('keeps its last slot for the entry of a rolled segment', () => {
    const index = new TimeIndex(options(undefined, 12 * 3))
    index.maybeAppend(10, baseOffset)
    index.maybeAppend(11, baseOffset)
    expect(index.isFull).toBe(true)
    expect(() => index.maybeAppend(12, baseOffset + 1)).toThrow(RangeError)
    index.maybeAppend(12, baseOffset + 1, true)
    expect(() => index.maybeAppend(11, baseOffset + 2, true)).toThrow(RangeError)
    expect(() => index.maybeAppend(13, baseOffset, true)).toThrow(RangeError)
    expect(index.entries).toBe(3)
  })

  it('knows the timestamp 0 of a segment from an empty index', () => {
    const files = new MemoryDisk()
    const index = new TimeIndex(options(files))
    index.maybeAppend(0, baseOffset)
    index.saveSync()
    expect(new TimeIndex(options(files)).lastTimestamp).toBe(0)
    put(files, Buffer.alloc(12 * 100))
    expect(new TimeIndex(options(files)).entries).toBe(0)
  })
})

describe('TransactionIndex', () => {
  const transaction = fc.record({
    length: fc.integer({ min: 1, max: 30 }),
    gap: fc.integer({ min: 1, max: 5 }),
    lag: fc.integer({ min: 0, max: 10 }),
  })

  it('collects the aborted transactions that overlap a range', () => {
    fc.assert(
      fc.property(fc.array(transaction, { maxLength: 30 }), fc.nat({ max: 100 }), fc.nat({ max: 60 }), (steps, from, length) => {
        const files = new MemoryDisk()
        const index = new TransactionIndex({ ...options(files), baseOffset: 0 })
        let lastOffset = 0
        let lastStableOffset = 0
        const model = steps.map((step, number) => {
          lastOffset += step.gap
          lastStableOffset = Math.max(lastStableOffset, lastOffset - step.lag + 1)
          return { producerId: 2 ** 40 + number, firstOffset: Math.max(0, lastOffset - step.length), lastOffset, lastStableOffset }
        })
        for (const entry of model) index.append(entry)
        index.saveSync()
        expect(files.statSync('/index')?.size).toBe(model.length === 0 ? undefined : model.length * 34)
        const read = new TransactionIndex({ ...options(files), baseOffset: 0 })
        const end = from + length
        const { isComplete, transactions } = read.collect(from, end)
        const overlapping = model.filter(entry => entry.lastOffset >= from && entry.firstOffset < end)
        const stop = model.findIndex(entry => entry.lastStableOffset >= end && entry.lastOffset >= from)
        expect(transactions).toEqual(stop === -1 ? overlapping : overlapping.filter(entry => model.indexOf(entry) <= stop))
        expect(isComplete).toBe(stop !== -1)
        read.truncateTo(from)
        expect(entriesOf(read)).toEqual(model.filter(entry => entry.lastOffset < from))
        read.saveSync()
        expect(new TransactionIndex({ ...options(files), baseOffset: 0 }).entries).toBe(read.entries)
      }),
    )
  })

  it('refuses markers that go back, and files that are none', () => {
    const files = new MemoryDisk()
    const index = new TransactionIndex(options(files))
    const entry = { producerId: 1, firstOffset: 10, lastOffset: baseOffset + 4, lastStableOffset: baseOffset + 5 }
    index.append(entry)
    expect(() => index.append(entry)).toThrow(RangeError)
    index.saveSync()
    const content = files.readFileSync('/index')
    for (const wrong of [content.subarray(1), Buffer.concat([content, content]), Buffer.concat([content, Buffer.alloc(34)])]) {
      put(files, wrong)
      expect(() => new TransactionIndex(options(files)).sanityCheck()).toThrow(CorruptFileError)
    }
  })
})
