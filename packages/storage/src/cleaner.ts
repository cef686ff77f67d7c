// Compaction in the background (Kafka's LogCleaner): again and again the dirtiest log that is dirty enough is compacted, until none is,
// and then it waits a while. What the logs are compacted up to is kept in `cleaner-offset-checkpoint`. A log that is damaged is left alone
// from then on, and the others go on. Segments that retention gives up, of `compact,delete` too, are the business of retention.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import { CleanPace, CompactionAborted, IoThrottle } from './clean-pace.ts'
import { CleanThread, CleanThreadLost } from './clean-thread.ts'
import { type CompactionResult, DEDUPE_BUFFER_BYTES, IO_BUFFER_BYTES, LOAD_FACTOR } from './compaction.ts'
import { type CleanableRange, cleanableRange } from './compaction-plan.ts'
import type { Log } from './log.ts'
import type { LogDirectory } from './log-directory.ts'
import type { LogWorld } from './log-world.ts'
import { nodeFiles } from './node-files.ts'
import { asError } from './platform-error.ts'
import { every, type Repeated } from './repeated.ts'

/** Kafka's settings of the cleaner, by their names without `log.cleaner.`. */
export interface CleanerSettings {
  /** `enable`. */
  readonly enable: boolean
  /** `backoff.ms`: how long to wait when there was nothing to be done. */
  readonly backoffMs: number
  /** `dedupe.buffer.size`, for all passes that run at a time. */
  readonly dedupeBufferBytes: number
  /** `io.buffer.load.factor`: how full the map of keys may become. */
  readonly loadFactor: number
  /** `io.buffer.size`, for all passes that run at a time. */
  readonly ioBufferBytes: number
  /** `io.max.bytes.per.second`, read and written, of all passes together. */
  readonly ioMaxBytesPerSecond: number
  /** `threads`: how many logs are compacted at a time, by turns in one thread. Counts when the cleaner starts. */
  readonly threads: number
}

/** Kafka's defaults. */
export const defaultCleanerSettings: CleanerSettings = {
  enable: true,
  backoffMs: 15_000,
  dedupeBufferBytes: DEDUPE_BUFFER_BYTES,
  loadFactor: LOAD_FACTOR,
  ioBufferBytes: IO_BUFFER_BYTES,
  ioMaxBytesPerSecond: Number.MAX_VALUE,
  threads: 1,
}

/** Numbers about what was done, for metrics. */
export interface CleanerStatistics {
  /** Dirty share of the dirtiest log when they were last looked at. */
  maxDirtyRatio: number
  /** The longest that a log was overdue by `max.compaction.lag.ms` then, in milliseconds. */
  maxOverdueMs: number
  /** Monotonic time of the last look. */
  lastRunMs: number
  passes: number
  bytesRead: number
  bytesWritten: number
  /** Duration of the last pass in milliseconds. */
  lastPassMs: number
}

export interface CleanerParts {
  readonly world: LogWorld
  readonly directories: readonly LogDirectory[]
  /** Asked before each pass. */
  readonly settings: () => CleanerSettings
  /** Gives the loop back; default: for one turn. */
  readonly pause?: () => Promise<void>
  /** Does the heavy part; default: one of its own where the logs lie on the real disk. */
  readonly thread?: CleanThread
}

/** A pass that took its thread with it is tried again; a log that does so again and again holds up the others. */
const MAX_THREADS_LOST = 3

interface Candidate {
  readonly log: Log
  readonly directory: LogDirectory
  readonly range: CleanableRange
}

/** Tells the logs of a directory what its checkpoint says. To be called when they are open. */
export const loadCleanedOffsets = (directory: LogDirectory): void => {
  for (const [name, offset] of directory.readCheckpoint('cleaner')) {
    const log = directory.logs.get(name)
    if (log === undefined) directory.forget(name)
    // Of a log that lost its end nobody knows what it was compacted with.
    else if (offset <= log.logEndOffset) log.cleanedOffset = offset
  }
}

/** See the top of the file. */
export class LogCleaner {
  readonly statistics: CleanerStatistics = {
    maxDirtyRatio: 0,
    maxOverdueMs: 0,
    lastRunMs: 0,
    passes: 0,
    bytesRead: 0,
    bytesWritten: 0,
    lastPassMs: 0,
  }
  readonly #parts: CleanerParts
  readonly #throttle: IoThrottle
  readonly #stop = new AbortController()
  readonly #running = new Set<Log>()
  /** With the reason. */
  readonly #uncleanable = new Map<Log, Error>()
  /** Undefined for a disk in memory: all is done on the event loop there. */
  readonly #thread: CleanThread | undefined
  /** How often the thread was lost over a log. */
  readonly #threadsLost = new WeakMap<Log, number>()
  #timers: Repeated[] = []
  /** Runs that stopping waits for. */
  readonly #runs = new Set<Promise<unknown>>()

  constructor(parts: CleanerParts) {
    this.#parts = parts
    this.#throttle = new IoThrottle(parts.world.clock)
    const { clock, files } = parts.world
    if (files === nodeFiles) this.#thread = parts.thread ?? CleanThread.find({ clock })
  }

  /** Logs that could not be compacted, with the reason: they are left alone until the next start. */
  get uncleanable(): ReadonlyMap<Log, Error> {
    return this.#uncleanable
  }

  /** Begins to look for work, the first time after `backoffMs`. */
  start(): void {
    const { settings, world } = this.#parts
    const { backoffMs, threads } = settings()
    for (let thread = 0; thread < Math.max(1, threads); thread++) this.#timers.push(every(world, backoffMs, () => this.#work()))
  }

  /** Gives up what is under way, and resolves when it is. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.stop()
    this.#timers = []
    this.#stop.abort()
    await Promise.allSettled(this.#runs)
    await this.#thread?.close()
  }

  /** Compacts the dirtiest log, once. False when there was none, or it could not be done. */
  async cleanDirtiest(): Promise<boolean> {
    const run = this.#cleanDirtiest()
    this.#runs.add(run)
    try {
      return await run
    } finally {
      this.#runs.delete(run)
    }
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted && this.#parts.settings().enable && (await this.cleanDirtiest()));
  }

  async #cleanDirtiest(): Promise<boolean> {
    try {
      const candidate = await this.#dirtiest()
      return candidate !== undefined && (await this.#clean(candidate))
    } catch (error) {
      if (error instanceof CompactionAborted) return false
      throw error
    }
  }

  async #clean({ directory, log, range }: Candidate): Promise<boolean> {
    const { world } = this.#parts
    const settings = this.#parts.settings()
    const threads = Math.max(1, settings.threads)
    const startMs = world.clock.monotonic()
    this.#running.add(log)
    try {
      const result = await log.compact({
        pace: this.#pace(settings),
        range,
        dedupeBufferBytes: settings.dedupeBufferBytes / threads,
        loadFactor: settings.loadFactor,
        ioBufferBytes: settings.ioBufferBytes / threads,
        ...(this.#thread === undefined ? {} : { thread: this.#thread }),
      })
      if (result === undefined) return false
      this.#threadsLost.delete(log)
      this.#tell(log, result, world.clock.monotonic() - startMs)
      // Compaction leaves gaps between segments. Below the recovery point no start takes one for a loss, whatever the topic's policy is then.
      await directory.writeCheckpoint('recoveryPoint')
      await directory.writeCheckpoint('cleaner')
      return true
    } catch (error) {
      this.#failed(log, asError(error))
      return false
    } finally {
      this.#running.delete(log)
    }
  }

  #failed(log: Log, error: Error): void {
    const { logger } = this.#parts.world
    const fields = { topic: log.topic, partition: log.partition, error: error.message }
    if (error instanceof CompactionAborted) {
      logger.debug(fields, 'a compaction was given up')
    } else if (error instanceof CleanThreadLost && this.#mayTryAgain(log)) {
      logger.warn(fields, 'a compaction is tried again')
    } else if (error instanceof KafkaError && error.code === ErrorCode.KAFKA_STORAGE_ERROR) {
      // The disk is full, or the directory offline.
      logger.warn(fields, 'a compaction could not be done')
    } else if (log.usable) {
      this.#uncleanable.set(log, error)
      logger.error(fields, 'the log cannot be compacted and is left as it is')
    }
  }

  #mayTryAgain(log: Log): boolean {
    const count = (this.#threadsLost.get(log) ?? 0) + 1
    this.#threadsLost.set(log, count)
    return count < MAX_THREADS_LOST
  }

  #tell(log: Log, result: CompactionResult, durationMs: number): void {
    const { counts, endOffset, firstDirtyOffset, isPartial, keys } = result
    const { statistics } = this
    statistics.passes++
    statistics.bytesRead += counts.bytesRead
    statistics.bytesWritten += counts.bytesWritten
    statistics.lastPassMs = durationMs
    const { logger } = this.#parts.world
    const name = { topic: log.topic, partition: log.partition }
    const facts = {
      firstDirtyOffset,
      endOffset,
      isPartial,
      keys,
      durationMs,
      bytesRead: counts.bytesRead,
      bytesWritten: counts.bytesWritten,
    }
    logger.info({ ...name, ...facts }, 'the log was compacted')
    if (counts.recordsWithoutKey > 0) logger.warn({ ...name, records: counts.recordsWithoutKey }, 'compaction dropped records without key')
  }

  #pace(settings: CleanerSettings): CleanPace {
    const { pause, world } = this.#parts
    const { signal } = this.#stop
    const limit = { throttle: this.#throttle, bytesPerSecond: settings.ioMaxBytesPerSecond }
    return new CleanPace({ clock: world.clock, signal, ...limit, ...(pause === undefined ? {} : { pause }) })
  }

  /** The log with the greatest dirty share of those that are dirty enough or overdue. */
  async #dirtiest(): Promise<Candidate | undefined> {
    const { clock } = this.#parts.world
    const now = clock.now()
    const pace = this.#pace(this.#parts.settings())
    let best: Candidate | undefined
    let maxDirtyRatio = 0
    let maxOverdueMs = 0
    for (const [log, directory] of this.#compacted()) {
      if (pace.isDue) await pace.pause()
      const range = this.#rangeOf(log, now)
      if (range === undefined) continue
      maxDirtyRatio = Math.max(maxDirtyRatio, range.dirtyRatio)
      maxOverdueMs = Math.max(maxOverdueMs, range.overdueMs)
      const isDirtyEnough = range.dirtyRatio > log.config.minCleanableDirtyRatio || (range.overdueMs > 0 && range.cleanableBytes > 0)
      if (isDirtyEnough && (best === undefined || range.dirtyRatio > best.range.dirtyRatio)) best = { log, directory, range }
    }
    Object.assign(this.statistics, { maxDirtyRatio, maxOverdueMs, lastRunMs: clock.monotonic() })
    return best
  }

  /** Logs that may be compacted, as they are now: some may be gone when their turn comes. */
  #compacted(): [Log, LogDirectory][] {
    const found: [Log, LogDirectory][] = []
    for (const log of this.#uncleanable.keys()) if (log.closed) this.#uncleanable.delete(log)
    for (const directory of this.#parts.directories) {
      if (!directory.online) continue
      for (const log of directory.logs.values()) {
        if (log.config.cleanupPolicy.compact && !this.#uncleanable.has(log) && !this.#running.has(log)) found.push([log, directory])
      }
    }
    return found
  }

  #rangeOf(log: Log, now: number): CleanableRange | undefined {
    // One that has nothing but the segment that takes appends is not worth a look.
    if (!log.usable || log.segments.length < 2) return undefined
    try {
      return cleanableRange(log, now)
    } catch (error) {
      this.#failed(log, asError(error))
      return undefined
    }
  }
}
