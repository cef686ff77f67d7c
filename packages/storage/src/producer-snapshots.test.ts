import { describe, expect, it } from 'vitest'
import { MemoryDisk } from './memory-disk.ts'
import { ProducerSnapshots, snapshotOffset } from './producer-snapshots.ts'
import { ProducerState } from './producer-state.ts'

const DAY_MS = 86_400_000
const newState = () => new ProducerState({ producerIdExpirationMs: DAY_MS })

/** A state whose producers 0 to `count`-1 wrote one batch each up to an offset. */
function stateOf(count: number, offset: number): ProducerState {
  const state = newState()
  for (let producerId = 0; producerId < count; producerId++) {
    state.update({
      producerId,
      producerEpoch: 2,
      baseSequence: 4,
      lastSequence: 6,
      baseOffset: offset - 3,
      lastOffset: offset - 1,
      maxTimestamp: producerId * 1000,
      isTransactional: producerId === 1,
    })
  }
  return state
}

function folder(...offsets: number[]): { disk: MemoryDisk; snapshots: ProducerSnapshots } {
  const disk = new MemoryDisk()
  disk.makeDirectorySync('/t-0')
  const snapshots = new ProducerSnapshots({ files: disk, folder: '/t-0' })
  for (const offset of offsets) snapshots.take(stateOf(offset % 10, offset), offset)
  return { disk, snapshots }
}

const load = (snapshots: ProducerSnapshots, state: ProducerState, logEndOffset: number, logStartOffset = 0): [number, string[]] => {
  const told: string[] = []
  const from = snapshots.load(state, { logStartOffset, logEndOffset, nowMs: 500, onCorrupt: error => told.push(error.path) })
  return [from, told]
}

describe('ProducerSnapshots', () => {
  it('writes and finds its files by name', async () => {
    expect(
      ['00000000000000000042.snapshot', '42.snapshot', '00000000000000000042.log', '99999999999999999999.snapshot'].map(snapshotOffset),
    ).toEqual([42, undefined, undefined, undefined])
    const { disk, snapshots } = folder(13, 42)
    expect(disk.listSync('/t-0').toSorted()).toEqual(['00000000000000000013.snapshot', '00000000000000000042.snapshot'])
    await snapshots.flush(42)
    expect(disk.durableContent(snapshots.pathOf(42))).toBeUndefined()
    await disk.syncDirectory('/')
    expect(disk.durableContent(snapshots.pathOf(42))).toEqual(disk.readFileSync(snapshots.pathOf(42)))
    expect(new ProducerSnapshots({ files: disk, folder: '/t-0' }).offsets).toEqual([13, 42])
  })

  it('loads the newest one that is not behind the end of the log, and deletes those out of range', () => {
    const { disk, snapshots } = folder(10, 22, 33, 44)
    const state = newState()
    expect(load(snapshots, state, 40, 10)).toEqual([33, []])
    expect(state.size).toBe(3)
    expect(state.entry(1)).toMatchObject({ producerEpoch: 2, lastSequence: 6, lastOffset: 32, transactionFirstOffset: 30 })
    expect(state.firstUnstableOffset).toBe(30)
    expect(snapshots.offsets).toEqual([22, 33])
    expect(disk.listSync('/t-0').length).toBe(2)
    expect(load(folder().snapshots, newState(), 40, 7)).toEqual([7, []])
  })

  it('passes over corrupt ones and leaves out expired producers', () => {
    const { disk, snapshots } = folder(12, 25)
    const file = disk.openSync(snapshots.pathOf(25), 'update')
    file.writeSync([Buffer.from('x')], 30)
    file.closeSync()
    const state = newState()
    expect(load(snapshots, state, 100)).toEqual([12, ['/t-0/00000000000000000025.snapshot']])
    expect(state.size).toBe(2)
    const later = newState()
    snapshots.load(later, { logStartOffset: 0, logEndOffset: 100, nowMs: DAY_MS * 2 })
    expect([...later.entries].map(entry => entry.producerId)).toEqual([1])
  })

  it('deletes what segments and truncation leave without use', () => {
    const { snapshots } = folder(10, 20, 30, 40, 50)
    snapshots.removeStray([0, 20, 40])
    expect(snapshots.offsets).toEqual([20, 40, 50])
    snapshots.removeStray([0, 20, 50, 60])
    expect(snapshots.offsets).toEqual([20, 50])
    expect(snapshots.release(20)).toBe('/t-0/00000000000000000020.snapshot')
    expect(snapshots.release(20)).toBeUndefined()
    const other = folder(10, 20, 30, 40).snapshots
    other.removeFrom(40)
    other.removeBefore(20)
    expect(other.offsets).toEqual([20, 30])
    other.take(newState(), 30)
    other.remove(31)
    expect(other.offsets).toEqual([20, 30])
  })
})
