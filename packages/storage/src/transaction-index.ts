// `<base offset>.txnindex`: the aborted transactions whose marker lies in the segment (org.apache.kafka.storage.internals.log.TransactionIndex
// and AbortedTxn). An entry is 34 bytes: version 0 (int16), producer id, first offset, offset of the marker, last stable offset at the
// time of the marker (int64 each). There is no file as long as there is no entry.
import { CorruptFileError } from './corrupt-file.ts'
import { readInt64, writeInt64 } from './int64.ts'
import { SegmentIndex } from './segment-index.ts'

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Offset of the abort marker. */
  readonly lastOffset: number
  /** The last stable offset once the marker was written. */
  readonly lastStableOffset: number
}

const ENTRY_BYTES = 34
const VERSION = 0

const lastOffsetAt = (content: Buffer, slot: number): number => readInt64(content, slot * ENTRY_BYTES + 18)
const lastStableOffsetAt = (content: Buffer, slot: number): number => readInt64(content, slot * ENTRY_BYTES + 26)

export class TransactionIndex extends SegmentIndex {
  protected readonly entryBytes = ENTRY_BYTES
  protected readonly keepsEmptyFile = false

  /** It has no limit: a transaction that ends makes one entry, and segments are finite. */
  override get maxEntries(): number {
    return Number.MAX_SAFE_INTEGER
  }

  /** Adds an aborted transaction. Throws RangeError when its marker does not follow the last one's. */
  append(transaction: AbortedTransaction): void {
    const entries = this.entries
    if (entries > 0 && lastOffsetAt(this.content, entries - 1) >= transaction.lastOffset) {
      throw new RangeError(`marker ${transaction.lastOffset} after ${lastOffsetAt(this.content, entries - 1)} in ${this.path}`)
    }
    const at = this.extend()
    const content = this.content
    content.writeInt16BE(VERSION, at)
    writeInt64(content, transaction.producerId, at + 2)
    writeInt64(content, transaction.firstOffset, at + 10)
    writeInt64(content, transaction.lastOffset, at + 18)
    writeInt64(content, transaction.lastStableOffset, at + 26)
  }

  /** Entry number `slot`, from 0 on. */
  entry(slot: number): AbortedTransaction {
    if (slot < 0 || slot >= this.entries) throw new RangeError(`entry ${slot} of ${this.entries} in ${this.path}`)
    const at = slot * ENTRY_BYTES
    const content = this.content
    return {
      producerId: readInt64(content, at + 2),
      firstOffset: readInt64(content, at + 10),
      lastOffset: lastOffsetAt(this.content, slot),
      lastStableOffset: lastStableOffsetAt(this.content, slot),
    }
  }

  /**
   * The aborted transactions that overlap the offsets from `fetchOffset` up to `endOffset` (exclusive). `isComplete` says that later
   * segments cannot hold another one; else the search goes on there.
   */
  collect(fetchOffset: number, endOffset: number): { transactions: AbortedTransaction[]; isComplete: boolean } {
    const transactions: AbortedTransaction[] = []
    const entries = this.entries
    for (let slot = this.lastSlotAtMost(fetchOffset - 1, lastOffsetAt) + 1; slot < entries; slot++) {
      if (readInt64(this.content, slot * ENTRY_BYTES + 10) < endOffset) transactions.push(this.entry(slot))
      if (lastStableOffsetAt(this.content, slot) >= endOffset) return { transactions, isComplete: true }
    }
    return { transactions, isComplete: false }
  }

  /** Removes the transactions whose marker is at `offset` or above. */
  truncateTo(offset: number): void {
    const kept = this.lastSlotAtMost(offset - 1, lastOffsetAt) + 1
    if (kept < this.entries) this.setEntries(kept)
  }

  /** Nothing is preallocated here: zeros at the end are corruption. */
  protected override usedBytes(stored: Buffer): number {
    return stored.length
  }

  protected check(content: Buffer, entries: number): void {
    let lastOffset = this.baseOffset - 1
    for (let at = 0; at < entries * ENTRY_BYTES; at += ENTRY_BYTES) {
      const version = content.readInt16BE(at)
      const first = readInt64(content, at + 10)
      const last = readInt64(content, at + 18)
      if (version !== VERSION) throw new CorruptFileError(this.path, `entry ${at / ENTRY_BYTES} has the unknown version ${version}`)
      if (first < 0 || first > last || last <= lastOffset) {
        throw new CorruptFileError(this.path, `entry ${at / ENTRY_BYTES} (${first} to ${last}) follows a marker at ${lastOffset}`)
      }
      lastOffset = last
    }
  }
}
