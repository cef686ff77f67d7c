// The snapshot files of one log. One is taken when a segment is rolled, at the base offset of the new segment, and one at shutdown, so that
// opening a log replays at most one segment for its producers (org.apache.kafka.storage.internals.log.ProducerStateManager).
import { dirname, join } from 'node:path'
import { CorruptFileError } from './corrupt-file.ts'
import type { Files } from './files.ts'
import { syncOnce } from './platform-error.ts'
import { parseProducerSnapshot, producerSnapshotContent } from './producer-snapshot.ts'
import type { ProducerState } from './producer-state.ts'

/** Ending of a snapshot file; before it stands the offset in 20 digits. */
export const SNAPSHOT_SUFFIX = '.snapshot'
const NAME = /^(?<offset>\d{20})\.snapshot$/

/** The offset in the name of a snapshot file, undefined for any other file. */
export function snapshotOffset(name: string): number | undefined {
  const digits = NAME.exec(name)?.groups?.offset
  return digits !== undefined && Number.isSafeInteger(Number(digits)) ? Number(digits) : undefined
}

export class ProducerSnapshots {
  /** Folder of the partition; set it after the folder was renamed. */
  folder: string
  readonly #files: Files
  /** Rising. */
  #offsets: number[]

  /** `names`: what the folder holds, if the caller has listed it already. */
  constructor(options: { files: Files; folder: string; names?: readonly string[] }) {
    this.#files = options.files
    this.folder = options.folder
    const names = options.names ?? options.files.listSync(options.folder)
    const offsets = names.map(snapshotOffset).filter(offset => offset !== undefined)
    this.#offsets = offsets.toSorted((a, b) => a - b)
  }

  /** Offsets of the files, rising. */
  get offsets(): readonly number[] {
    return this.#offsets
  }

  pathOf(offset: number): string {
    return join(this.folder, `${String(offset).padStart(20, '0')}${SNAPSHOT_SUFFIX}`)
  }

  /**
   * Writes the state at `offset`, the end offset of the log, into the page cache; an offset that has a snapshot needs none. Nothing that is
   * staged may be missing from the log later: on a rollback, `removeFrom` the offset. Throws the platform's error.
   */
  take(state: ProducerState, offset: number): void {
    if (this.#offsets.includes(offset)) return
    const file = this.#files.openSync(this.pathOf(offset), 'create')
    try {
      file.truncateSync(0)
      file.writeSync([producerSnapshotContent(state.entries)], 0)
    } finally {
      file.closeSync()
    }
    this.#offsets.push(offset)
    this.#offsets.sort((a, b) => a - b)
  }

  /** Makes a snapshot durable, with its name. Throws the platform's error. */
  async flush(offset: number): Promise<void> {
    const path = this.pathOf(offset)
    const file = this.#files.openSync(path, 'update')
    try {
      await syncOnce(file)
    } finally {
      file.closeSync()
    }
    await this.#files.syncDirectory(dirname(path))
  }

  /**
   * Loads the newest snapshot that is no later than the end of the log into an empty state, and returns its offset: batches from there on
   * are to be replayed. Snapshots behind the end, at or before the start, and corrupt ones are deleted (`onCorrupt` is told why). Without
   * any, the state stays empty and the answer is the start of the log.
   */
  load(state: ProducerState, options: LoadOptions): number {
    const { logStartOffset, logEndOffset, nowMs } = options
    for (const offset of this.#offsets.filter(known => known > logEndOffset || known <= logStartOffset)) this.remove(offset)
    for (;;) {
      const offset = this.#offsets.at(-1)
      if (offset === undefined) return logStartOffset
      const path = this.pathOf(offset)
      try {
        state.load(parseProducerSnapshot(path, this.#files.readFileSync(path)), nowMs)
        return offset
      } catch (error) {
        if (!(error instanceof CorruptFileError)) throw error
        options.onCorrupt?.(error)
        this.remove(offset)
      }
    }
  }

  /**
   * Loads the newest whole snapshot at or before an offset into an empty state and returns its offset; undefined without any. Deletes
   * nothing: the end of the log is somewhere else.
   */
  loadUpTo(state: ProducerState, offset: number, nowMs: number): number | undefined {
    for (const known of this.#offsets.toReversed()) {
      if (known > offset) continue
      const path = this.pathOf(known)
      try {
        state.load(parseProducerSnapshot(path, this.#files.readFileSync(path)), nowMs)
        return known
      } catch (error) {
        if (!(error instanceof CorruptFileError)) throw error
      }
    }
    return undefined
  }

  /** Deletes the snapshot at an offset, if there is one. */
  remove(offset: number): void {
    const index = this.#offsets.indexOf(offset)
    if (index === -1) return
    this.#offsets.splice(index, 1)
    const path = this.pathOf(offset)
    if (this.#files.statSync(path) !== undefined) this.#files.unlinkSync(path)
  }

  /** Deletes those before an offset: the log starts there now. */
  removeBefore(offset: number): void {
    for (const known of this.#offsets.filter(candidate => candidate < offset)) this.remove(known)
  }

  /** Deletes those at an offset and behind it: the log was truncated. */
  removeFrom(offset: number): void {
    for (const known of this.#offsets.filter(candidate => candidate >= offset)) this.remove(known)
  }

  /** Forgets the file of a segment that the caller renames for deletion, and says where it is; undefined when there is none. */
  release(offset: number): string | undefined {
    const index = this.#offsets.indexOf(offset)
    if (index === -1) return undefined
    this.#offsets.splice(index, 1)
    return this.pathOf(offset)
  }

  /** Deletes those that belong to no segment, except the newest if it lies behind all segments' base offsets (it was made at shutdown). */
  removeStray(segmentBaseOffsets: readonly number[]): void {
    const bases = new Set(segmentBaseOffsets)
    const newestBase = segmentBaseOffsets.reduce((a, b) => Math.max(a, b), -1)
    const newest = this.#offsets.at(-1)
    const isStray = (offset: number) => !bases.has(offset) && !(offset === newest && offset > newestBase)
    for (const offset of this.#offsets.filter(isStray)) this.remove(offset)
  }
}

export interface LoadOptions {
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly nowMs: number
  /** Told of each corrupt snapshot before it is deleted. */
  readonly onCorrupt?: (error: CorruptFileError) => void
}
