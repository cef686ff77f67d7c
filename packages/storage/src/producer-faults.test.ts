// Idempotent producers on a disk that gets full, fails, and loses power: what was acknowledged (flush mode `ack`) is there once, at its
// offset; a batch that is sent again is taken or recognised, never refused.
import { batchesIn, KafkaError, ManualClock, recordsOf, type SeededRandom, seededRandom } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { defaultLogConfig, type LogConfig } from './config.ts'
import { LogManager } from './log-manager.ts'
import { turn } from './log-simulation.ts'
import { batchOf, bytesOf, KeptLogger, ManualSchedule } from './log-testing.ts'
import type { Log } from './log.ts'
import { MemoryDisk } from './memory-disk.ts'

const config: LogConfig = { ...defaultLogConfig, flushMode: 'ack', segmentBytes: 1500, indexIntervalBytes: 200, retentionMs: -1 }
const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
const operations = ['openSync', 'writeSync', 'truncateSync', 'datasync', 'syncDirectory', 'renameSync', 'unlinkSync'] as const
const files = ['.log', '.index', '.timeindex', '.snapshot', 'leader-epoch-checkpoint', 'recovery-point', 'faults-0', ''] as const
const codes = ['ENOSPC', 'ENOSPC', 'EMFILE', 'EIO'] as const

/** One batch that is not acknowledged yet; it is sent until it is. */
interface Pending {
  readonly values: readonly string[]
  lastOffset: number
}

class Producer {
  readonly id: number
  sequence = 0
  pending: Pending | undefined

  constructor(id: number) {
    this.id = id
  }
}

class FaultSimulation {
  readonly random: SeededRandom
  readonly clock = new ManualClock()
  readonly schedule = new ManualSchedule()
  readonly producers = Array.from({ length: 3 }, (_, index) => new Producer(100 + index))
  readonly acknowledged = new Map<string, number>()
  disk = new MemoryDisk({ now: () => this.clock.now() })
  manager: LogManager | undefined
  log: Log | undefined
  #heal: () => void = () => undefined
  #epoch = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  async open(): Promise<void> {
    this.schedule.forget()
    this.#epoch++
    for (const producer of this.producers) if (producer.pending !== undefined) producer.pending.lastOffset = -1
    const { clock, disk, random, schedule } = this
    this.manager = await LogManager.open({
      directories: ['/logs'],
      files: disk,
      clock,
      logger: new KeptLogger(),
      random,
      schedule: schedule.schedule,
      configOf: () => config,
      openFilesLimit: 1 + random.below(6),
    })
    const log = this.manager.getOrCreate({ topic: 'faults', topicId, partition: 0, config })
    this.log = log
    log.onProgress = ({ error, flushedOffset, writtenOffset }) => {
      if (this.log !== log) return
      if (error !== undefined) this.#lose(log.usable ? writtenOffset : flushedOffset)
      this.#acknowledge(flushedOffset)
    }
    if (log.flushedOffset < log.writtenOffset) void log.flush().catch((error: unknown) => expect(error).toBeInstanceOf(KafkaError))
  }

  /** Batches at or behind an offset were refused: they will be sent again. */
  #lose(offset: number): void {
    for (const { pending } of this.producers) if (pending !== undefined && pending.lastOffset >= offset) pending.lastOffset = -1
  }

  #acknowledge(flushedOffset: number): void {
    for (const producer of this.producers) {
      const { pending } = producer
      if (pending === undefined || pending.lastOffset < 0 || pending.lastOffset >= flushedOffset) continue
      const { lastOffset, values } = pending
      values.forEach((value, index) => this.acknowledged.set(value, lastOffset - values.length + 1 + index))
      producer.sequence += values.length
      producer.pending = undefined
    }
  }

  produce(log: Log): void {
    const producer = this.producers[this.random.below(this.producers.length)]
    if (producer === undefined) return
    const count = 1 + this.random.below(3)
    producer.pending ??= {
      lastOffset: -1,
      values: Array.from(
        { length: count },
        (_, index) => `${producer.id}:${producer.sequence + index}:${'x'.repeat(this.random.below(200))}`,
      ),
    }
    const { pending } = producer
    // As Partition.appendBatch: what failed is told before its offsets are given to others.
    if (log.writeError !== null) log.announce()
    try {
      const batch = batchOf({ values: pending.values, producerId: producer.id, producerEpoch: 0, baseSequence: producer.sequence })
      pending.lastOffset = log.appendAsLeader(batch, { leaderEpoch: this.#epoch }).lastOffset
      this.#acknowledge(log.flushedOffset)
    } catch (error) {
      if (log.writeError !== null) log.announce()
      if (!(error instanceof KafkaError) || error.name === 'OUT_OF_ORDER_SEQUENCE_NUMBER') throw error
      expect(error.message).toMatch(/failed|offline/)
    }
  }

  breakSomething(): void {
    this.#heal()
    const pick = <T>(all: readonly T[]): T => {
      const found = all[this.random.below(all.length)]
      if (found === undefined) throw new RangeError('nothing to choose from')
      return found
    }
    const fault = { operation: pick(operations), path: pick(files), code: pick(codes), after: this.random.below(4) }
    this.#heal = this.disk.fail(this.random.below(2) === 0 ? { ...fault, partialBytes: this.random.below(80) } : fault)
  }

  /** The process ends in one of the ways it can; what the disk has is opened again and compared. */
  async end(): Promise<void> {
    // After a failed sync the page cache may hold as clean what the device does not have: only a start of the machine tells.
    const { log } = this
    // A sync that is under way may be the one that fails.
    for (let turns = 0; turns < 3; turns++) await turn()
    const how = log?.usable === true ? this.random.below(3) : 2
    // The sync may fail in the stop itself, and so may taking the lock away.
    if (how === 0) await this.manager?.close().catch((error: unknown) => expect(error).toHaveProperty('code'))
    this.log = undefined
    this.disk = how === 2 || log?.directory.failure !== undefined ? this.disk.powerLoss(this.random) : this.disk.crash()
    this.#heal = () => undefined
    await this.open()
    await this.check()
  }

  async check(): Promise<void> {
    const { log } = this
    if (log === undefined) return
    const found = new Map<string, number>()
    for (let offset = 0; offset < log.writtenOffset; ) {
      // The directory may go offline in between.
      if (!log.usable) return
      const data = await log.read({ offset, maxBytes: 2000, endOffset: log.writtenOffset, minOneBatch: true })
      for (const batch of batchesIn(bytesOf(data))) {
        expect(log.leaderEpochs.epochForOffset(batch.baseOffset)).toBe(batch.partitionLeaderEpoch)
        for (const record of recordsOf(batch)) {
          const value = String(record.value)
          if (record.offset !== offset++ || found.has(value)) throw new Error(`${value} is twice in the log, or offset ${offset} is not`)
          found.set(value, record.offset)
        }
      }
    }
    for (const [value, offset] of this.acknowledged) {
      if (found.get(value) !== offset) throw new Error(`acknowledged ${value.slice(0, 12)} at ${offset}, found at ${found.get(value)}`)
    }
  }

  async step(): Promise<void> {
    const { log } = this
    if (log === undefined) throw new Error('no log')
    const choice = this.random.below(100)
    if (choice < 50) this.produce(log)
    else if (choice < 75) this.schedule.run()
    else if (choice < 90) await turn()
    else if (choice < 92) this.clock.advance(this.random.below(70_000))
    else if (choice < 94) this.breakSomething()
    else if (choice < 97) this.#heal()
    else if (choice < 98 && log.usable) {
      this.#heal()
      await this.check()
    }
    if (choice === 99 || !log.usable) await this.end()
  }
}

it('keeps every promise over full and failing disks, ends of the process and power losses', { timeout: 600_000 }, async () => {
  const first = Number(process.env.FUZZ_SEED)
  const count = 12 * Number(process.env.SIMULATION_TIMES)
  let acknowledged = 0
  for (let seed = first; seed < first + count; seed++) {
    const simulation = new FaultSimulation(seed)
    try {
      await simulation.open()
      for (let step = 0; step < 400; step++) await simulation.step()
      await simulation.end()
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
    acknowledged += simulation.acknowledged.size
  }
  expect(acknowledged).toBeGreaterThan(count)
})
