import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CorruptFileError } from './corrupt-file.ts'
import type { EpochEntry } from './leader-epochs.ts'
import { LeaderEpochs, leaderEpochsContent, parseLeaderEpochs, readLeaderEpochs, writeLeaderEpochs } from './leader-epochs.ts'
import { MemoryDisk } from './memory-disk.ts'

/** A log as the list of the epochs of its records: the naive model. */
interface Model {
  start: number
  epochs: number[]
}

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('append' as const), by: fc.integer({ min: 0, max: 3 }), count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('end' as const, 'start' as const), by: fc.nat({ max: 12 }), count: fc.constant(0) }),
  },
)

const firstOf = (model: Model, epoch: number): number => {
  const index = model.epochs.findIndex(other => other > epoch)
  return index === -1 ? model.start + model.epochs.length : model.start + index
}

const sample = (): LeaderEpochs =>
  new LeaderEpochs([
    { epoch: 2, startOffset: 6 },
    { epoch: 3, startOffset: 9 },
    { epoch: 7, startOffset: 20 },
  ])

describe('LeaderEpochs', () => {
  it('answers as the records themselves would', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), commands => {
        const model: Model = { start: 0, epochs: [] }
        const epochs = new LeaderEpochs()
        let epoch = 0
        for (const { do: what, by, count } of commands) {
          const end = model.start + model.epochs.length
          if (what === 'append') {
            epoch += by
            epochs.assign(epoch, end)
            model.epochs.push(...Array.from({ length: count }, () => epoch))
          } else if (what === 'end') {
            const cut = Math.max(model.start, end - by)
            epochs.truncateFromEnd(cut)
            model.epochs.length = cut - model.start
          } else {
            const cut = Math.min(end, model.start + by)
            epochs.truncateFromStart(cut)
            model.epochs.splice(0, cut - model.start)
            model.start = cut
          }
        }
        const end = model.start + model.epochs.length
        model.epochs.forEach((expected, index) => {
          expect(epochs.epochForOffset(model.start + index)).toBe(expected)
        })
        const latest = model.epochs.at(-1)
        for (const known of new Set(model.epochs)) {
          const expected = known === latest ? { epoch: known, endOffset: end } : { epoch: known, endOffset: firstOf(model, known) }
          expect(epochs.endOffsetFor(known, end)).toEqual(expected)
        }
        const starts = epochs.entries.map(entry => entry.startOffset)
        expect(starts).toEqual([...new Set(starts)].toSorted((a, b) => a - b))
        expect(parseLeaderEpochs('x', leaderEpochsContent(epochs)).entries).toEqual(epochs.entries)
      }),
    )
  })

  it('tells where an epoch ends, as LeaderEpochFileCache does', () => {
    const epochs = sample()
    const ends = [-1, 0, 1, 2, 3, 4, 6, 7, 8].map(epoch => Object.values(epochs.endOffsetFor(epoch, 30)))
    expect(ends).toEqual([
      [-1, -1],
      [0, 6],
      [1, 6],
      [2, 9],
      [3, 20],
      [3, 20],
      [3, 20],
      [7, 30],
      [-1, -1],
    ])
    expect(new LeaderEpochs().endOffsetFor(0, 5)).toEqual({ epoch: -1, endOffset: -1 })
    expect([5, 6, 8, 9, 20, 99].map(offset => epochs.epochForOffset(offset))).toEqual([-1, 2, 2, 3, 7, 7])
    expect([epochs.previousEpoch(7), epochs.previousEpoch(2), epochs.startOffsetOf(3), epochs.startOffsetOf(4)]).toEqual([
      3,
      -1,
      9,
      undefined,
    ])
    expect([epochs.earliest, epochs.latest, epochs.latestEpoch]).toEqual([{ epoch: 2, startOffset: 6 }, { epoch: 7, startOffset: 20 }, 7])
  })

  it('removes what a new entry contradicts, and takes the same epoch again only if it begins earlier', () => {
    const assigned = (epoch: number, offset: number): [boolean, ...EpochEntry[]] => {
      const epochs = sample()
      return [epochs.assign(epoch, offset), ...epochs.entries]
    }
    expect(assigned(7, 25)).toEqual([false, ...sample().entries])
    expect(assigned(7, 19)).toEqual([true, ...sample().entries.slice(0, 2), { epoch: 7, startOffset: 19 }])
    expect(assigned(8, 20)).toEqual([true, ...sample().entries.slice(0, 2), { epoch: 8, startOffset: 20 }])
    expect(assigned(3, 30)).toEqual([true, { epoch: 2, startOffset: 6 }, { epoch: 3, startOffset: 30 }])
    expect(assigned(9, 7)).toEqual([true, { epoch: 2, startOffset: 6 }, { epoch: 9, startOffset: 7 }])
    expect(() => sample().assign(-1, 3)).toThrow(RangeError)
    expect(() => sample().assign(8, -1)).toThrow(RangeError)
  })

  it('truncates at both ends and counts changes', () => {
    const epochs = sample()
    expect([epochs.truncateFromEnd(21), epochs.truncateFromEnd(-1), epochs.truncateFromStart(5), epochs.changes]).toEqual([
      false,
      false,
      false,
      0,
    ])
    expect(epochs.truncateFromEnd(20)).toBe(true)
    expect(epochs.truncateFromStart(10)).toBe(true)
    expect(epochs.entries).toEqual([{ epoch: 3, startOffset: 10 }])
    expect(epochs.truncateFromStart(10)).toBe(false)
    expect(epochs.changes).toBe(2)
    epochs.clear()
    expect(epochs.latest).toBeUndefined()
  })

  it('is kept in a file', async () => {
    const disk = new MemoryDisk()
    expect(readLeaderEpochs(disk, '/epochs').entries).toEqual([])
    await writeLeaderEpochs(disk, '/epochs', sample())
    expect(disk.durableContent('/epochs')?.toString()).toBe('0\n3\n2 6\n3 9\n7 20\n')
    expect(readLeaderEpochs(disk, '/epochs').entries).toEqual(sample().entries)
    for (const wrong of [
      '1\n0\n',
      '0\n2\n1 1\n',
      '0\n1\n1\n',
      '0\n1\n1 -1\n',
      '0\n1\n1 x\n',
      'x\n',
      '0\n1\n1 1\n\n',
      '0\n1\n99999999999 1\n',
    ]) {
      expect(() => parseLeaderEpochs('/epochs', Buffer.from(wrong)), wrong).toThrow(CorruptFileError)
    }
  })
})
