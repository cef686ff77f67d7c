// A partition that is deleted and made again under the same name starts from nothing: what the checkpoint files say is of the old one.
import { batchesIn, ManualClock, seededRandom } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { defaultLogConfig, type LogConfig } from './config.ts'
import { LogManager } from './log-manager.ts'
import { batchOf, bytesOf, KeptLogger, ManualSchedule } from './log-testing.ts'
import type { Log } from './log.ts'
import { MemoryDisk } from './memory-disk.ts'

const config: LogConfig = { ...defaultLogConfig, flushMode: 'ack' }
const ids = ['AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAg'] as const

const open = (disk: MemoryDisk): Promise<LogManager> =>
  LogManager.open({
    directories: ['/logs'],
    files: disk,
    clock: new ManualClock(),
    logger: new KeptLogger(),
    random: seededRandom(5),
    schedule: new ManualSchedule().schedule,
    configOf: () => config,
  })

const fill = async (log: Log, count: number): Promise<void> => {
  for (let index = 0; index < count; index++) log.appendAsLeader(batchOf({ values: [`value ${index}`] }), { leaderEpoch: 0 })
  await log.flush()
  log.highWatermark = log.flushedOffset
}

/** A log with checkpoints of 20 records, of which 15 were deleted, and then the log itself. */
const deleted = async (disk: MemoryDisk, beforeDeletion: () => void = () => undefined): Promise<LogManager> => {
  const manager = await open(disk)
  const old = manager.getOrCreate({ topic: 'again', topicId: ids[0], partition: 0, config })
  await fill(old, 20)
  old.advanceLogStartOffset(15)
  await manager.checkpoint()
  beforeDeletion()
  manager.delete('again', 0)
  return manager
}

const expectThree = async (disk: MemoryDisk): Promise<void> => {
  const log = (await open(disk)).get('again', 0)
  if (log === undefined) throw new Error('the log is gone')
  expect([log.topicId, log.logStartOffset, log.logEndOffset]).toEqual([ids[1], 0, 3])
  const data = await log.read({ offset: 0, maxBytes: 10_000, endOffset: 3, minOneBatch: true })
  expect([...batchesIn(bytesOf(data))].map(batch => batch.baseOffset)).toEqual([0, 1, 2])
}

it('does not take the offsets of the one that was deleted before it', async () => {
  const disk = new MemoryDisk()
  const manager = await deleted(disk)
  await fill(manager.getOrCreate({ topic: 'again', topicId: ids[1], partition: 0, config }), 3)
  await expectThree(disk.crash())
})

it('does not take them either when the process was gone in between', async () => {
  const first = new MemoryDisk()
  await deleted(first, () => first.fail({ operation: 'openSync', path: 'checkpoint.tmp', code: 'ENOSPC' }))
  // The deletion itself is on the device, but nothing after it.
  await first.syncDirectory('/logs')
  const second = first.crash()
  const manager = await open(second)
  await fill(manager.getOrCreate({ topic: 'again', topicId: ids[1], partition: 0, config }), 3)
  await expectThree(second.crash())
})
