import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ErrorCode, ManualClock, seededRandom } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { defaultLogConfig, type LogConfig } from './config.ts'
import { DirectoryLockedError } from './directory-lock.ts'
import type { Log } from './log.ts'
import { LogManager, type LogManagerOptions } from './log-manager.ts'
import { batchOf, KeptLogger } from './log-testing.ts'
import { turn } from './log-simulation.ts'
import { MemoryDisk } from './memory-disk.ts'
import { nodeFiles } from './node-files.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
const otherId = 'AAAAAAAAAAAAAAAAAAAAAg'
const config: LogConfig = { ...defaultLogConfig, flushMode: 'os', segmentBytes: 300, retentionMs: -1 }

const optionsOf = (changes: Partial<LogManagerOptions> = {}): LogManagerOptions => ({
  directories: ['/logs'],
  files: new MemoryDisk(),
  clock: new ManualClock(),
  random: seededRandom(1),
  logger: new KeptLogger(),
  schedule: run => run(),
  configOf: () => config,
  tailCacheBytes: 0,
  readBufferBytes: 0,
  ...changes,
})

const create = (manager: LogManager, topic: string, changes: Partial<LogConfig> = {}): Log =>
  manager.getOrCreate({ topic, topicId, partition: 0, config: { ...config, ...changes } })

const fill = (log: Log, count: number, timestamp = 1_700_000_000_000): void => {
  for (let index = 0; index < count; index++)
    log.appendAsLeader(batchOf({ values: ['some value'], timestamps: [timestamp] }), { leaderEpoch: 0 })
  log.highWatermark = log.logEndOffset
}

describe('log directories', () => {
  it('are used by one manager at a time', async () => {
    const options = optionsOf()
    const first = await LogManager.open(options)
    await expect(LogManager.open(options)).rejects.toThrow(DirectoryLockedError)
    await first.close()
    await (await LogManager.open(options)).close()
  })

  it('are taken over from a process that is gone, and not from one that lives', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lock-'))
    const options = optionsOf({ files: nodeFiles, directories: [folder] })
    for (const gone of ['4194304 17\n', '1 1\n', '12', '']) {
      writeFileSync(join(folder, '.lock'), gone)
      await (await LogManager.open(options)).close()
    }
    if (process.platform === 'linux') {
      const stat = nodeFiles.readFileSync(`/proc/${process.ppid}/stat`).toString()
      const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
      writeFileSync(join(folder, '.lock'), `${process.ppid} ${started}\n`)
      await expect(LogManager.open(options)).rejects.toThrow(/in use by the broker with process id/)
    }
    rmSync(folder, { recursive: true })
  })

  it('belong to one node of one cluster', async () => {
    const options = optionsOf({ identity: { clusterId: 'one', nodeId: 1 } })
    const first = await LogManager.open(options)
    const id = first.directories[0]?.id
    await first.close()
    const other = { ...options, identity: { clusterId: 'two', nodeId: 1 } }
    await expect(LogManager.open(other)).rejects.toMatchObject({ code: ErrorCode.INCONSISTENT_CLUSTER_ID })
    const again = await LogManager.open(options)
    expect(again.directories[0]?.id).toBe(id)
    await again.close()
  })

  it('keep folders and files that are none of its business', async () => {
    const clock = new ManualClock()
    const files = new MemoryDisk()
    const options = optionsOf({ clock, files })
    for (const name of ['lost+found', 'notes', 'topic-', 'topic-01', 'gone-0.0123456789abcdef0123456789abcdef-delete'])
      files.makeDirectorySync(`/logs/${name}`)
    const manager = await LogManager.open(options)
    expect([...manager.logs]).toEqual([])
    expect(files.listSync('/logs')).toEqual(expect.arrayContaining(['lost+found', 'notes', 'topic-', 'topic-01']))
    clock.advance(60_000)
    await turn()
    expect(files.listSync('/logs').some(name => name.endsWith('-delete'))).toBe(false)
    await manager.close()
  })
})

describe('logs', () => {
  it('are deleted by a new name at once and for good later', async () => {
    const clock = new ManualClock()
    const files = new MemoryDisk()
    const manager = await LogManager.open(optionsOf({ clock, files }))
    const log = create(manager, 'gone')
    fill(log, 5)
    manager.delete('gone', 0)
    expect(manager.get('gone', 0)).toBeUndefined()
    const renamed = files.listSync('/logs').filter(name => /^gone-0\.[0-9a-f]{32}-delete$/.test(name))
    expect(renamed).toHaveLength(1)
    expect(() => log.appendAsLeader(batchOf({ values: ['x'] }), { leaderEpoch: 0 })).toThrow(/closed/)
    fill(create(manager, 'gone'), 1)
    clock.advance(config.fileDeleteDelayMs)
    await turn()
    expect(files.listSync('/logs').filter(name => name.startsWith('gone'))).toEqual(['gone-0'])
    await manager.close()
  })

  it('may be deleted while they are flushed', async () => {
    const clock = new ManualClock()
    const manager = await LogManager.open(optionsOf({ clock }))
    const log = create(manager, 'gone', { flushMode: 'ack', fileDeleteDelayMs: 0 })
    fill(log, 5)
    const flushed = log.flush()
    manager.delete('gone', 0)
    clock.advance(1)
    await expect(flushed).rejects.toThrow(/deleted/)
    await turn()
    expect(manager.directories[0]?.online).toBe(true)
    await manager.close()
  })

  it('are not taken for those of another topic of the same name', async () => {
    const manager = await LogManager.open(optionsOf())
    create(manager, 'mine')
    expect(() => manager.getOrCreate({ topic: 'mine', topicId: otherId, partition: 0, config })).toThrow(/topic id/)
    await manager.close()
  })

  it('come back with log start, high watermark and settings', async () => {
    const options = optionsOf()
    const first = await LogManager.open(options)
    const log = create(first, 'kept')
    fill(log, 10)
    log.highWatermark = 8
    log.advanceLogStartOffset(7)
    await first.close()
    const again = (await LogManager.open(options)).get('kept', 0)
    expect([again?.logStartOffset, again?.highWatermark, again?.logEndOffset, again?.topicId]).toEqual([7, 8, 10, topicId])
    expect(again?.config).toBe(config)
  })
})

describe('retention', () => {
  it('by size keeps at least so many bytes, by start what is above it, never what is above the high watermark', async () => {
    const manager = await LogManager.open(optionsOf())
    const log = create(manager, 'sized', { retentionBytes: 500 })
    fill(log, 20)
    const before = log.segments.length
    log.highWatermark = log.segmentAt(1).baseOffset
    manager.deleteOldSegments()
    expect(log.segments.length).toBe(before - 1)
    log.highWatermark = log.logEndOffset
    manager.deleteOldSegments()
    expect(log.size).toBeGreaterThanOrEqual(500)
    expect(log.size - log.segmentAt(0).size).toBeLessThan(500)
    expect(log.logStartOffset).toBe(log.segmentAt(0).baseOffset)
    log.advanceLogStartOffset(log.logEndOffset)
    expect([log.segments.length, log.logStartOffset]).toEqual([1, 20])
    await manager.close()
  })

  it('by time goes by the records, empties the log, and holds still when the clock jumps', async () => {
    const clock = new ManualClock()
    const manager = await LogManager.open(optionsOf({ clock }))
    const log = create(manager, 'timed', { retentionMs: 1000 })
    fill(log, 10, clock.now())
    expect(manager.deleteOldSegments()).toBe(0)
    clock.jump(10 * 365 * 86_400_000)
    expect(manager.deleteOldSegments()).toBe(0)
    clock.jump(-10 * 365 * 86_400_000)
    clock.advance(900)
    expect(manager.deleteOldSegments()).toBe(0)
    clock.advance(200)
    expect(manager.deleteOldSegments()).toBeGreaterThan(0)
    expect([log.logStartOffset, log.logEndOffset, log.size]).toEqual([10, 10, 0])
    fill(log, 1, clock.now())
    expect(log.logEndOffset).toBe(11)
    clock.jump(86_400_000)
    expect(manager.deleteOldSegments()).toBe(0)
    clock.advance(2 * 86_400_000)
    manager.deleteOldSegments()
    expect([log.logStartOffset, log.size]).toEqual([11, 0])
    await manager.close()
  })
})

describe('flushes by time', () => {
  it('come after flush.ms, and not for logs that have nothing new', async () => {
    const clock = new ManualClock()
    const manager = await LogManager.open(optionsOf({ clock }))
    const log = create(manager, 'timed', { flushMode: 'interval', flushMs: 1000, segmentBytes: 100_000 })
    fill(log, 3)
    clock.advance(500)
    await turn()
    expect(log.flushedOffset).toBe(0)
    for (const ms of [250, 350]) {
      clock.advance(ms)
      await turn()
    }
    expect(log.flushedOffset).toBe(3)
    clock.advance(600)
    await turn()
    expect(manager.world.unflushed.size).toBe(0)
    await manager.close()
  })
})
