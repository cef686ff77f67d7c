// `<base offset>.timeindex`: from timestamps to offsets (org.apache.kafka.storage.internals.log.TimeIndex).
// An entry is 12 bytes: timestamp in milliseconds (int64), offset relative to the base offset (int32). An entry (t, o) says that every
// record before o has a timestamp of at most t, and that o has t. Written together with the offset index, and once more when a
// segment is rolled or closed, for its largest timestamp.
import { CorruptFileError } from './corrupt-file.ts'
import { readInt64, writeInt64 } from './int64.ts'
import type { IndexOptions } from './segment-index.ts'
import { SegmentIndex } from './segment-index.ts'

/** A timestamp in milliseconds and the offset of the record that has it. */
export interface TimestampOffset {
  readonly timestamp: number
  readonly offset: number
}

const ENTRY_BYTES = 12
/** Kafka's RecordBatch.NO_TIMESTAMP. */
const NO_TIMESTAMP = -1

const timestampAt = (content: Buffer, slot: number): number => readInt64(content, slot * ENTRY_BYTES)
const relativeAt = (content: Buffer, slot: number): number => content.readInt32BE(slot * ENTRY_BYTES + 8)

export class TimeIndex extends SegmentIndex {
  protected readonly entryBytes = ENTRY_BYTES
  protected readonly keepsEmptyFile = true
  #lastTimestamp = NO_TIMESTAMP
  #lastOffset: number

  constructor(options: IndexOptions) {
    super(options)
    this.#lastOffset = options.baseOffset
  }

  /** The last slot is kept for the entry that is made when the segment is rolled. */
  override get isFull(): boolean {
    return this.entries >= this.maxEntries - 1
  }

  /** Timestamp of the last entry, the largest of all; -1 when there is none. */
  get lastTimestamp(): number {
    this.sanityCheck()
    return this.#lastTimestamp
  }

  /** Offset of the last entry; the base offset when there is none. */
  get lastOffset(): number {
    this.sanityCheck()
    return this.#lastOffset
  }

  /** The entry with the largest timestamp that is not above `timestamp`; timestamp -1 and the base offset when there is none. */
  lookup(timestamp: number): TimestampOffset {
    const slot = this.lastSlotAtMost(timestamp, timestampAt)
    return slot === -1 ? { timestamp: NO_TIMESTAMP, offset: this.baseOffset } : this.entry(slot)
  }

  /** Entry number `slot`, from 0 on. */
  entry(slot: number): TimestampOffset {
    if (slot < 0 || slot >= this.entries) throw new RangeError(`entry ${slot} of ${this.entries} in ${this.path}`)
    return { timestamp: timestampAt(this.content, slot), offset: this.baseOffset + relativeAt(this.content, slot) }
  }

  /**
   * Adds an entry if its timestamp is larger than the last one; an equal one is nothing new. `whenFull` uses the last slot, for the entry
   * of a rolled segment. Throws RangeError when it is full or when timestamp or offset go back: the log must see to both.
   */
  maybeAppend(timestamp: number, offset: number, whenFull = false): void {
    const entries = this.entries
    if (!whenFull && this.isFull) throw new RangeError(`${this.path} is full with ${entries} entries`)
    if (entries > 0 && (offset < this.#lastOffset || timestamp < this.#lastTimestamp)) {
      throw new RangeError(`entry (${timestamp}, ${offset}) after (${this.#lastTimestamp}, ${this.#lastOffset}) in ${this.path}`)
    }
    if (timestamp <= this.#lastTimestamp) return
    if (!this.canAppendOffset(offset)) throw new RangeError(`offset ${offset} does not fit into ${this.path}`)
    const at = this.extend()
    const content = this.content
    writeInt64(content, timestamp, at)
    content.writeInt32BE(offset - this.baseOffset, at + 8)
    this.#lastTimestamp = timestamp
    this.#lastOffset = offset
  }

  /** Removes all entries whose offset is `offset` or above. */
  truncateTo(offset: number): void {
    const kept = this.lastSlotAtMost(offset - this.baseOffset - 1, relativeAt) + 1
    if (kept < this.entries) this.setEntries(kept)
  }

  protected override setEntries(entries: number): void {
    super.setEntries(entries)
    this.#lastTimestamp = entries === 0 ? NO_TIMESTAMP : timestampAt(this.content, entries - 1)
    this.#lastOffset = entries === 0 ? this.baseOffset : this.baseOffset + relativeAt(this.content, entries - 1)
  }

  protected check(content: Buffer, entries: number): void {
    let timestamp = NO_TIMESTAMP
    let relative = 0
    for (let at = 0; at < entries * ENTRY_BYTES; at += ENTRY_BYTES) {
      const nextTimestamp = readInt64(content, at)
      const nextRelative = content.readInt32BE(at + 8)
      if (nextTimestamp <= timestamp || nextRelative < relative) {
        const order = `(${nextTimestamp}, ${nextRelative}) follows (${timestamp}, ${relative})`
        throw new CorruptFileError(this.path, `entry ${at / ENTRY_BYTES} ${order}`)
      }
      timestamp = nextTimestamp
      relative = nextRelative
    }
  }

  /** A file of one entry that is all zero is the entry of a segment whose only timestamp is 0, not an empty index. */
  protected override usedBytes(stored: Buffer): number {
    return stored.length === ENTRY_BYTES ? ENTRY_BYTES : super.usedBytes(stored)
  }
}
