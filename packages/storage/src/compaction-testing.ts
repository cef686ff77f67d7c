// What the tests of compaction share: a compacted log on a disk in memory, and short words for what is done to it.

import {
  BatchBuilder,
  batchesIn,
  type CompressionName,
  endTransactionMarker,
  ManualClock,
  type RecordBatch,
  recordsOf,
  type SeededRandom,
  seededRandom,
} from '@ottla/protocol'
import { CleanPace } from './clean-pace.ts'
import type { CompactionOptions, CompactionResult } from './compaction.ts'
import { defaultLogConfig, type LogConfig } from './config.ts'
import type { Log } from './log.ts'
import { LogManager, type LogManagerOptions } from './log-manager.ts'
import { bytesOf, KeptLogger, ManualSchedule } from './log-testing.ts'
import { MemoryDisk } from './memory-disk.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

export const compactConfig: LogConfig = {
  ...defaultLogConfig,
  cleanupPolicy: { compact: true, delete: false },
  flushMode: 'os',
  segmentBytes: 4000,
  indexIntervalBytes: 200,
  fileDeleteDelayMs: 1000,
}

/** A key and its value; null is a tombstone. */
export type KeyValue = readonly [key: string | null, value: string | null]

export interface ProducerInit {
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly compression?: CompressionName
  /** Of all records; default now. */
  readonly timestamp?: number
  /** Of each record. */
  readonly timestamps?: readonly number[]
  readonly leaderEpoch?: number
}

export interface ReadRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
}

/** A batch of keyed records. */
export const keyedBatch = (records: readonly KeyValue[], init: ProducerInit & { readonly now: number }): RecordBatch => {
  const { now, timestamp = now, timestamps, ...options } = init
  const builder = new BatchBuilder(options)
  for (const [index, [key, value]] of records.entries()) builder.append({ timestamp: timestamps?.[index] ?? timestamp, key, value })
  return builder.build()
}

/** See the top of the file. */
export class CompactedLog {
  readonly clock: ManualClock
  readonly logger = new KeptLogger()
  readonly schedule = new ManualSchedule()
  readonly random: SeededRandom
  disk: MemoryDisk
  config: LogConfig
  manager!: LogManager
  log!: Log

  private constructor(init: { disk?: MemoryDisk; clock?: ManualClock; config?: Partial<LogConfig>; seed?: number }) {
    this.clock = init.clock ?? new ManualClock()
    this.random = seededRandom(init.seed ?? 1)
    this.disk = init.disk ?? new MemoryDisk({ now: () => this.clock.now() })
    this.config = { ...compactConfig, ...init.config }
  }

  static async open(
    init: { disk?: MemoryDisk; clock?: ManualClock; config?: Partial<LogConfig>; seed?: number } = {},
    options: Partial<LogManagerOptions> = {},
  ): Promise<CompactedLog> {
    const made = new CompactedLog(init)
    await made.start(options)
    return made
  }

  /** Opens the log on the disk, as it is. */
  async start(options: Partial<LogManagerOptions> = {}): Promise<void> {
    this.schedule.forget()
    this.manager = await LogManager.open({
      directories: ['/logs'],
      files: this.disk,
      clock: this.clock,
      random: this.random,
      logger: this.logger,
      schedule: this.schedule.schedule,
      configOf: () => this.config,
      tailCacheBytes: 300_000,
      readBufferBytes: 100_000,
      readSlabBytes: 4096,
      ...options,
    })
    this.log = this.manager.getOrCreate({ topic: 'c', topicId, partition: 0, config: this.config })
  }

  /** Appends one batch, written and replicated. */
  append(records: readonly KeyValue[], init: ProducerInit = {}): number {
    const { leaderEpoch = 0 } = init
    const { baseOffset } = this.log.appendAsLeader(keyedBatch(records, { now: this.clock.now(), ...init }), { leaderEpoch })
    this.settle()
    return baseOffset
  }

  /** Ends a transaction. */
  end(producerId: number, isCommit: boolean, rest: { producerEpoch?: number; timestamp?: number } = {}): number {
    const { producerEpoch = 0, timestamp = this.clock.now() } = rest
    const marker = endTransactionMarker({ isCommit, coordinatorEpoch: 0 }, { producerId, producerEpoch, timestamp })
    const { baseOffset } = this.log.appendAsLeader(marker, { leaderEpoch: 0, origin: 'coordinator' })
    this.settle()
    return baseOffset
  }

  settle(): void {
    this.schedule.run()
    this.log.highWatermark = this.log.writtenOffset
    if (this.log.producersLoaded) this.log.producers.onHighWatermark(this.log.highWatermark)
  }

  roll(): void {
    this.log.roll()
    this.settle()
  }

  compact(options: Partial<CompactionOptions> = {}): Promise<CompactionResult | undefined> {
    return this.log.compact({ pace: new CleanPace({ clock: this.clock }), ...options })
  }

  async batches(): Promise<RecordBatch[]> {
    const { log } = this
    const found: RecordBatch[] = []
    for (let offset = log.logStartOffset; offset < log.writtenOffset; ) {
      const data = await log.read({ offset, maxBytes: 1_000_000, endOffset: log.writtenOffset, minOneBatch: true })
      const { nextOffset } = data
      for (const batch of batchesIn(bytesOf(data))) {
        batch.ensureValid()
        found.push(batch)
      }
      if (nextOffset <= offset) break
      offset = nextOffset
    }
    return found
  }

  /** All records but markers, those of aborted transactions too. */
  async records(): Promise<ReadRecord[]> {
    return (await this.batches())
      .filter(batch => !batch.isControl)
      .flatMap(batch => [...recordsOf(batch)])
      .map(({ offset, key, value }) => ({ offset, key: key && String(key), value: value && String(value) }))
  }

  /** Records as `offset key=value`. */
  async lines(): Promise<string[]> {
    return (await this.records()).map(({ offset, key, value }) => `${offset} ${key}=${value}`)
  }

  /** Names in the folder of the log, sorted. */
  names(): string[] {
    return this.disk.listSync(this.log.path).toSorted()
  }
}
