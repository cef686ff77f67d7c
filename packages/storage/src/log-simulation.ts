// A log on a disk in memory, driven by chance, beside a plain array that says what it must hold. Used by the tests of the log.

import { batchesIn, KafkaError, ManualClock, recordsOf, type SeededRandom, seededRandom } from '@ottla/protocol'
import { defaultLogConfig, type FlushMode, type LogConfig } from './config.ts'
import type { Log } from './log.ts'
import { LogManager } from './log-manager.ts'
import { batchOf, bytesOf, KeptLogger, ManualSchedule } from './log-testing.ts'
import { MemoryDisk } from './memory-disk.ts'

/** A record that was appended. */
interface Expected {
  readonly value: string
  readonly timestamp: number
}

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
const codecs = ['none', 'none', 'none', 'gzip', 'lz4', 'snappy', 'zstd'] as const

/** A turn of the loop, so that flushes on the disk in memory come to their end. */
export const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** See the top of the file. Throws an Error that says what was wrong. */
export class LogSimulation {
  readonly random: SeededRandom
  readonly clock = new ManualClock()
  readonly logger = new KeptLogger()
  readonly schedule = new ManualSchedule()
  readonly mode: FlushMode
  disk = new MemoryDisk({ now: () => this.clock.now() })
  /** By offset; holes are offsets that never were. */
  history: Expected[] = []
  #manager: LogManager | undefined
  #log: Log | undefined
  #serial = 0
  /** The largest flushed offset that was announced. */
  #promised = 0
  readonly #config: LogConfig

  constructor(seed: number) {
    this.random = seededRandom(seed)
    this.mode = (['ack', 'ack', 'os', 'interval'] as const)[this.random.below(4)] ?? 'ack'
    this.#config = {
      ...defaultLogConfig,
      flushMode: this.mode,
      flushMessages: this.mode === 'ack' ? Number.MAX_SAFE_INTEGER : 1 + this.random.below(40),
      segmentBytes: this.random.below(4) === 0 ? 30_000 : 600 + this.random.below(3000),
      indexIntervalBytes: this.random.below(400),
      fileDeleteDelayMs: 1000,
      retentionMs: -1,
    }
  }

  get log(): Log {
    if (this.#log === undefined) throw new Error('the log is not open')
    return this.#log
  }

  get manager(): LogManager {
    if (this.#manager === undefined) throw new Error('the manager is not open')
    return this.#manager
  }

  async open(): Promise<void> {
    this.schedule.forget()
    const { clock, disk, logger, random, schedule } = this
    this.#manager = await LogManager.open({
      directories: ['/logs'],
      files: disk,
      clock,
      logger,
      random,
      schedule: schedule.schedule,
      configOf: () => this.#config,
      tailCacheBytes: random.below(2) * 300_000,
      readBufferBytes: 50_000,
      readSlabBytes: 4096,
      openFilesLimit: 1 + random.below(6),
      stagedBatchBytes: random.below(3) === 0 ? 200 : 65_536,
      hotBytes: random.below(2) * 1_000_000,
    })
    const log = this.#manager.getOrCreate({ topic: 'sim', topicId, partition: 0, config: this.#config })
    this.#log = log
    log.onProgress = ({ flushedOffset, writtenOffset }) => {
      // One of an earlier process may still have something to say.
      if (this.#log !== log) return
      if (flushedOffset > writtenOffset) throw new Error(`flushed ${flushedOffset} beyond written ${writtenOffset}`)
      this.#promised = Math.max(this.#promised, flushedOffset)
      log.highWatermark = Math.max(log.highWatermark, this.mode === 'ack' ? flushedOffset : writtenOffset)
    }
  }

  /** One batch of one to five records, sometimes large, sometimes compressed. */
  append(): void {
    const count = 1 + this.random.below(5)
    const expected: Expected[] = []
    for (let index = 0; index < count; index++) {
      const padding = 'x'.repeat(
        this.random.below(10) === 0 ? this.random.below(this.#config.segmentBytes > 9000 ? 3000 : 400) : this.random.below(30),
      )
      expected.push({ value: `${this.#serial++}:${padding}`, timestamp: this.clock.now() + this.random.below(2000) - 1000 })
    }
    const batch = batchOf({
      values: expected.map(record => record.value),
      timestamps: expected.map(record => record.timestamp),
      compression: codecs[this.random.below(codecs.length)] ?? 'none',
    })
    if (batch.sizeInBytes > this.#config.segmentBytes) return
    const epoch = this.log.leaderEpochs.latestEpoch + (this.random.below(20) === 0 ? 1 : 0)
    const { baseOffset } = this.log.appendAsLeader(batch, { leaderEpoch: Math.max(0, epoch) })
    if (baseOffset !== this.history.length) throw new Error(`appended at ${baseOffset} instead of ${this.history.length}`)
    this.history.push(...expected)
  }

  /** What a reader sees from an offset on, up to `maxBytes`. */
  async readFrom(offset: number, maxBytes: number): Promise<{ offset: number; value: string; timestamp: number }[]> {
    const data = await this.log.read({ offset, maxBytes, endOffset: this.log.writtenOffset, minOneBatch: true })
    const { baseOffset, nextOffset, size } = data
    const bytes = bytesOf(data)
    if (bytes.length !== size) throw new Error(`${bytes.length} bytes instead of ${size}`)
    const records: { offset: number; value: string; timestamp: number }[] = []
    let first = -1
    let next = offset
    for (const batch of batchesIn(bytes)) {
      batch.ensureValid()
      if (first < 0) first = batch.baseOffset
      next = batch.nextOffset
      for (const record of recordsOf(batch)) {
        records.push({ offset: record.offset, value: String(record.value), timestamp: record.timestamp })
      }
    }
    if (size > 0 && (first !== baseOffset || next !== nextOffset))
      throw new Error(`${first} to ${next} instead of ${baseOffset} to ${nextOffset}`)
    return records
  }

  /** Compares all that can be read with the history. */
  async check(): Promise<void> {
    const { log } = this
    let offset = log.logStartOffset
    while (offset < log.writtenOffset) {
      const records = await this.readFrom(offset, 1 + this.random.below(this.random.below(3) === 0 ? 20_000 : 3000))
      const last = records.at(-1)
      if (last === undefined || last.offset < offset)
        throw new Error(`nothing at ${offset} of ${log.logStartOffset} to ${log.writtenOffset}`)
      for (const record of records) {
        const expected = this.history[record.offset]
        if (expected?.value !== record.value) throw new Error(`offset ${record.offset} holds ${record.value}, not ${expected?.value}`)
      }
      offset = last.offset + 1
    }
    if (offset > log.writtenOffset) throw new Error(`read up to ${offset}, written are ${log.writtenOffset}`)
  }

  /** Compares the search by time with one through the history. */
  async checkTimes(): Promise<void> {
    const { log, history } = this
    this.schedule.run()
    const end = log.writtenOffset
    const time = this.clock.now() + this.random.below(6000) - 5000
    const found = await log.offsetForTimestamp(time, end)
    const expected = history.findIndex((record, offset) => offset >= log.logStartOffset && offset < end && record.timestamp >= time)
    if ((found?.offset ?? -1) !== expected) throw new Error(`time ${time} is at ${found?.offset}, not ${expected}`)
  }

  /** The machine or the process stops at once; what the disk still has is opened again and compared. */
  async die(disk: MemoryDisk, atLeast: number): Promise<void> {
    this.disk = disk
    await this.open()
    const { log, history } = this
    if (process.env.LOG_TRACE !== undefined) this.trace(`reborn, logged ${JSON.stringify(this.logger.lines.slice(-6))}`)
    if (log.logEndOffset < atLeast) throw new Error(`ends at ${log.logEndOffset}, ${atLeast} was promised (${this.mode})`)
    if (log.logEndOffset > history.length) throw new Error(`ends at ${log.logEndOffset}, only ${history.length} were appended`)
    await this.check()
    this.history.length = log.logEndOffset
    this.#promised = Math.min(this.#promised, log.logEndOffset)
  }

  crash(): Promise<void> {
    const { writtenOffset } = this.log
    return this.die(this.disk.crash(), writtenOffset)
  }

  powerLoss(): Promise<void> {
    return this.die(this.disk.powerLoss(this.random), this.#promised)
  }

  /** Power loss in the middle of whatever `work` does, after some more operations of the disk. */
  async powerLossDuring(work: () => Promise<void>): Promise<void> {
    let left = this.random.below(60)
    let survivor: MemoryDisk | undefined
    let promised = 0
    this.disk.beforeOperation = () => {
      if (left-- > 0 || survivor !== undefined) return
      promised = Math.min(this.#promised, this.log.flushedOffset)
      survivor = this.disk.powerLoss(this.random)
    }
    try {
      await work()
    } catch (error) {
      if (survivor === undefined || !(error instanceof KafkaError || (error instanceof Error && 'code' in error))) throw error
    }
    this.disk.beforeOperation = undefined
    if (survivor === undefined) return
    this.schedule.forget()
    await this.die(survivor, promised)
  }

  async truncate(): Promise<void> {
    const { log } = this
    this.schedule.run()
    const offset = this.random.below(log.logEndOffset + 1)
    // A cut below the start of the log is another matter: its checkpoint would win.
    if (offset < log.logStartOffset + 5) return
    this.#promised = Math.min(this.#promised, offset)
    await log.truncateTo(offset)
    this.history.length = log.logEndOffset
    this.#promised = Math.min(this.#promised, log.logEndOffset)
  }

  trim(): void {
    const { log } = this
    log.advanceLogStartOffset(log.logStartOffset + this.random.below(log.highWatermark - log.logStartOffset + 1))
  }

  async reopen(): Promise<void> {
    await this.manager.close()
    const { logEndOffset } = this.log
    await this.open()
    if (this.log.logEndOffset !== logEndOffset) throw new Error(`ends at ${this.log.logEndOffset}, not ${logEndOffset}, after a clean stop`)
    await this.check()
  }

  /** One step of anything but an end of the process. */
  async step(): Promise<void> {
    const choice = this.random.below(100)
    if (process.env.LOG_TRACE !== undefined) this.trace(`step ${choice}`)
    if (choice < 55) this.append()
    else if (choice < 75) this.schedule.run()
    else if (choice < 82) await turn()
    else if (choice < 85) await this.readFrom(this.randomOffset(), this.random.below(2000))
    else if (choice < 87) await this.checkTimes()
    else if (choice < 89) this.clock.advance(this.random.below(70_000))
    else if (choice < 91) await this.manager.checkpoint()
    else if (choice < 93) await this.truncate()
    else if (choice < 95) this.trim()
    else if (choice < 97) await this.log.flush()
    else if (choice < 98) this.log.roll()
    else await this.check()
  }

  /** For the debugging of one seed. */
  trace(what: string): void {
    const { flushedOffset, logEndOffset, logStartOffset, segments, writtenOffset } = this.log
    const bases = segments.map(segment => `${segment.baseOffset}+${segment.size}`).join(' ')
    process.stdout.write(
      `${what}: ${logStartOffset} ${flushedOffset} ${writtenOffset} ${logEndOffset} promised ${this.#promised} [${bases}]\n`,
    )
  }

  randomOffset(): number {
    const { logStartOffset, writtenOffset } = this.log
    return logStartOffset + this.random.below(Math.max(1, writtenOffset - logStartOffset))
  }
}
