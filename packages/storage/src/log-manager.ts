// All logs of one broker over its log directories: opening, making and deleting them, and the work that goes on in the background,
// from one timer each: checkpoints, retention, flushes by time.

import { type Clock, ErrorCode, KafkaError, type Logger, type Random } from '@ottla/protocol'
import { type CleanerSettings, loadCleanedOffsets, LogCleaner } from './cleaner.ts'
import { type LogConfig, defaultLogConfig } from './config.ts'
import { lockDirectory } from './directory-lock.ts'
import type { Files } from './files.ts'
import { failWaiters, startFlush } from './flush.ts'
import type { Log } from './log.ts'
import { LogDirectory, partitionName } from './log-directory.ts'
import { saveTopicId, whileWriting } from './log-files.ts'
import type { LogWorld } from './log-world.ts'
import { deleteLog, removeDeletedFolders } from './log-deletion.ts'
import { makeDirectory, openDirectory } from './open-directory.ts'
import { makeWorld } from './make-world.ts'
import { asError } from './platform-error.ts'
import { every, inTurns, type Repeated } from './repeated.ts'
import { openLog } from './recovery.ts'
import { ClockGuard } from './retention.ts'
import type { Schedule } from './write-turn.ts'

export interface LogManagerOptions {
  /** `log.dirs`, absolute. */
  readonly directories: readonly string[]
  /** Default: the real disk. */
  readonly files?: Files
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Runs the writes at the end of a turn; default `setImmediate`. */
  readonly schedule?: Schedule
  /** Settings of a topic found on disk. Default: Kafka's defaults. */
  readonly configOf?: (topic: string) => LogConfig
  /** Checked against meta.properties, which is made where it is missing. Without them it is only read. */
  readonly identity?: { readonly clusterId: string; readonly nodeId: number }
  /** Goes into the mark of a clean stop (KIP-966). */
  readonly brokerEpoch?: () => number
  /** Bound of the tail cache in bytes; default 64 MiB. */
  readonly tailCacheBytes?: number
  /** Batches up to this size are copied and written together; at most, and by default, 64 KiB. */
  readonly stagedBatchBytes?: number
  /** Bound of the pooled read buffers in bytes; default 96 MiB, of which those take memory that were ever used at a time. */
  readonly readBufferBytes?: number
  /** Size of one such buffer, a multiple of 4,096; default 128 KiB. */
  readonly readSlabBytes?: number
  /** Bound of the open files; default 2,000. */
  readonly openFilesLimit?: number
  /** Default 256 MiB; see LogWorld. */
  readonly hotBytes?: number
  /** `producer.id.expiration.ms` as it is now; a day by default. */
  readonly producerIdExpirationMs?: () => number
  /** `producer.id.expiration.check.interval.ms`. */
  readonly producerIdExpirationCheckIntervalMs?: number
  /** `log.retention.check.interval.ms`. */
  readonly retentionCheckIntervalMs?: number
  /** `log.flush.offset.checkpoint.interval.ms`. */
  readonly recoveryPointCheckpointIntervalMs?: number
  /** `log.flush.start.offset.checkpoint.interval.ms`. */
  readonly logStartCheckpointIntervalMs?: number
  /** `replica.high.watermark.checkpoint.interval.ms`. */
  readonly highWatermarkCheckpointIntervalMs?: number
  /** How often `flush.ms` is looked at; default 250. (Kafka's log.flush.scheduler.interval.ms is never.) */
  readonly flushCheckIntervalMs?: number
  /** `log.cleaner.*` as they are now. Without them nothing is compacted. */
  readonly cleaner?: () => CleanerSettings
}

/** So many logs are closed at a time, for the sake of the device. */
const CLOSED_TOGETHER = 32

/** What `getOrCreate` needs. */
export interface LogInit {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly config: LogConfig
  /** Path of one of the log directories; default: the one that is online with the fewest logs. */
  readonly dir?: string
}

/** See the top of the file. */
export class LogManager {
  readonly directories: readonly LogDirectory[]
  /** Compacts in the background; undefined where the options have none. */
  readonly cleaner: LogCleaner | undefined
  /** Called once for a directory whose device failed; with the last one gone the broker should stop. */
  onDirectoryOffline: (directory: LogDirectory, error: Error) => void = () => undefined
  readonly #world: LogWorld
  readonly #options: LogManagerOptions
  readonly #logs = new Map<string, Log>()
  readonly #work: Set<Promise<void>>
  readonly #unlock: (() => void)[]
  readonly #guard: ClockGuard
  #timers: Repeated[] = []
  #closed = false

  private constructor(options: LogManagerOptions) {
    const made = makeWorld(options, {
      deviceFailed: ({ path }, error) => this.#deviceFailed(path, error),
      lowerRecoveryPoint: async log => {
        await this.#directoryOf(log).writeCheckpoint('cleaner')
        await this.#directoryOf(log).writeCheckpoint('recoveryPoint')
      },
    })
    this.#options = options
    this.#world = made.world
    this.#work = made.work
    this.#guard = new ClockGuard(options.clock)
    this.#unlock = []
    this.directories = options.directories.map(path => new LogDirectory(made.world, path, ''))
    const { cleaner: settings } = options
    if (settings !== undefined) this.cleaner = new LogCleaner({ world: made.world, directories: this.directories, settings })
  }

  /**
   * Locks and opens all directories and every log in them. Throws DirectoryLockedError, CorruptFileError, KafkaError
   * INCONSISTENT_CLUSTER_ID for a directory of another cluster or node, or the platform's error: then nothing stays locked.
   */
  static async open(options: LogManagerOptions): Promise<LogManager> {
    const manager = new LogManager(options)
    try {
      for (const directory of manager.directories) {
        await makeDirectory(manager.#world, directory.path)
        manager.#unlock.push(lockDirectory(manager.#world.files, directory.path))
        await openDirectory(manager.#world, directory, options)
        loadCleanedOffsets(directory)
        for (const log of directory.logs.values()) manager.#add(log)
      }
    } catch (error) {
      manager.#closed = true
      await Promise.allSettled(manager.#work)
      manager.#world.openFiles.closeAll()
      for (const unlock of manager.#unlock) unlock()
      throw error
    }
    manager.#start()
    return manager
  }

  /** What all logs share; for tests and tools. */
  get world(): LogWorld {
    return this.#world
  }

  /** Every log. */
  get logs(): Iterable<Log> {
    return this.#logs.values()
  }

  /** The log of a partition on this broker. */
  get(topic: string, partition: number): Log | undefined {
    return this.#logs.get(partitionName(topic, partition))
  }

  /**
   * The log of a partition, made if there is none. A folder whose topic id is another one (INCONSISTENT_TOPIC_ID) must be deleted first.
   * Throws KAFKA_STORAGE_ERROR when no directory can take it.
   */
  getOrCreate(init: LogInit): Log {
    const known = this.get(init.topic, init.partition)
    if (known === undefined) return this.#create(init)
    if (known.topicId === '') whileWriting(known, () => saveTopicId(known, init.topicId))
    if (known.topicId !== init.topicId) {
      const ids = `topic id ${known.topicId} on disk, ${init.topicId} asked for`
      throw new KafkaError(ErrorCode.INCONSISTENT_TOPIC_ID, `${partitionName(init.topic, init.partition)}: ${ids}`)
    }
    known.config = init.config
    return known
  }

  /** Takes a log away: its folder is renamed at once and removed after `file.delete.delay.ms`. Nothing happens if there is none. */
  delete(topic: string, partition: number): void {
    const log = this.get(topic, partition)
    if (log === undefined) return
    this.#logs.delete(partitionName(topic, partition))
    const directory = this.#directoryOf(log)
    directory.forget(partitionName(topic, partition))
    deleteLog(log, this.#options.random)
    this.#forgetDeleted(directory)
  }

  /** Deletes what retention gives up in all logs. Returns the number of segments. */
  deleteOldSegments(): number {
    const now = this.#trustedNow()
    let count = 0
    for (const log of this.#logs.values()) count += this.#retain(log, now)
    return count
  }

  /** The same a few milliseconds at a time: the first look at a log reads its time index. */
  #deleteInTurns(): Promise<void> {
    const now = this.#trustedNow()
    return this.#inTurns(log => this.#retain(log, now))
  }

  /** A log whose producers were not asked for has none in memory, and leaves the expired ones out when it loads them. */
  #removeExpiredProducers(): Promise<void> {
    return this.#inTurns(log => {
      if (!log.usable || !log.producersLoaded) return
      log.producers.producerIdExpirationMs = this.#world.producerIdExpirationMs()
      log.producers.removeExpired(this.#options.clock.now())
    })
  }

  #inTurns(work: (log: Log) => void): Promise<void> {
    const { clock, schedule = setImmediate } = this.#options
    return inTurns(this.#logs.values(), work, { clock, schedule, isOver: () => this.#closed })
  }

  #trustedNow(): number | undefined {
    const now = this.#guard.trustedNow()
    if (now === undefined) {
      this.#world.logger.error(
        { wallClock: this.#options.clock.now() },
        'the clock jumped: nothing is deleted by time until it is back, or for a day',
      )
    }
    return now
  }

  #retain(log: Log, now: number | undefined): number {
    if (!log.usable) return 0
    try {
      return log.deleteOldSegments(now)
    } catch (error) {
      this.#world.logger.error({ topic: log.topic, partition: log.partition, error: asError(error).message }, 'retention failed')
      return 0
    }
  }

  /** Writes all checkpoint files. Rejects when a disk is full. */
  async checkpoint(): Promise<void> {
    for (const directory of this.directories) {
      await directory.writeCheckpoint('recoveryPoint')
      await directory.writeCheckpoint('logStart')
      await directory.writeCheckpoint('highWatermark')
    }
  }

  /** Stops the timers, flushes and closes every log, writes the checkpoints, and marks the directories that are fine as cleanly stopped. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const timer of this.#timers) timer.stop()
    await this.cleaner?.stop()
    this.#world.turn.run()
    for (const directory of this.directories) {
      const logs = directory.logs.values()
      // The iterator is shared: each worker takes the next log.
      const clean = await Promise.all(Array.from({ length: CLOSED_TOGETHER }, () => this.#closeLogs(logs)))
      await this.#finishDirectory(directory, directory.online && !clean.includes(false))
    }
    await Promise.allSettled(this.#work)
    this.#world.openFiles.closeAll()
    for (const unlock of this.#unlock) unlock()
  }

  /** Closes logs until there are no more; says whether all went well. */
  async #closeLogs(logs: Iterator<Log, undefined>): Promise<boolean> {
    let clean = true
    for (let next = logs.next(); next.done !== true; next = logs.next()) {
      const log = next.value
      try {
        await log.close()
      } catch (error) {
        clean = false
        const fields = { topic: log.topic, partition: log.partition, error: asError(error).message }
        this.#world.logger.error(fields, 'a log could not be closed')
      }
    }
    return clean
  }

  async #finishDirectory(directory: LogDirectory, clean: boolean): Promise<void> {
    if (!directory.online) return
    try {
      await directory.writeCheckpoint('recoveryPoint')
      await directory.writeCheckpoint('logStart')
      await directory.writeCheckpoint('highWatermark')
      if (clean && directory.online) await directory.leaveCleanMark(this.#options.brokerEpoch?.() ?? -1)
    } catch (error) {
      this.#world.logger.error(
        { directory: directory.path, error: asError(error).message },
        'the directory could not be marked as cleanly stopped',
      )
    }
  }

  #create(init: LogInit): Log {
    const { topic, topicId, partition, config } = init
    const directory = this.#directoryFor(init.dir)
    const path = `${directory.path}/${partitionName(topic, partition)}`
    const log = openAt(this.#world, { directory, path, topic, topicId, partition, config })
    directory.logs.set(partitionName(topic, partition), log)
    this.#add(log)
    return log
  }

  #directoryFor(path: string | undefined): LogDirectory {
    let best: LogDirectory | undefined
    for (const directory of this.directories) {
      if (!directory.online || (path !== undefined && directory.path !== path)) continue
      if (best === undefined || directory.logs.size < best.logs.size) best = directory
    }
    if (best === undefined)
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `no log directory is online${path === undefined ? '' : ` at ${path}`}`)
    return best
  }

  #add(log: Log): void {
    this.#logs.set(partitionName(log.topic, log.partition), log)
  }

  #directoryOf(log: { readonly topic: string; readonly partition: number }): LogDirectory {
    const name = partitionName(log.topic, log.partition)
    const directory = this.directories.find(candidate => candidate.logs.has(name)) ?? this.directories[0]
    if (directory === undefined) throw new RangeError('a log manager without directories')
    return directory
  }

  #deviceFailed(path: string, error: Error): void {
    const directory = this.directories.find(candidate => candidate.path === path)
    if (directory === undefined || directory.failure !== undefined) return
    directory.failure = error
    this.#world.logger.error({ directory: directory.path, error: error.message }, 'the log directory is offline: its device failed')
    this.onDirectoryOffline(directory, error)
    for (const log of directory.logs.values()) {
      log.progressed = true
      log.writeError ??= new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `${directory.path} is offline: ${error.message}`)
      this.#world.turn.add(log)
      failWaiters(log, error)
    }
  }

  #start(): void {
    const { clock } = this.#options
    const options = this.#options
    const checkpoint = (kind: 'recoveryPoint' | 'logStart' | 'highWatermark') => async () => {
      for (const directory of this.directories) await directory.writeCheckpoint(kind)
    }
    const add = (intervalMs: number, run: () => void | Promise<void>): void => {
      this.#timers.push(every({ clock, logger: this.#world.logger, background: work => this.#world.background(work) }, intervalMs, run))
    }
    add(options.recoveryPointCheckpointIntervalMs ?? 60_000, checkpoint('recoveryPoint'))
    add(options.logStartCheckpointIntervalMs ?? 60_000, checkpoint('logStart'))
    add(options.highWatermarkCheckpointIntervalMs ?? 5_000, checkpoint('highWatermark'))
    add(options.retentionCheckIntervalMs ?? 300_000, () => this.#deleteInTurns())
    add(options.producerIdExpirationCheckIntervalMs ?? 600_000, () => this.#removeExpiredProducers())
    add(options.flushCheckIntervalMs ?? 250, () => this.#flushByTime())
    add(30_000, async () => {
      this.#world.openFiles.closeIdle()
      for (const directory of this.directories) if (directory.online) await directory.refreshSpace()
    })
    this.cleaner?.start()
    for (const directory of this.directories) this.#forgetDeleted(directory)
    removeDeletedFolders(this.#world, this.directories, defaultLogConfig.fileDeleteDelayMs)
  }

  #forgetDeleted(directory: LogDirectory): void {
    const { logger } = this.#world
    this.#world.background(
      directory.forgetDeleted().catch((error: unknown) => {
        logger.warn({ directory: directory.path, error: asError(error).message }, 'checkpoints still hold deleted partitions; tried again')
      }),
    )
  }

  #flushByTime(): void {
    const now = this.#options.clock.monotonic()
    for (const log of this.#world.unflushed) {
      if (log.flushedOffset >= log.writtenOffset || !log.usable) {
        this.#world.unflushed.delete(log)
        continue
      }
      if (now - log.lastFlushMs >= log.config.flushMs) startFlush(log, log.writtenOffset)
    }
  }
}

const openAt = (world: LogWorld, place: Omit<LogInit, 'dir'> & { directory: LogDirectory; path: string }): Log => {
  world.files.makeDirectorySync(place.path)
  const log = openLog({ world, ...place, clean: false, recoveryPoint: 0, logStartOffset: 0, highWatermark: 0, created: true })
  whileWriting(log, () => {
    if (place.topicId !== '') saveTopicId(log, place.topicId)
  })
  // Most partitions of a large topic are idle for a while.
  world.openFiles.dropFolder(place.path)
  return log
}
