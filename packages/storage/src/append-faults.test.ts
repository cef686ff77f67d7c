// An append that fails because something cannot be read leaves nothing of itself behind: the next attempt is the first.
import { endTransactionMarker, ErrorCode, KafkaError, ManualClock, seededRandom } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { abortedTransactions } from './compaction-plan.ts'
import { defaultLogConfig, type LogConfig } from './config.ts'
import type { Log } from './log.ts'
import { LogManager } from './log-manager.ts'
import { batchOf, KeptLogger } from './log-testing.ts'
import { MemoryDisk } from './memory-disk.ts'

const config: LogConfig = { ...defaultLogConfig, flushMode: 'os', indexIntervalBytes: 100 }

const open = async (files: MemoryDisk) => {
  const manager = await LogManager.open({
    directories: ['/logs'],
    files,
    clock: new ManualClock(),
    random: seededRandom(1),
    logger: new KeptLogger(),
    schedule: run => run(),
    configOf: () => config,
  })
  return { manager, log: manager.getOrCreate({ topic: 'topic', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0, config }) }
}

const abort = (log: Log, producerId: number): number => {
  const timestamp = 1_700_000_000_000
  const marker = endTransactionMarker({ isCommit: false, coordinatorEpoch: 1 }, { producerId, producerEpoch: 0, timestamp })
  return log.appendAsLeader(marker, { leaderEpoch: 0, origin: 'coordinator' }).baseOffset
}

const write = (log: Log, producerId: number, baseSequence: number): number =>
  log.appendAsLeader(batchOf({ values: ['x'.repeat(200)], producerId, producerEpoch: 0, baseSequence, isTransactional: true }), {
    leaderEpoch: 0,
  }).baseOffset

const codeOf = (work: () => unknown): number => {
  try {
    work()
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
  return ErrorCode.NONE
}

/** A log with an open transaction behind one that was aborted, loaded anew. */
const loaded = async () => {
  const disk = new MemoryDisk()
  const before = await open(disk)
  write(before.log, 1, 0)
  abort(before.log, 1)
  write(before.log, 2, 0)
  await before.manager.close()
  return { disk, ...(await open(disk)) }
}

describe('an append in a log whose files cannot be read', () => {
  it.for(['.txnindex', '.index', '.timeindex', '.snapshot', '.log'])('has not begun where that is the %s', async path => {
    const { disk, log, manager } = await loaded()
    const heals = (['readFileSync', 'openSync', 'statSync'] as const).map(operation => disk.fail({ operation, path, code: 'EMFILE' }))
    const { logEndOffset, size } = log
    expect(codeOf(() => abort(log, 2))).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect([log.logEndOffset, log.size]).toEqual([logEndOffset, size])
    for (const heal of heals) heal()
    expect(abort(log, 2)).toBe(3)
    expect(write(log, 3, 0)).toBe(4)
    log.highWatermark = log.logEndOffset
    expect(abortedTransactions(log, 0, log.logEndOffset)).toMatchObject([
      { producerId: 1, lastOffset: 1 },
      { producerId: 2, lastOffset: 3 },
    ])
    await manager.close()
  })
  it('fails as it is where the program is wrong', async () => {
    const { disk, log, manager } = await loaded()
    const heal = disk.fail({ operation: 'readFileSync', path: '.txnindex', code: 'ERR_OUT_OF_RANGE' })
    expect(() => abort(log, 2)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }))
    heal()
    await manager.close()
  })
})
