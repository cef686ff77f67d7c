// The cleaner with its thread, on the real disk.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock, seededRandom } from '@ottla/protocol'
import { CleanThread } from './clean-thread.ts'
import { type CleanerSettings, defaultCleanerSettings, LogCleaner } from './cleaner.ts'
import { compactConfig, keyedBatch } from './compaction-testing.ts'
import type { Log } from './log.ts'
import { LogManager } from './log-manager.ts'
import { KeptLogger } from './log-testing.ts'

let folder = ''
let manager: LogManager
let log: Log
const clock = new ManualClock()
const thread = CleanThread.find({ clock })!

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cleaner-thread-'))
  const parts = { clock, random: seededRandom(1), logger: new KeptLogger() }
  manager = await LogManager.open({ directories: [folder], ...parts, configOf: () => compactConfig })
  log = manager.getOrCreate({ topic: 'c', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0, config: compactConfig })
  for (let index = 0; index < 100; index++) {
    log.appendAsLeader(keyedBatch([[`k${index % 7}`, 'v'.repeat(100)]], { now: clock.now() }), { leaderEpoch: 0 })
  }
  log.roll()
  log.writeStaged()
  log.highWatermark = log.writtenOffset
})
afterEach(async () => {
  await thread.close()
  await manager.close()
  rmSync(folder, { recursive: true })
})

const cleanerWith = (settings: Partial<CleanerSettings>): LogCleaner => {
  const { directories, world } = manager
  return new LogCleaner({ world, directories, settings: () => ({ ...defaultCleanerSettings, ...settings }), thread })
}

const begun = (): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, 200)
  })

const unfinished = (): string[] => readdirSync(log.path).filter(name => /cleaned|swap/.test(name))

describe('the cleaner with a thread', () => {
  it('compacts there, and ends it when it stops', async () => {
    const cleaner = cleanerWith({})
    expect(await cleaner.cleanDirtiest()).toBe(true)
    expect(thread.isRunning).toBe(true)
    expect(cleaner.statistics.passes).toBe(1)
    expect(cleaner.statistics.bytesRead).toBeGreaterThan(10_000)
    expect(cleaner.statistics.bytesWritten).toBeLessThan(2000)
    expect(log.size).toBe(cleaner.statistics.bytesWritten)
    await cleaner.stop()
    expect(thread.isRunning).toBe(false)
  })

  it('gives up a pass that waits for its rate when it stops', async () => {
    const cleaner = cleanerWith({ ioMaxBytesPerSecond: 1, ioBufferBytes: 2000 })
    const run = cleaner.cleanDirtiest()
    await begun()
    await cleaner.stop()
    expect(await run).toBe(false)
    expect([cleaner.uncleanable.size, thread.isRunning, unfinished()]).toEqual([0, false, []])
  })

  it('tries a log again that took the thread with it, but not for ever', async () => {
    const cleaner = cleanerWith({ ioMaxBytesPerSecond: 1, ioBufferBytes: 2000 })
    const tried: number[] = []
    for (let times = 0; times < 3; times++) {
      const run = cleaner.cleanDirtiest()
      await begun()
      await thread.close()
      expect(await run).toBe(false)
      tried.push(cleaner.uncleanable.size)
    }
    expect(tried).toEqual([0, 0, 1])
    expect(unfinished()).toEqual([])
    expect(log.usable).toBe(true)
    await cleaner.stop()
  })
})
