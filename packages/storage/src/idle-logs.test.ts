// What logs that nobody uses may cost: no open files, and no sync at a stop.
import { ManualClock, seededRandom } from '@ottla/protocol'
import type { Files } from './files.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultLogConfig, type LogConfig } from './config.ts'
import { LogManager } from './log-manager.ts'
import { batchOf, KeptLogger } from './log-testing.ts'
import { nodeFiles } from './node-files.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAABA'
const config: LogConfig = { ...defaultLogConfig, flushMode: 'ack' }

/** The real disk; keeps what is synced. */
const watched = (synced: string[]): Files => ({
  ...nodeFiles,
  space: async () => ({ totalBytes: 1, usableBytes: 1 }),
  openSync(path, mode) {
    const file = nodeFiles.openSync(path, mode)
    const datasync = file.datasync.bind(file)
    return Object.assign(file, {
      datasync: () => {
        synced.push(path)
        return datasync()
      },
    })
  },
  syncDirectory(path) {
    synced.push(path)
    return nodeFiles.syncDirectory(path)
  },
})

const create = (manager: LogManager, partition: number) => manager.getOrCreate({ topic: 'idle', topicId, partition, config })

describe('idle logs', () => {
  let folder = ''
  let synced: string[] = []
  let clock = new ManualClock()
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-idle-'))
    synced = []
    clock = new ManualClock()
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const open = () =>
    LogManager.open({
      directories: [folder],
      files: watched(synced),
      clock,
      random: seededRandom(1),
      logger: new KeptLogger(),
      configOf: () => config,
    })
  const syncedInLogs = () => synced.filter(path => path.includes('/idle-'))

  const syncedBy = async (work: () => Promise<void>): Promise<number> => {
    const before = synced.length
    await work()
    return synced.length - before
  }

  it('leave checkpoint files as they are', async () => {
    const manager = await open()
    const log = create(manager, 0)
    const checkpoint = () => manager.checkpoint()
    expect(await syncedBy(checkpoint)).toBeGreaterThan(0)
    expect(await syncedBy(checkpoint)).toBe(0)
    log.appendAsLeader(batchOf({ values: ['a'] }), { leaderEpoch: 0, origin: 'client' })
    await log.flush()
    expect(await syncedBy(checkpoint)).toBeGreaterThan(0)
    expect(await syncedBy(checkpoint)).toBe(0)
    await manager.close()
  })

  it('keep no file open, neither new nor after an unclean stop nor a while after their use', async () => {
    const manager = await open()
    const used = create(manager, 0)
    for (let partition = 1; partition < 20; partition++) create(manager, partition)
    const { openFiles } = manager.world
    expect(openFiles.count).toBe(0)
    used.appendAsLeader(batchOf({ values: ['x'] }), { leaderEpoch: 0 })
    await used.flush()
    expect(openFiles.count).toBe(1)
    clock.advance(30_000)
    expect(openFiles.count).toBe(1)
    await new Promise(setImmediate)
    clock.advance(30_000)
    expect(openFiles.count).toBe(0)
    await manager.close()
    rmSync(join(folder, '.kafka_cleanshutdown'))
    const again = await open()
    expect(again.world.openFiles.count).toBe(0)
    expect(nodeFiles.listSync(join(folder, 'idle-1')).toSorted()).toEqual(['00000000000000000000.log', 'partition.metadata'])
    await again.close()
  })

  it('are not synced at a stop', async () => {
    const manager = await open()
    for (let partition = 0; partition < 20; partition++) create(manager, partition).leaderEpochs.assign(3, 0)
    const used = create(manager, 20)
    used.leaderEpochs.assign(3, 0)
    used.appendAsLeader(batchOf({ values: ['x'] }), { leaderEpoch: 3 })
    await used.flush()
    synced.length = 0
    await manager.close()
    expect(syncedInLogs().every(path => path.includes('/idle-20'))).toBe(true)
    expect(syncedInLogs()).toContain(join(folder, 'idle-20', '00000000000000000000.timeindex'))

    synced.length = 0
    const again = await open()
    for (const log of again.logs) log.leaderEpochs.assign(4, log.logEndOffset)
    expect(again.get('idle', 20)?.leaderEpochs.entries).toEqual([
      { epoch: 3, startOffset: 0 },
      { epoch: 4, startOffset: 1 },
    ])
    await again.close()
    expect(syncedInLogs()).toEqual([])
  })

  it('are synced again when their epochs changed below their end', async () => {
    const manager = await open()
    const log = create(manager, 0)
    log.appendAsLeader(batchOf({ values: ['x'] }), { leaderEpoch: 3 })
    log.appendAsLeader(batchOf({ values: ['y'] }), { leaderEpoch: 4 })
    await log.flush()
    await manager.close()
    const again = await open()
    again.get('idle', 0)?.leaderEpochs.truncateFromStart(1)
    synced.length = 0
    await again.close()
    expect(syncedInLogs().some(path => path.includes('leader-epoch-checkpoint'))).toBe(true)
    const last = await open()
    expect(last.get('idle', 0)?.leaderEpochs.entries).toEqual([{ epoch: 4, startOffset: 1 }])
    await last.close()
  })
})
