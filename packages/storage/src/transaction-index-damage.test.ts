// A transaction index that is damaged after a clean stop is made anew from the log when it is first asked for.
import { endTransactionMarker, ManualClock, seededRandom } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { abortedTransactions } from './compaction-plan.ts'
import { defaultLogConfig, type LogConfig } from './config.ts'
import type { Log } from './log.ts'
import { LogManager } from './log-manager.ts'
import { batchOf, KeptLogger } from './log-testing.ts'
import { MemoryDisk } from './memory-disk.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
const config: LogConfig = { ...defaultLogConfig, flushMode: 'os', segmentBytes: 1000 }

const open = async (files: MemoryDisk, logger = new KeptLogger()) => {
  const manager = await LogManager.open({
    directories: ['/logs'],
    files,
    clock: new ManualClock(),
    random: seededRandom(1),
    logger,
    schedule: run => run(),
    configOf: () => config,
  })
  return { manager, logger, log: manager.getOrCreate({ topic: 'topic', topicId, partition: 0, config }) }
}

const write = (log: Log, producerId: number, sequence: number): void => {
  const batch = batchOf({ values: ['some value'], producerId, producerEpoch: 0, baseSequence: sequence, isTransactional: true })
  log.appendAsLeader(batch, { leaderEpoch: 0 })
}

const end = (log: Log, producerId: number, isCommit: boolean): void => {
  const marker = endTransactionMarker({ isCommit, coordinatorEpoch: 1 }, { producerId, producerEpoch: 0, timestamp: 1_700_000_000_000 })
  log.appendAsLeader(marker, { leaderEpoch: 0, origin: 'coordinator' })
}

/** Three producers whose transactions overlap and reach over segments; every other one is aborted. */
const stopped = async () => {
  const disk = new MemoryDisk()
  const { manager, log } = await open(disk)
  for (let round = 0; round < 30; round++) {
    for (const producerId of [1, 2, 3]) if (round % producerId === 0) write(log, producerId, round / producerId)
    if (round % 3 === 2) end(log, 1, round % 2 === 0)
    if (round % 5 === 4) end(log, 2, round % 2 === 1)
    if (round % 11 === 10) end(log, 3, false)
  }
  log.highWatermark = log.logEndOffset
  const aborted = abortedTransactions(log, 0, log.logEndOffset)
  await manager.close()
  return { disk, aborted, endOffset: log.logEndOffset }
}

const put = (disk: MemoryDisk, path: string, content: Buffer): void => {
  const file = disk.openSync(path, 'create')
  file.truncateSync(0)
  file.writeSync([content], 0)
  file.closeSync()
}

const indexesOf = (disk: MemoryDisk) =>
  disk
    .listSync('/logs/topic-0')
    .filter(name => name.endsWith('.txnindex'))
    .map(name => `/logs/topic-0/${name}`)

const damages: Record<string, (content: Buffer) => Buffer> = {
  'a byte too many': content => Buffer.concat([content, Buffer.of(1)]),
  'a torn end': content => content.subarray(0, -5),
  zeros: content => Buffer.concat([content, Buffer.alloc(34)]),
  'an unknown version': content => Buffer.concat([Buffer.of(0, 9), content.subarray(2)]),
  'offsets of another segment': content => Buffer.concat([content.subarray(0, 18), Buffer.alloc(8), content.subarray(26)]),
}

describe('a transaction index with', () => {
  for (const [name, damage] of Object.entries(damages)) {
    it(`${name} is made anew`, async () => {
      const { disk, aborted, endOffset } = await stopped()
      expect(indexesOf(disk).length).toBeGreaterThan(2)
      const before = new Map(indexesOf(disk).map(path => [path, disk.readFileSync(path)]))
      for (const [path, content] of before) put(disk, path, damage(content))
      const { log, logger, manager } = await open(disk)
      expect(abortedTransactions(log, 0, endOffset)).toEqual(aborted)
      expect(logger.lines.filter(({ message }) => message.startsWith('a damaged transaction index')).length).toBeGreaterThan(2)
      // They are as they were, and not read from the log again.
      for (const [path, content] of before) expect(disk.readFileSync(path).equals(content)).toBe(true)
      await manager.close()
    })
  }

  it('damage takes what is appended, and truncation', async () => {
    const { disk, aborted, endOffset } = await stopped()
    for (const path of indexesOf(disk)) put(disk, path, Buffer.alloc(7))
    const first = await open(disk)
    write(first.log, 9, 0)
    end(first.log, 9, false)
    const last = { producerId: 9, firstOffset: endOffset, lastOffset: endOffset + 1 }
    expect(abortedTransactions(first.log, endOffset, endOffset + 2)).toMatchObject([last])
    await first.manager.close()
    for (const path of indexesOf(disk)) put(disk, path, Buffer.alloc(7))
    const second = await open(disk)
    const cut = aborted.at(-1)?.lastOffset ?? 0
    await second.log.truncateTo(cut)
    const kept = aborted.filter(({ lastOffset }) => lastOffset < cut)
    expect(abortedTransactions(second.log, 0, cut)).toEqual(kept)
    await second.manager.close()
  })
})
