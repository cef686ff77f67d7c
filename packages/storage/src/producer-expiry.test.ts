// Producers that were silent for `producer.id.expiration.ms` are forgotten in the background, by the clock on the wall (UnifiedLog's
// PeriodicProducerExpirationCheck).
import { describe, expect, it } from 'vitest'
import { ManualClock, seededRandom } from '@ottla/protocol'
import { defaultLogConfig } from './config.ts'
import type { Log } from './log.ts'
import { LogManager } from './log-manager.ts'
import { turn } from './log-simulation.ts'
import { batchOf, KeptLogger } from './log-testing.ts'
import { MemoryDisk } from './memory-disk.ts'
import type { ProducerBatch } from './producer-entry.ts'
import { ProducerState } from './producer-state.ts'

const START_MS = 1_700_000_000_000
const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS
const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

class SlowClock extends ManualClock {
  /** What each look at the clock takes. */
  lookMs = 0
  override monotonic(): number {
    this.advance(this.lookMs)
    return super.monotonic()
  }
}

const open = async (clock: ManualClock, expiration = { ms: HOUR_MS }, schedule = (run: () => void): void => run()) => {
  const manager = await LogManager.open({
    directories: ['/logs'],
    files: new MemoryDisk(),
    clock,
    random: seededRandom(1),
    logger: new KeptLogger(),
    schedule,
    configOf: () => defaultLogConfig,
    producerIdExpirationMs: () => expiration.ms,
    producerIdExpirationCheckIntervalMs: 60_000,
  })
  return {
    manager,
    create: (partition = 0) => manager.getOrCreate({ topic: 'topic', topicId, partition, config: defaultLogConfig }),
  }
}

const append = (log: Log, producerId: number, changes: { timestamp?: number; isTransactional?: boolean; baseSequence?: number } = {}) => {
  const { timestamp = START_MS, isTransactional = false, baseSequence = 0 } = changes
  const batch = batchOf({ values: ['x'], timestamps: [timestamp], producerId, producerEpoch: 0, baseSequence, isTransactional })
  return log.appendAsLeader(batch, { leaderEpoch: 0 })
}
const idsOf = (log: Log) => [...log.producers.entries].map(({ producerId }) => producerId)

describe('idle producers', () => {
  it('are forgotten, but for one with an open transaction', async () => {
    const clock = new ManualClock(START_MS)
    const { manager, create } = await open(clock)
    const log = create()
    append(log, 1)
    append(log, 2, { isTransactional: true })
    append(log, 3, { timestamp: START_MS + 60_000 })
    for (let minute = 0; minute < 59; minute++) {
      clock.advance(60_000)
      await turn()
    }
    expect(idsOf(log)).toEqual([1, 2, 3])
    clock.advance(60_000)
    await turn()
    expect(idsOf(log)).toEqual([2, 3])
    clock.advance(60_000)
    await turn()
    expect(idsOf(log)).toEqual([2])
    // Nothing is known of it: it may go on with any sequence.
    append(log, 1, { baseSequence: 7, timestamp: clock.now() })
    expect(idsOf(log)).toEqual([2, 1])
    await manager.close()
  })

  it('are forgotten at once by a clock that is moved ten years ahead, and kept by one that is moved back', async () => {
    const clock = new ManualClock(START_MS)
    const { manager, create } = await open(clock)
    const log = create()
    append(log, 1)
    append(log, 2, { timestamp: START_MS + 20 * YEAR_MS })
    clock.jump(-10 * YEAR_MS)
    clock.advance(60_000)
    await turn()
    expect(idsOf(log)).toEqual([1, 2])
    clock.jump(20 * YEAR_MS)
    clock.advance(60_000)
    await turn()
    expect(idsOf(log)).toEqual([2])
    await manager.close()
  })

  it('are forgotten after the time that is set now', async () => {
    const clock = new ManualClock(START_MS)
    const expiration = { ms: HOUR_MS }
    const { manager, create } = await open(clock, expiration)
    const log = create()
    append(log, 1)
    expiration.ms = 120_000
    clock.advance(60_000)
    await turn()
    expect(log.producers.size).toBe(1)
    clock.advance(60_000)
    await turn()
    expect(log.producers.size).toBe(0)
    await manager.close()
  })

  it('of many logs are looked at a few milliseconds at a time, and logs without producers not at all', async () => {
    const clock = new SlowClock(START_MS)
    const pending: (() => void)[] = []
    const { manager, create } = await open(clock, { ms: HOUR_MS }, run => void pending.push(run))
    const logs = Array.from({ length: 20 }, (_, partition) => create(partition))
    const idle = create(20)
    for (const log of logs) append(log, 1)
    for (const run of pending.splice(0)) run()
    clock.jump(HOUR_MS)
    clock.lookMs = 4
    clock.advance(60_000)
    const left = () => logs.filter(log => log.producers.size > 0).length
    expect(left()).toBe(17)
    for (let turns = 0; turns < 100 && left() > 0; turns++) {
      for (const run of pending.splice(0)) run()
      await turn()
    }
    expect(left()).toBe(0)
    expect(idle.producersLoaded).toBe(false)
    clock.lookMs = 0
    const closed = manager.close()
    for (const run of pending.splice(0)) run()
    await closed
  })
})

const batch = (baseOffset: number, isTransactional: boolean): ProducerBatch => ({
  producerId: 1,
  producerEpoch: 0,
  baseSequence: baseOffset,
  lastSequence: baseOffset,
  baseOffset,
  lastOffset: baseOffset,
  maxTimestamp: 0,
  isTransactional,
})

it('a producer that expired before its batch was written is back when the write fails', () => {
  const state = new ProducerState({ producerIdExpirationMs: 1000 })
  state.update(batch(0, true))
  state.confirm(1)
  state.updateMarker({ producerId: 1, producerEpoch: 0, coordinatorEpoch: 0, offset: 1, timestamp: 0, isAbort: false })
  expect(state.removeExpired(5000)).toBe(1)
  expect(state.rollback(1)).toBe(true)
  expect(state.entry(1)?.transactionFirstOffset).toBe(0)
  expect(state.firstUnstableOffset).toBe(0)
  expect(state.removeExpired(5000)).toBe(0)
})
