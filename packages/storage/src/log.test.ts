import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { batchesIn, ManualClock, recordsOf, seededRandom } from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultLogConfig, type LogConfig } from './config.ts'
import type { Log } from './log.ts'
import { LogManager } from './log-manager.ts'
import { batchOf, bytesOf, KeptLogger, ManualSchedule } from './log-testing.ts'

let folder: string
let clock: ManualClock
let schedule: ManualSchedule
let logger: KeptLogger
const managers: LogManager[] = []

const open = async (): Promise<LogManager> => {
  const manager = await LogManager.open({
    directories: [folder],
    clock,
    logger,
    random: seededRandom(1),
    schedule: schedule.schedule,
    tailCacheBytes: 1024 * 1024,
    readBufferBytes: 1024 * 1024,
  })
  managers.push(manager)
  return manager
}

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
const config = (changes: Partial<LogConfig> = {}): LogConfig => ({ ...defaultLogConfig, flushMode: 'os', ...changes })
const create = (manager: LogManager, changes: Partial<LogConfig> = {}): Log =>
  manager.getOrCreate({ topic: 'words', topicId, partition: 0, config: config(changes) })

const valuesFrom = async (log: Log, offset: number, maxBytes = 1_000_000): Promise<string[]> => {
  const data = await log.read({ offset, maxBytes, endOffset: log.logEndOffset, minOneBatch: true })
  const values: string[] = []
  for (const batch of batchesIn(bytesOf(data))) {
    for (const record of recordsOf(batch)) if (record.offset >= offset) values.push(`${record.offset}=${record.value?.toString()}`)
  }
  return values
}

const found = (manager: LogManager): Log => {
  const log = manager.get('words', 0)
  if (log === undefined) throw new Error('the log is not there')
  return log
}
const numbered = () => batchOf({ values: ['a', 'b'], producerId: 7, producerEpoch: 0, baseSequence: 0 })

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-'))
  clock = new ManualClock()
  schedule = new ManualSchedule()
  logger = new KeptLogger()
})

afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close()
  rmSync(folder, { recursive: true })
})

describe('a log', () => {
  it('gives offsets at once and tells of the write at the end of the turn', async () => {
    const log = create(await open())
    const progress: number[] = []
    log.onProgress = ({ writtenOffset }) => progress.push(writtenOffset)
    expect(log.appendAsLeader(batchOf({ values: ['a', 'b'] }), { leaderEpoch: 3 })).toMatchObject({
      baseOffset: 0,
      lastOffset: 1,
      duplicate: false,
    })
    expect(log.appendAsLeader(batchOf({ values: ['c'] }), { leaderEpoch: 3 })).toMatchObject({ baseOffset: 2, lastOffset: 2 })
    expect([log.logEndOffset, log.writtenOffset]).toEqual([3, 0])
    schedule.run()
    expect(progress).toEqual([3])
    expect(await valuesFrom(log, 1)).toEqual(['1=b', '2=c'])
    expect(log.leaderEpochs.entries).toEqual([{ epoch: 3, startOffset: 0 }])
  })

  it('reads the same after a clean stop and a new start', async () => {
    const first = await open()
    const log = create(first)
    for (let index = 0; index < 50; index++) log.appendAsLeader(batchOf({ values: [`v${index}`] }), { leaderEpoch: 1 })
    schedule.run()
    await first.close()
    const again = found(await open())
    expect([again.topicId, again.logEndOffset, again.flushedOffset]).toEqual([topicId, 50, 50])
    expect(await valuesFrom(again, 47)).toEqual(['47=v47', '48=v48', '49=v49'])
    expect(again.appendAsLeader(batchOf({ values: ['x'] }), { leaderEpoch: 2 }).baseOffset).toBe(50)
  })

  it('rolls by size and reads across segments', async () => {
    const log = create(await open(), { segmentBytes: 1000, indexIntervalBytes: 100 })
    const expected: string[] = []
    for (let index = 0; index < 60; index++) {
      log.appendAsLeader(batchOf({ values: [`value ${index}`] }), { leaderEpoch: 1 })
      expected.push(`${index}=value ${index}`)
      if (index % 7 === 0) schedule.run()
    }
    schedule.run()
    expect(log.segments.length).toBeGreaterThan(4)
    const seen: string[] = []
    while (seen.length < 60) seen.push(...(await valuesFrom(log, seen.length, 300)))
    expect(seen).toEqual(expected)
  })

  it('answers a batch sent twice with its first offsets', async () => {
    const log = create(await open())
    log.appendAsLeader(numbered(), { leaderEpoch: 1 })
    expect(log.appendAsLeader(numbered(), { leaderEpoch: 1 })).toMatchObject({ baseOffset: 0, lastOffset: 1, duplicate: true })
    expect(log.logEndOffset).toBe(2)
  })

  it('flushes once for all that was written before', async () => {
    const log = create(await open(), { flushMode: 'ack' })
    log.appendAsLeader(batchOf({ values: ['a'] }), { leaderEpoch: 1 })
    await log.flush()
    expect(log.flushedOffset).toBe(1)
  })
})
