// Which leader epoch begins at which offset, and the file `leader-epoch-checkpoint` that keeps it
// (org.apache.kafka.storage.internals.epoch.LeaderEpochFileCache; KIP-101, KIP-279, KIP-320).
import { readIfPresent, replaceFile } from './atomic-file.ts'
import { checkpointContent, parseCheckpoint, parseInteger } from './checkpoint.ts'
import { CorruptFileError } from './corrupt-file.ts'
import type { Files } from './files.ts'

/** Name of the file in a partition's folder. */
export const LEADER_EPOCH_CHECKPOINT = 'leader-epoch-checkpoint'
/** Answer for an epoch that the log knows nothing about, and for its end offset. */
export const UNDEFINED_EPOCH = -1
export const UNDEFINED_EPOCH_OFFSET = -1

export interface EpochEntry {
  readonly epoch: number
  /** Offset of the first record of the epoch. */
  readonly startOffset: number
}

/** An epoch and the offset behind its last record. */
export interface EpochEndOffset {
  readonly epoch: number
  readonly endOffset: number
}

/**
 * The epochs of one log. It does not write by itself: the log writes the file (`writeLeaderEpochs`) after a change, before it lets the
 * recovery point pass the offset where a new epoch begins. Epochs that a stale file still has too much are removed at the next opening by
 * truncating to the log's ends, as in Kafka.
 */
export class LeaderEpochs {
  /** Rising in epoch and in start offset. */
  #entries: EpochEntry[] = []
  /** Counts the changes. */
  #changes = 0
  /**
   * Lowest start offset of the entries that came or went since the file was written. The file need not be written before the log goes
   * beyond it: entries that begin at the end of a log or behind it are dropped when it is opened. Infinity when there is nothing new.
   */
  unsavedFrom = Number.POSITIVE_INFINITY

  /** Takes entries in the order of a file; one that contradicts an earlier one replaces it, as with `assign`. */
  constructor(entries: Iterable<EpochEntry> = []) {
    for (const entry of entries) this.assign(entry.epoch, entry.startOffset)
    this.#changes = 0
    this.unsavedFrom = Number.POSITIVE_INFINITY
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  /** How often the entries were changed since the object was made. */
  get changes(): number {
    return this.#changes
  }

  get latest(): EpochEntry | undefined {
    return this.#entries.at(-1)
  }

  get earliest(): EpochEntry | undefined {
    return this.#entries[0]
  }

  /** The latest epoch, -1 when there is none. */
  get latestEpoch(): number {
    return this.latest?.epoch ?? UNDEFINED_EPOCH
  }

  /**
   * An epoch begins at an offset; says whether that changed anything. Called for every batch, so the usual case, the epoch of the batch
   * before, costs one comparison. Entries that are not below it in both epoch and offset are removed. Throws RangeError for negative values.
   */
  assign(epoch: number, startOffset: number): boolean {
    const latest = this.#entries[this.#entries.length - 1]
    if (latest !== undefined && latest.epoch === epoch && latest.startOffset <= startOffset) return false
    if (epoch < 0 || startOffset < 0) throw new RangeError(`leader epoch ${epoch} at offset ${startOffset}`)
    const kept = this.#entries.findLastIndex(entry => entry.epoch < epoch && entry.startOffset < startOffset) + 1
    this.#changed(Math.min(startOffset, this.#entries[kept]?.startOffset ?? startOffset))
    this.#entries.length = kept
    this.#entries.push({ epoch, startOffset })
    return true
  }

  /**
   * The largest epoch that is not above the requested one, and where it ends: at the start of the next epoch, or at the end of the log for
   * the latest one. An epoch before all known ones ends where the log's first epoch starts. Undefined (-1, -1) for one above all.
   */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEndOffset {
    const undefinedEnd = { epoch: UNDEFINED_EPOCH, endOffset: UNDEFINED_EPOCH_OFFSET }
    if (epoch === UNDEFINED_EPOCH) return undefinedEnd
    if (this.latest?.epoch === epoch) return { epoch, endOffset: logEndOffset }
    const index = this.#entries.findIndex(entry => entry.epoch > epoch)
    const higher = this.#entries[index]
    return higher === undefined ? undefinedEnd : { epoch: this.#entries[index - 1]?.epoch ?? epoch, endOffset: higher.startOffset }
  }

  /** The epoch that an offset belongs to, -1 when it lies before the first one. */
  epochForOffset(offset: number): number {
    return this.#entries.findLast(entry => entry.startOffset <= offset)?.epoch ?? UNDEFINED_EPOCH
  }

  /** Start offset of exactly this epoch. */
  startOffsetOf(epoch: number): number | undefined {
    return this.#entries.find(entry => entry.epoch === epoch)?.startOffset
  }

  /** The largest epoch below this one, -1 when there is none. */
  previousEpoch(epoch: number): number {
    return this.#entries.findLast(entry => entry.epoch < epoch)?.epoch ?? UNDEFINED_EPOCH
  }

  /** Removes the epochs that begin at `endOffset` or above; says whether that changed anything. */
  truncateFromEnd(endOffset: number): boolean {
    const kept = this.#entries.findIndex(entry => entry.startOffset >= endOffset)
    if (endOffset < 0 || kept === -1) return false
    this.#changed(this.#entries[kept]?.startOffset ?? endOffset)
    this.#entries.length = kept
    return true
  }

  /** The log now starts at `startOffset`: earlier epochs are removed, the one it lies in begins there. Says whether that changed anything. */
  truncateFromStart(startOffset: number): boolean {
    const last = this.#entries.findLastIndex(entry => entry.startOffset <= startOffset)
    const entry = this.#entries[last]
    if (entry === undefined || (last === 0 && entry.startOffset === startOffset)) return false
    this.#changed(this.#entries[0]?.startOffset ?? startOffset)
    this.#entries.splice(0, last + 1, { epoch: entry.epoch, startOffset })
    return true
  }

  /** Removes everything. */
  clear(): void {
    this.#changed(this.#entries[0]?.startOffset ?? 0)
    this.#entries = []
  }

  #changed(startOffset: number): void {
    this.#changes++
    this.unsavedFrom = Math.min(this.unsavedFrom, startOffset)
  }
}

function parseEntry(words: string[]): EpochEntry | undefined {
  const epoch = parseInteger(words[0] ?? '')
  const startOffset = parseInteger(words[1] ?? '')
  if (words.length !== 2 || epoch === undefined || epoch > 0x7fffffff || startOffset === undefined) return undefined
  return { epoch, startOffset }
}

/** Epochs in a file's content. Throws CorruptFileError. */
export function parseLeaderEpochs(path: string, content: Buffer): LeaderEpochs {
  const entries = parseCheckpoint(path, content, parseEntry)
  const wrong = entries.find(entry => entry.epoch < 0 || entry.startOffset < 0)
  if (wrong !== undefined) throw new CorruptFileError(path, `epoch ${wrong.epoch} at offset ${wrong.startOffset}`)
  return new LeaderEpochs(entries)
}

/** Content of the file. */
export const leaderEpochsContent = (epochs: LeaderEpochs): Buffer =>
  checkpointContent(epochs.entries.map(entry => `${entry.epoch} ${entry.startOffset}`))

/** Reads the file; without one there are no epochs. Throws CorruptFileError or the platform's error. */
export function readLeaderEpochs(files: Files, path: string): LeaderEpochs {
  const content = readIfPresent(files, path)
  return content === undefined ? new LeaderEpochs() : parseLeaderEpochs(path, content)
}

/** Replaces the file durably (see `replaceFile`). */
export const writeLeaderEpochs = (files: Files, path: string, epochs: LeaderEpochs): Promise<void> =>
  replaceFile(files, path, leaderEpochsContent(epochs))
