// `<base offset>.index`: from offsets to positions in the segment (org.apache.kafka.storage.internals.log.OffsetIndex).
// An entry is 8 bytes: offset relative to the base offset (int32), position in the `.log` file (int32). About one for each
// `index.interval.bytes` of log, so a reader scans from the position found.
import { CorruptFileError } from './corrupt-file.ts'
import { SegmentIndex } from './segment-index.ts'

/** An offset and the position of its batch in the segment, in bytes. */
export interface OffsetPosition {
  readonly offset: number
  readonly position: number
}

const ENTRY_BYTES = 8

const relativeAt = (content: Buffer, slot: number): number => content.readInt32BE(slot * ENTRY_BYTES)
const positionAt = (content: Buffer, slot: number): number => content.readInt32BE(slot * ENTRY_BYTES + 4)

export class OffsetIndex extends SegmentIndex {
  protected readonly entryBytes = ENTRY_BYTES
  protected readonly keepsEmptyFile = true
  #lastOffset = -1

  /** Offset of the last entry; the base offset when there is none. */
  get lastOffset(): number {
    return this.entries === 0 ? this.baseOffset : this.#lastOffset
  }

  /** The entry with the largest offset that is not above `offset`; the start of the segment when there is none. */
  lookup(offset: number): OffsetPosition {
    const slot = this.lastSlotAtMost(offset - this.baseOffset, relativeAt)
    return slot === -1 ? { offset: this.baseOffset, position: 0 } : this.entry(slot)
  }

  /** The first entry at `position` or behind it: an upper bound for the offsets before that position. */
  upperBound(position: number): OffsetPosition | undefined {
    const slot = this.lastSlotAtMost(position - 1, positionAt) + 1
    return slot === this.entries ? undefined : this.entry(slot)
  }

  /** Entry number `slot`, from 0 on. */
  entry(slot: number): OffsetPosition {
    if (slot < 0 || slot >= this.entries) throw new RangeError(`entry ${slot} of ${this.entries} in ${this.path}`)
    return { offset: this.baseOffset + relativeAt(this.content, slot), position: positionAt(this.content, slot) }
  }

  /** Adds an entry. Throws RangeError when it is full, or when the offset does not follow the last one: the log must see to both. */
  append(offset: number, position: number): void {
    if (this.isFull) throw new RangeError(`${this.path} is full with ${this.entries} entries`)
    if (!this.canAppendOffset(offset)) throw new RangeError(`offset ${offset} does not fit into ${this.path}`)
    if (this.entries > 0 && offset <= this.#lastOffset) throw new RangeError(`offset ${offset} after ${this.#lastOffset} in ${this.path}`)
    const at = this.extend()
    const content = this.content
    content.writeInt32BE(offset - this.baseOffset, at)
    content.writeInt32BE(position, at + 4)
    this.#lastOffset = offset
  }

  /** Removes all entries from `offset` on. */
  truncateTo(offset: number): void {
    const kept = this.lastSlotAtMost(offset - this.baseOffset - 1, relativeAt) + 1
    if (kept < this.entries) this.setEntries(kept)
  }

  /** As the base class; given the size of the segment, an entry behind its end is corruption too. */
  override sanityCheck(segmentBytes?: number): void {
    super.sanityCheck()
    const last = this.entries - 1
    if (segmentBytes === undefined || last < 0 || positionAt(this.content, last) < segmentBytes) return
    throw new CorruptFileError(
      this.path,
      `the last entry points to ${positionAt(this.content, last)}, the segment has ${segmentBytes} bytes`,
    )
  }

  protected override setEntries(entries: number): void {
    super.setEntries(entries)
    this.#lastOffset = entries === 0 ? -1 : this.baseOffset + relativeAt(this.content, entries - 1)
  }

  protected check(content: Buffer, entries: number): void {
    let relative = -1
    let position = -1
    for (let at = 0; at < entries * ENTRY_BYTES; at += ENTRY_BYTES) {
      const nextRelative = content.readInt32BE(at)
      const nextPosition = content.readInt32BE(at + 4)
      if (nextRelative <= relative || nextPosition <= position) {
        throw new CorruptFileError(
          this.path,
          `entry ${at / ENTRY_BYTES} (${nextRelative}, ${nextPosition}) follows (${relative}, ${position})`,
        )
      }
      relative = nextRelative
      position = nextPosition
    }
  }
}
