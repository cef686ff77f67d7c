// One log directory: its identity, its logs, its checkpoint files.

import { replaceFile } from './atomic-file.ts'
import { checkpointNames, offsetCheckpointContent, type PartitionOffset, readOffsetCheckpoint } from './checkpoint.ts'
import { CLEAN_SHUTDOWN, readCleanShutdown, removeCleanShutdown, writeCleanShutdown } from './clean-shutdown.ts'
import { CorruptFileError } from './corrupt-file.ts'
import type { Log } from './log.ts'
import type { DirectoryState, LogWorld } from './log-world.ts'
import { asError } from './platform-error.ts'
import { isPassing } from './undo.ts'

/** Names of the checkpoint files. */
export type CheckpointKind = keyof typeof checkpointNames
const checkpointKinds: readonly CheckpointKind[] = ['recoveryPoint', 'logStart', 'highWatermark', 'cleaner']

/** `topic-partition`, the name of a partition's folder and the key of its log. */
export const partitionName = (topic: string, partition: number): string => `${topic}-${partition}`

const FOLDER = /^(?<topic>[A-Za-z0-9._-]{1,249})-(?<partition>\d{1,10})$/

/** The partition that a folder name stands for; undefined for other folders. */
export const parsePartitionName = (name: string): { topic: string; partition: number } | undefined => {
  const groups = FOLDER.exec(name)?.groups
  if (groups?.topic === undefined || groups.partition === undefined) return undefined
  const partition = Number(groups.partition)
  return partition <= 0x7fffffff && String(partition) === groups.partition ? { topic: groups.topic, partition } : undefined
}

/** See the top of the file. */
export class LogDirectory implements DirectoryState {
  readonly path: string
  /** Directory id of meta.properties; empty where it has none. */
  id: string
  failure: Error | undefined
  /** Bytes of the file system, as last asked. */
  totalBytes = -1
  usableBytes = -1
  /** By partition name. */
  readonly logs = new Map<string, Log>()
  readonly #world: LogWorld
  /** The last writing of each checkpoint file; one at a time. */
  readonly #writing = new Map<CheckpointKind, Promise<void>>()
  /** The one that has not begun yet, which serves everybody who asks until then. */
  readonly #waiting = new Map<CheckpointKind, Promise<void>>()
  /** What each checkpoint file holds, as far as this process wrote it. */
  readonly #written = new Map<CheckpointKind, Buffer>()
  /** How many logs were deleted, and how many of them each checkpoint file is known to have forgotten. */
  #deleted = 0
  readonly #forgotten = new Map<CheckpointKind, number>()

  constructor(world: LogWorld, path: string, id: string) {
    this.#world = world
    this.path = path
    this.id = id
  }

  get online(): boolean {
    return this.failure === undefined
  }

  /** Asks the file system for its sizes. Throws the platform's error. */
  async refreshSpace(): Promise<void> {
    const { totalBytes, usableBytes } = await this.#world.files.space(this.path)
    this.totalBytes = totalBytes
    this.usableBytes = usableBytes
  }

  /** Whether the last stop was clean; forgets it, since from now on it is not. Throws the platform's error. */
  async takeCleanMark(): Promise<boolean> {
    const path = `${this.path}/${CLEAN_SHUTDOWN}`
    const { files } = this.#world
    const clean = readCleanShutdown(files, path) !== undefined
    await removeCleanShutdown(files, path)
    return clean
  }

  /** Says that everything is on the device. Throws the platform's error. */
  leaveCleanMark(brokerEpoch: number): Promise<void> {
    return writeCleanShutdown(this.#world.files, `${this.path}/${CLEAN_SHUTDOWN}`, { brokerEpoch })
  }

  /** Offsets by partition name; a damaged file is as good as none. Throws the platform's error. */
  readCheckpoint(kind: CheckpointKind): Map<string, number> {
    const path = `${this.path}/${checkpointNames[kind]}`
    try {
      const entries = readOffsetCheckpoint(this.#world.files, path)
      return new Map(entries.map(entry => [partitionName(entry.topic, entry.partition), entry.offset]))
    } catch (error) {
      if (!(error instanceof CorruptFileError)) throw error
      this.#world.logger.error({ file: path, error: error.message }, 'a checkpoint file is damaged and taken as empty')
      return new Map()
    }
  }

  /** The log of this name is gone; checkpoint files that still speak of it would mislead a new one of the same name. */
  forget(name: string): void {
    this.logs.delete(name)
    this.#deleted++
  }

  /** See DirectoryState. */
  async forgetDeleted(): Promise<void> {
    const deleted = this.#deleted
    for (const kind of checkpointKinds) {
      if ((this.#forgotten.get(kind) ?? 0) < deleted) await this.writeCheckpoint(kind)
    }
  }

  /** Writes a checkpoint durably with what the logs say when its turn comes. Rejects when the disk is full; any worse failure takes the directory offline. */
  writeCheckpoint(kind: CheckpointKind): Promise<void> {
    const waiting = this.#waiting.get(kind)
    if (waiting !== undefined) return waiting
    const before = this.#writing.get(kind) ?? Promise.resolve()
    const mine = before.then(() => {
      this.#waiting.delete(kind)
      return this.#write(kind)
    })
    this.#waiting.set(kind, mine)
    this.#writing.set(
      kind,
      mine.catch(() => undefined),
    )
    return mine
  }

  async #write(kind: CheckpointKind): Promise<void> {
    if (this.failure !== undefined) return
    const entries: PartitionOffset[] = []
    const recoveryPoints: [Log, number][] = []
    const deleted = this.#deleted
    for (const log of this.logs.values()) {
      const offset = offsetOf(log, kind)
      if (offset === undefined) continue
      entries.push({ topic: log.topic, partition: log.partition, offset })
      if (kind === 'recoveryPoint') recoveryPoints.push([log, offset])
    }
    const content = offsetCheckpointContent(entries)
    try {
      // Where nothing happens nothing is written and flushed every few seconds.
      if (this.#written.get(kind)?.equals(content) !== true) {
        this.#written.delete(kind)
        // From now on the file may hold these, whatever comes of the writing.
        for (const [log, offset] of recoveryPoints) log.checkpointedOffset = Math.max(log.checkpointedOffset, offset)
        await replaceFile(this.#world.files, `${this.path}/${checkpointNames[kind]}`, content)
        this.#written.set(kind, content)
      }
      for (const [log, offset] of recoveryPoints) log.checkpointedOffset = offset
      this.#forgotten.set(kind, deleted)
    } catch (error) {
      if (isPassing(asError(error))) throw error
      this.#world.deviceFailed(this, asError(error))
    }
  }
}

/** What a checkpoint says of a log; undefined where it need not say anything. */
const offsetOf = (log: Log, kind: CheckpointKind): number | undefined => {
  if (kind === 'recoveryPoint') return log.flushedOffset
  if (kind === 'highWatermark') return log.highWatermark
  if (kind === 'cleaner') return log.cleanedOffset
  const first = log.segments[0]
  return first !== undefined && log.logStartOffset > first.baseOffset ? log.logStartOffset : undefined
}
