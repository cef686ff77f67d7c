import { ErrorCode, ManualClock } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { CleanPace, CompactionAborted, IoThrottle } from './clean-pace.ts'
import { type CleanerSettings, defaultCleanerSettings, type LogCleaner } from './cleaner.ts'
import { CompactedLog, compactConfig, keyedBatch } from './compaction-testing.ts'
import type { LogConfig } from './config.ts'
import type { Log } from './log.ts'
import { turn } from './log-simulation.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
const CHECKPOINT = '/logs/cleaner-offset-checkpoint'

const open = (settings: Partial<CleanerSettings> = {}, config: Partial<LogConfig> = {}): Promise<CompactedLog> =>
  CompactedLog.open({ config }, { cleaner: () => ({ ...defaultCleanerSettings, ...settings }) })

const cleanerOf = (test: CompactedLog): LogCleaner => {
  const { cleaner } = test.manager
  if (cleaner === undefined) throw new Error('there is no cleaner')
  return cleaner
}

const more = (test: CompactedLog, topic: string, config: Partial<LogConfig> = {}): Log =>
  test.manager.getOrCreate({ topic, topicId, partition: 0, config: { ...compactConfig, ...config } })

/** Records of one key, a segment of them each time. */
const fill = (test: CompactedLog, log: Log, segments: number): void => {
  for (let segment = 0; segment < segments; segment++) {
    for (let index = 0; index < 5; index++) {
      log.appendAsLeader(keyedBatch([['k', 'v'.repeat(20)]], { now: test.clock.now() }), { leaderEpoch: 0 })
    }
    log.roll()
  }
  test.schedule.run()
  log.highWatermark = log.writtenOffset
}

const turns = async (count = 200): Promise<void> => {
  for (let index = 0; index < count; index++) await turn()
}

const checkpoint = (test: CompactedLog): string[] => test.disk.readFileSync(CHECKPOINT).toString().trim().split('\n').slice(2).toSorted()

describe('the cleaner', () => {
  it('compacts what is dirty, every now and then, and remembers how far', async () => {
    const test = await open()
    fill(test, test.log, 3)
    fill(test, more(test, 'plain', { cleanupPolicy: { compact: false, delete: true } }), 3)
    test.clock.advance(14_999)
    await turns()
    expect(test.log.segments.length).toBe(4)
    test.clock.advance(1)
    await turns()
    expect(await test.lines()).toEqual([`14 k=${'v'.repeat(20)}`])
    expect(checkpoint(test)).toEqual(['c 0 15'])
    expect(cleanerOf(test).statistics).toMatchObject({ passes: 1, maxDirtyRatio: 0 })
    expect(test.manager.get('plain', 0)?.segments.length).toBe(4)
    test.manager.delete('plain', 0)
    await test.manager.close()
    await test.start({ cleaner: () => defaultCleanerSettings })
    expect(test.log.cleanedOffset).toBe(15)
    expect(await cleanerOf(test).cleanDirtiest()).toBe(false)
    test.manager.delete('c', 0)
    await turns()
    expect(checkpoint(test)).toEqual([])
  })

  it('does nothing when it is not enabled', async () => {
    const test = await open({ enable: false })
    fill(test, test.log, 3)
    test.clock.advance(60_000)
    await turns()
    expect(test.log.segments.length).toBe(4)
  })

  it('begins with the dirtiest log, and leaves those that are not dirty enough', async () => {
    const test = await open()
    const [half, little] = [more(test, 'half'), more(test, 'little')]
    fill(test, half, 2)
    fill(test, little, 4)
    half.cleanedOffset = 5
    little.cleanedOffset = 15
    fill(test, test.log, 1)
    const order: string[] = []
    for (const log of [half, little, test.log]) {
      const compact = log.compact.bind(log)
      log.compact = options => {
        order.push(log.topic)
        return compact(options)
      }
    }
    half.config = { ...half.config, minCleanableDirtyRatio: 0.4 }
    while (await cleanerOf(test).cleanDirtiest());
    expect(order).toEqual(['c', 'half'])
    expect(cleanerOf(test).statistics.maxDirtyRatio).toBe(0.25)
    // One whose dirty part has waited for too long.
    little.config = { ...little.config, maxCompactionLagMs: 1000 }
    test.clock.advance(999)
    expect(await cleanerOf(test).cleanDirtiest()).toBe(false)
    test.clock.advance(2)
    expect(await cleanerOf(test).cleanDirtiest()).toBe(true)
    expect(order).toEqual(['c', 'half', 'little'])
  })

  it('compacts several logs at a time when it may', async () => {
    const test = await open({ threads: 2 })
    const logs = [test.log, more(test, 'second'), more(test, 'third')]
    for (const log of logs) fill(test, log, 3)
    test.clock.advance(15_000)
    await turns()
    expect(logs.map(log => log.cleanedOffset)).toEqual([15, 15, 15])
    expect(cleanerOf(test).statistics.passes).toBe(3)
    expect(test.logger.lines.filter(line => line.level !== 'info')).toEqual([])
  })

  it('leaves a damaged log alone and goes on with the others', async () => {
    const test = await open()
    const other = more(test, 'other')
    fill(test, test.log, 3)
    fill(test, other, 1)
    other.cleanedOffset = 0
    const file = test.disk.openSync(test.log.segmentAt(0).logPath(test.log.path), 'update')
    file.writeSync([Buffer.from('??')], 150)
    file.closeSync()
    test.clock.advance(15_000)
    await turns()
    test.clock.advance(15_000)
    await turns()
    expect([...cleanerOf(test).uncleanable.keys()]).toEqual([test.log])
    expect([...cleanerOf(test).uncleanable.values()]).toMatchObject([{ code: ErrorCode.CORRUPT_MESSAGE }])
    expect(other.cleanedOffset).toBe(5)
    expect(test.log.segments.length).toBe(4)
    expect(test.logger.lines.filter(line => line.level === 'error').length).toBe(1)
    expect(test.log.appendAsLeader(keyedBatch([['k', 'v']], { now: 0 }), { leaderEpoch: 0 }).baseOffset).toBe(15)
  })

  it('tries again when the disk was full, and gives up a directory whose device failed', async () => {
    const test = await open()
    fill(test, test.log, 3)
    const { capacity } = test.disk
    test.disk.capacity = test.disk.usedBytes
    expect(await cleanerOf(test).cleanDirtiest()).toBe(false)
    expect([test.log.usable, cleanerOf(test).uncleanable.size, test.names().filter(name => name.includes('cleaned'))]).toEqual([
      true,
      0,
      [],
    ])
    test.disk.capacity = capacity
    expect(await cleanerOf(test).cleanDirtiest()).toBe(true)
    fill(test, test.log, 3)
    test.disk.fail({ operation: 'datasync', path: '.cleaned', code: 'EIO' })
    expect(await cleanerOf(test).cleanDirtiest()).toBe(false)
    expect(test.log.usable).toBe(false)
    expect(await cleanerOf(test).cleanDirtiest()).toBe(false)
  })

  it('stops at once', async () => {
    const test = await open({ ioMaxBytesPerSecond: 100 })
    fill(test, test.log, 3)
    test.clock.advance(15_000)
    await turns(50)
    expect(test.log.segments.length).toBe(4)
    await test.manager.close()
    expect(test.names().filter(name => name.includes('cleaned'))).toEqual([])
  })

  it('keeps to the rate of bytes that it may read and write', async () => {
    const test = await open({ ioMaxBytesPerSecond: 1000 })
    fill(test, test.log, 3)
    const { size } = test.log
    const began = test.clock.monotonic()
    const state = { isDone: false }
    const work = cleanerOf(test)
      .cleanDirtiest()
      .finally(() => {
        state.isDone = true
      })
    while (!state.isDone) {
      await turns(5)
      test.clock.advance(10)
    }
    expect(await work).toBe(true)
    // Read twice.
    expect(test.clock.monotonic() - began).toBeGreaterThan(size * 2 * 0.9)
  })

  it('forgets what was compacted and then cut off', async () => {
    const test = await open()
    fill(test, test.log, 3)
    expect(await cleanerOf(test).cleanDirtiest()).toBe(true)
    fill(test, test.log, 1)
    expect(await cleanerOf(test).cleanDirtiest()).toBe(true)
    expect(checkpoint(test)).toEqual(['c 0 20'])
    await test.log.truncateTo(19)
    expect(test.log.cleanedOffset).toBeLessThan(19)
    expect(checkpoint(test)).toEqual([`c 0 ${test.log.cleanedOffset}`])
  })

  it('leaves to retention what is too old in a log that is also deleted from', async () => {
    const test = await open({}, { cleanupPolicy: { compact: true, delete: true }, retentionMs: 1000 })
    fill(test, test.log, 2)
    test.clock.advance(2000)
    fill(test, test.log, 2)
    test.log.cleanedOffset = 10
    expect(test.manager.deleteOldSegments()).toBe(2)
    expect(test.log.logStartOffset).toBe(10)
    expect(await cleanerOf(test).cleanDirtiest()).toBe(true)
    expect((await test.records()).map(record => record.offset)).toEqual([19])
  })
})

describe('the pace of a pass', () => {
  it('gives the loop back when it was held for long enough', async () => {
    const clock = new ManualClock()
    let pauses = 0
    const pace = new CleanPace({
      clock,
      sliceMs: 3,
      pause: () => {
        pauses++
        return Promise.resolve()
      },
    })
    expect(pace.isDue).toBe(false)
    clock.advance(3)
    expect(pace.isDue).toBe(true)
    await pace.pause()
    expect([pace.isDue, pauses]).toEqual([false, 1])
    pace.isWanted = () => false
    await expect(pace.pause()).rejects.toThrow(CompactionAborted)
  })

  it('is shared by all passes', () => {
    const clock = new ManualClock()
    const throttle = new IoThrottle(clock)
    expect(throttle.take(500, 1000)).toBe(500)
    expect(throttle.take(500, 1000)).toBe(1000)
    clock.advance(2000)
    expect(throttle.take(100, 1000)).toBe(100)
  })
})
