// What the three index files of a segment have in common: entries of one size, appended in memory and saved to the file from time to time.
//
// Nothing is read before the first question is asked, and no file handle is kept: ten thousand idle partitions cost neither. A lost or
// torn index is no loss, since the log rebuilds it; so saving is not part of an append, and `flush` is called where Kafka flushes an
// index: when a segment is rolled, at a checkpoint, at shutdown.
import { CorruptFileError } from './corrupt-file.ts'
import type { Files } from './files.ts'
import { syncOnce } from './platform-error.ts'

export interface IndexOptions {
  readonly files: Files
  /** The index file; need not exist. */
  readonly path: string
  /** First offset of the segment; entries hold offsets relative to it. */
  readonly baseOffset: number
  /** `segment.index.bytes`: the room for entries. */
  readonly maxBytes: number
}

const EMPTY = Buffer.alloc(0)
const FIRST_ENTRIES = 8
/** From this size on a buffer gets memory of its own instead of a slice of Node's pool. */
const OWN_MEMORY = 4096
/** The largest offset that an index can hold relative to its base (a signed 32-bit integer). */
export const MAX_RELATIVE_OFFSET = 0x7fffffff

export abstract class SegmentIndex {
  readonly baseOffset: number
  /** Where the file is; set it after the folder was renamed, or use `renameTo`. */
  path: string
  /** `segment.index.bytes`; may be changed with the topic's settings. */
  maxBytes: number
  protected readonly files: Files
  protected abstract readonly entryBytes: number
  /** Kafka always has the offset and time index on disk, but no transaction index without entries. */
  protected abstract readonly keepsEmptyFile: boolean
  #content: Buffer | undefined
  #entries = 0
  /** How many of the entries are in the file already. */
  #saved = 0
  /** Length of the file, -1 when it is not known to exist. */
  #fileBytes = -1
  #unsynced = false

  constructor(options: IndexOptions) {
    this.files = options.files
    this.path = options.path
    this.baseOffset = options.baseOffset
    this.maxBytes = options.maxBytes
  }

  /** How many entries there are. Reads the file when that was not done yet (throws as `sanityCheck`). */
  get entries(): number {
    if (this.#content === undefined) this.#load()
    return this.#entries
  }

  /** Whether the entries are in memory. */
  get isLoaded(): boolean {
    return this.#content !== undefined
  }

  /** Bytes that the entries take in the file. */
  get sizeInBytes(): number {
    return this.entries * this.entryBytes
  }

  /** How many entries fit. */
  get maxEntries(): number {
    return Math.floor(this.maxBytes / this.entryBytes)
  }

  /** Whether there is no room for another entry; the segment must then be rolled. */
  get isFull(): boolean {
    return this.entries >= this.maxEntries
  }

  /** Whether an offset can be expressed relative to the base offset; if not, the segment must be rolled. */
  canAppendOffset(offset: number): boolean {
    return offset >= this.baseOffset && offset - this.baseOffset <= MAX_RELATIVE_OFFSET
  }

  /**
   * Reads the file, if that was not done yet, and checks that it is an index of this segment: whole entries in rising order, none before
   * the base offset. Zeros at the end are left out: Kafka gives a running index its full size in advance, a file system may do so after a
   * power loss. A missing file is an empty index. Throws CorruptFileError; the index is then to be `reset` and rebuilt from the log.
   */
  sanityCheck(): void {
    if (this.#content === undefined) this.#load()
  }

  /** Forgets all entries without reading the file: for a new segment, and before a rebuilding. The next save shortens the file. */
  reset(): void {
    this.#content = EMPTY
    // A file of unknown length is cut by the next save.
    this.#fileBytes = -1
    this.setEntries(0)
  }

  /** Drops the entries from memory if the file has them all; the next question reads them again. */
  unload(): void {
    if (this.#saved === this.#entries && this.#fileBytes === this.#entries * this.entryBytes) this.#content = undefined
  }

  /** Writes what the file lacks into the page cache, and cuts what it has too much. Throws the platform's error. */
  saveSync(): void {
    if (!this.#isStale()) return
    const file = this.files.openSync(this.path, 'create')
    try {
      this.#saveTo(file)
    } finally {
      file.closeSync()
    }
  }

  /** Saves, and makes the content durable (the name of a new file only after `syncDirectory`). Throws the platform's error. */
  async flush(): Promise<void> {
    const stale = this.#isStale()
    if (!stale && !this.#unsynced) return
    const file = this.files.openSync(this.path, 'create')
    try {
      if (stale) this.#saveTo(file)
      this.#unsynced = false
      await syncOnce(file)
    } finally {
      file.closeSync()
    }
  }

  /** Renames the file, if there is one, and goes on under the new name. */
  renameTo(path: string): void {
    if (this.files.statSync(this.path) !== undefined) this.files.renameSync(this.path, path)
    this.path = path
  }

  #isStale(): boolean {
    if (this.#content === undefined) return false
    if (this.#entries === 0 && this.#fileBytes === -1 && !this.keepsEmptyFile) return this.files.statSync(this.path) !== undefined
    return this.#saved !== this.#entries || this.#fileBytes !== this.#entries * this.entryBytes
  }

  #saveTo(file: { truncateSync(length: number): void; writeSync(chunks: readonly Buffer[], position: number): void }): void {
    const from = this.#saved * this.entryBytes
    const to = this.#entries * this.entryBytes
    if (this.#fileBytes !== from) {
      file.truncateSync(from)
      this.#fileBytes = from
      this.#unsynced = true
    }
    if (to === from) return
    // Whatever a failing write left behind is cut by the next attempt.
    this.#fileBytes = -1
    file.writeSync([this.content.subarray(from, to)], from)
    this.#unsynced = true
    this.#fileBytes = to
    this.#saved = this.#entries
  }

  #load(): Buffer {
    const exists = this.files.statSync(this.path) !== undefined
    const stored = exists ? this.files.readFileSync(this.path) : EMPTY
    const bytes = this.usedBytes(stored)
    if (bytes % this.entryBytes !== 0 || stored.length % this.entryBytes !== 0) {
      throw new CorruptFileError(this.path, `${stored.length} bytes are no whole number of entries of ${this.entryBytes} bytes`)
    }
    const entries = bytes / this.entryBytes
    const content = stored.subarray(0, bytes)
    this.check(content, entries)
    this.#content = content
    this.#saved = entries
    this.#fileBytes = exists ? stored.length : -1
    this.setEntries(entries)
    return content
  }

  /** The entries; bytes after `entries` mean nothing. */
  protected get content(): Buffer {
    return this.#content ?? this.#load()
  }

  /** Adds room for one entry and returns where it goes; the caller fills it. */
  protected extend(): number {
    const at = this.entries * this.entryBytes
    const content = this.content
    if (at + this.entryBytes > content.length) {
      const wanted = Math.max(FIRST_ENTRIES * this.entryBytes, content.length * 2)
      const grown = wanted < OWN_MEMORY ? Buffer.allocUnsafe(wanted) : Buffer.allocUnsafeSlow(wanted)
      content.copy(grown, 0, 0, at)
      this.#content = grown
    }
    this.#entries++
    return at
  }

  /** Cuts to the first `entries` entries; overridden to keep the facts of the last entry. */
  protected setEntries(entries: number): void {
    this.#entries = entries
    if (entries < this.#saved) this.#saved = entries
  }

  /** How far a stored file holds entries: up to the zeros at its end. */
  protected usedBytes(stored: Buffer): number {
    let end = stored.length
    while (end > 0 && stored[end - 1] === 0) end--
    return Math.min(stored.length, Math.ceil(end / this.entryBytes) * this.entryBytes)
  }

  /** Throws CorruptFileError when entries are out of order or out of range. */
  protected abstract check(content: Buffer, entries: number): void

  /** The last slot whose key (rising with the slots) is not above `target`; -1 when there is none. */
  protected lastSlotAtMost(target: number, key: (content: Buffer, slot: number) => number): number {
    let low = -1
    let high = this.entries - 1
    const content = this.content
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (key(content, middle) > target) high = middle - 1
      else low = middle
    }
    return low
  }
}
