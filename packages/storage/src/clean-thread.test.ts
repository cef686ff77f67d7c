// Compaction passes in the worker thread, on the real disk: what comes out is what comes out of those on the event loop.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder, endTransactionMarker, ErrorCode, ManualClock, seededRandom } from '@ottla/protocol'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CleanPace, CompactionAborted, IoThrottle } from './clean-pace.ts'
import { CleanThread, CleanThreadLost, CleanWriteFailed } from './clean-thread.ts'
import { compactConfig } from './compaction-testing.ts'
import type { Log } from './log.ts'
import { LogManager } from './log-manager.ts'
import { KeptLogger } from './log-testing.ts'

const clock = new ManualClock()
const thread = CleanThread.find({ clock, idleMs: 1000 })!
const config = { ...compactConfig, segmentBytes: 8000, deleteRetentionMs: 100, fileDeleteDelayMs: 0 }
let folder = ''
let managers: LogManager[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clean-thread-'))
  managers = []
})
afterEach(async () => {
  for (const manager of managers) await manager.close()
  rmSync(folder, { recursive: true })
})
afterAll(() => thread.close())

const opened = async (name: string): Promise<{ manager: LogManager; log: Log }> => {
  const logger = new KeptLogger()
  const manager = await LogManager.open({
    directories: [join(folder, name)],
    clock,
    random: seededRandom(1),
    logger,
    configOf: () => config,
  })
  managers.push(manager)
  return { manager, log: manager.getOrCreate({ topic: 'c', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0, config }) }
}

const end = (log: Log, producerId: number, isCommit: boolean): void => {
  const marker = endTransactionMarker({ isCommit, coordinatorEpoch: 0 }, { producerId, producerEpoch: 0, timestamp: clock.now() })
  log.appendAsLeader(marker, { leaderEpoch: 0, origin: 'coordinator' })
}

/** Batches of every compression, of plain, idempotent and transactional producers; the same ones for the same seed. */
const filled = (log: Log, seed: number, batches = 300): void => {
  const random = seededRandom(seed)
  const sequences = new Map<number, number>()
  const open = new Set<number>()
  for (let index = 0; index < batches; index++) {
    const producerId = [-1, -1, 5, 6, 20, 21][random.below(6)] ?? -1
    const count = 1 + random.below(8)
    const baseSequence = sequences.get(producerId) ?? 0
    const compression = (['none', 'none', 'gzip', 'lz4', 'snappy', 'zstd'] as const)[random.below(6)] ?? 'none'
    const producer = producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence, isTransactional: producerId >= 20 }
    const builder = new BatchBuilder({ compression, ...producer })
    for (let record = 0; record < count; record++) {
      const key = `key-${random.below(80)}${random.below(2) === 0 ? '' : '-which-is-longer-than-a-slot'}`
      const value = random.below(5) === 0 ? null : 'v'.repeat(random.below(200))
      builder.append({ timestamp: clock.now() - random.below(100), key, value })
    }
    log.appendAsLeader(builder.build(), { leaderEpoch: 0 })
    sequences.set(producerId, baseSequence + count)
    if (producerId >= 20) open.add(producerId)
    for (const ended of [...open].filter(() => random.below(6) === 0)) {
      open.delete(ended)
      end(log, ended, random.below(2) === 0)
    }
  }
  for (const ended of open) end(log, ended, true)
  log.roll()
  log.writeStaged()
  log.highWatermark = log.writtenOffset
  log.producers.onHighWatermark(log.highWatermark)
}

/** Files of segments and snapshots. */
const contents = (log: Log): Map<string, string> =>
  new Map(
    readdirSync(log.path)
      .filter(name => name.startsWith('0') && !name.endsWith('.deleted'))
      .toSorted()
      .map(name => [name, readFileSync(join(log.path, name)).toString('hex')]),
  )

const pass = (log: Log, used: CleanThread | undefined, pace = new CleanPace({ clock })) =>
  log.compact({ pace, ioBufferBytes: 4096, ...(used === undefined ? {} : { thread: used }) })

/** A pass that knows its keys, and its first segment. */
const begun = async () => {
  const { log } = await opened('a')
  filled(log, 1)
  const [segment] = log.segments
  const source = { path: segment!.logPath(log.path), baseOffset: 0, endOffset: 10, size: segment!.size, from: 0, modifiedMs: 0 }
  const map = { bytes: 1000, loadFactor: 0.9, seed: [1, 2, 3, 4] as const }
  const facts = { map, bufferBytes: 4096, dirty: [source], startOffset: 0, endOffset: 10 }
  const rules = { abortedDirty: [], aborted: [], now: 0, deleteRetentionMs: 0, legacyHorizonMs: 0 }
  const work = thread.begin({ ...facts, ...rules }, new CleanPace({ clock }))
  expect((await work.mapKeys()).keys).toBeGreaterThan(0)
  return { work, group: { sources: [source], lastRecords: new Map() } }
}

const wrote = (): never => {
  throw new RangeError('no index for you')
}

describe('a pass in the thread', () => {
  it.each([1, 2, 3])('leaves the same bytes in every file as one on the event loop (%i)', async seed => {
    const results = []
    for (const used of [undefined, thread]) {
      clock.jump(1_700_000_000_000 - clock.now())
      const { log } = await opened(used === undefined ? 'here' : 'there')
      filled(log, seed)
      const before = log.size
      const told = []
      for (let round = 0; round < 3; round++) {
        log.cleanedOffset = undefined
        told.push(await pass(log, used))
        clock.jump(60)
      }
      expect(log.size).toBeLessThan(before / 2)
      results.push({
        told,
        files: contents(log),
        segments: log.segments.map(({ baseOffset, size, verified }) => [baseOffset, size, verified]),
      })
    }
    expect(results[1]).toEqual(results[0])
  })

  it('may go on beside another', async () => {
    const logs = [(await opened('a')).log, (await opened('b')).log, (await opened('c')).log]
    for (const log of logs) filled(log, 7)
    await Promise.all(logs.map((log, index) => pass(log, index === 0 ? undefined : thread)))
    const [first, ...others] = logs.map(log => contents(log))
    for (const other of others) expect(other).toEqual(first)
  })

  it('keeps to the rate of bytes, and ends when the log is closed meanwhile', async () => {
    const { log, manager } = await opened('a')
    filled(log, 1)
    const before = contents(log)
    const pace = new CleanPace({ clock, throttle: new IoThrottle(clock), bytesPerSecond: 1000 })
    const state = { isOver: false }
    const run = pass(log, thread, pace).finally(() => {
      state.isOver = true
    })
    const outcome = expect(run).rejects.toBeInstanceOf(CompactionAborted)
    await new Promise(resolve => {
      setTimeout(resolve, 300)
    })
    expect(state.isOver).toBe(false)
    expect(contents(log)).toEqual(before)
    const { path } = log
    manager.delete('c', 0)
    for (let step = 0; step < 100 && !state.isOver; step++) {
      clock.advance(10_000)
      await new Promise(resolve => {
        setTimeout(resolve, 5)
      })
    }
    await outcome
    expect(readdirSync(join(path, '..')).filter(name => name === 'c-0')).toEqual([])
  })

  it('fails when the thread is lost, leaves nothing, and the next one has another thread', async () => {
    const { log } = await opened('a')
    filled(log, 1)
    const before = contents(log)
    const slow = new CleanPace({ clock, throttle: new IoThrottle(clock), bytesPerSecond: 1 })
    const run = expect(pass(log, thread, slow)).rejects.toBeInstanceOf(CleanThreadLost)
    await new Promise(resolve => {
      setTimeout(resolve, 50)
    })
    await thread.close()
    await run
    expect(contents(log)).toEqual(before)
    expect(thread.isRunning).toBe(false)
    expect(await pass(log, thread)).toMatchObject({ isPartial: false })
    expect(thread.isRunning).toBe(true)
    clock.advance(1001)
    expect(thread.isRunning).toBe(false)
  })

  it('tells of damage as it is', async () => {
    const { log } = await opened('a')
    filled(log, 1)
    const path = log.segmentAt(0).logPath(log.path)
    const bytes = readFileSync(path)
    bytes[200] = bytes[200]! ^ 1
    writeFileSync(path, bytes)
    await expect(pass(log, thread)).rejects.toMatchObject({ code: ErrorCode.CORRUPT_MESSAGE, message: expect.stringContaining(path) })
  })

  describe('with a segment', () => {
    const target = { path: '', add: () => undefined, flush: () => undefined, wrote: () => undefined }
    const index = { append: () => undefined }

    it('tells when it cannot be written', async () => {
      const { group, work } = await begun()
      const run = work.cleanGroup(group, { ...target, path: join(folder, 'nowhere') }, index)
      await expect(run).rejects.toSatisfy(error => error instanceof CleanWriteFailed && String(error.cause).includes('ENOENT'))
      work.end()
    })

    it('gives up when its indexes cannot be made', async () => {
      const { group, work } = await begun()
      const path = join(folder, 'cleaned')
      writeFileSync(path, '')
      await expect(work.cleanGroup(group, { ...target, path, wrote }, index)).rejects.toThrow('no index for you')
      work.end()
    })

    it('fails when the thread ended between two requests', async () => {
      const { group, work } = await begun()
      await thread.close()
      await expect(work.cleanGroup(group, target, index)).rejects.toBeInstanceOf(CleanThreadLost)
      work.end()
    })
  })
})
