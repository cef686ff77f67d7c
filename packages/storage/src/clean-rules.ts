// Which records and batches of a compacted log stay (Kafka's Cleaner): the last record of each key; tombstones until their delete horizon
// has passed (KIP-534); nothing of aborted transactions; markers while something of their transaction is left, and then until their
// horizon; the last batch of each producer, empty if need be, because its sequence number is needed to tell the next one.

import type { RecordBatch, RecordCursor } from '@ottla/protocol'
import type { PassPace } from './clean-pace.ts'
import { type BatchRules, type CleanResult, cleanBatch } from './clean-records.ts'
import type { CleanTransactions } from './clean-transactions.ts'
import type { KeyOffsetMap } from './key-offset-map.ts'

/** The last that a producer wrote: the batch that ends with this offset, or, where it is -1, the marker with this epoch. */
export interface LastRecord {
  readonly lastDataOffset: number
  readonly producerEpoch: number
}

export interface CleanRules {
  readonly map: KeyOffsetMap
  readonly transactions: CleanTransactions
  /** By producer id. */
  readonly lastRecords: ReadonlyMap<number, LastRecord>
  /** A batch that ends here stays, empty if need be, so that the cleaned part of the log keeps its end. */
  readonly endOffset: number
  /** Wall-clock time of the pass. */
  readonly now: number
  readonly deleteRetentionMs: number
  /** Tombstones of old formats, which have no horizon of their own, go from segments that were not changed since. */
  readonly legacyHorizonMs: number
}

/** Counts of one pass. */
export class CleanCounts {
  bytesMapped = 0
  bytesRead = 0
  bytesWritten = 0
  recordsRead = 0
  recordsWritten = 0
  /** Records without key, which have no place in a compacted log. */
  recordsWithoutKey = 0
}

/** Cleans batches one after the other, in the order of the log. */
export class BatchCleaner implements BatchRules {
  /** Tombstones of old formats stay; set for each segment. */
  keepsLegacyTombstones = true
  keepsEmpty = false
  needsHorizon = false
  readonly newHorizonMs: number
  readonly #rules: CleanRules
  readonly #pace: PassPace
  readonly #counts: CleanCounts
  // Of the batch at hand.
  #drops = false
  #isControl = false
  #isPastHorizon = false

  constructor(rules: CleanRules, pace: PassPace, counts: CleanCounts) {
    this.#rules = rules
    this.#pace = pace
    this.#counts = counts
    this.newHorizonMs = rules.now + rules.deleteRetentionMs
  }

  /** What stays of a batch, see `cleanBatch`. The one before must be done with. */
  clean(batch: RecordBatch): CleanResult | Promise<CleanResult> {
    const rules = this.#rules
    const canDrop = rules.transactions.canDrop(batch)
    this.#isControl = batch.isControl
    this.#isPastHorizon = batch.hasDeleteHorizon && batch.baseTimestamp <= rules.now
    this.#drops = canDrop && (!this.#isControl || this.#isPastHorizon)
    this.keepsEmpty = this.#isLastOfProducer(batch) || batch.nextOffset === rules.endOffset
    this.needsHorizon = canDrop && this.#isControl
    const counts = this.#counts
    counts.recordsRead += Math.max(0, batch.recordsCount)
    if (this.#drops && !this.keepsEmpty) return undefined
    const result = cleanBatch(batch, this, this.#pace)
    return result instanceof Promise ? result.then(known => this.#counted(known)) : this.#counted(result)
  }

  #counted(result: CleanResult): CleanResult {
    if (result !== undefined) {
      this.#counts.recordsWritten += result.records
      this.#counts.bytesWritten += result.batch.sizeInBytes
    }
    return result
  }

  keeps(cursor: RecordCursor, offset: number): boolean {
    if (this.#drops) return false
    if (this.#isControl || offset > this.#rules.map.latestOffset) return true
    const { keyLength } = cursor
    if (keyLength < 0) {
      this.#counts.recordsWithoutKey++
      return false
    }
    if (cursor.valueLength < 0 && this.#isPastHorizon) return false
    return offset >= this.#rules.map.get(cursor.body, cursor.keyAt, keyLength)
  }

  keepsMessage(key: Buffer | null, value: Buffer | null, offset: number): boolean {
    if (offset > this.#rules.map.latestOffset) return true
    if (key === null) {
      this.#counts.recordsWithoutKey++
      return false
    }
    if (value === null && !this.keepsLegacyTombstones) return false
    return offset >= this.#rules.map.get(key, 0, key.length)
  }

  #isLastOfProducer(batch: RecordBatch): boolean {
    const { producerId } = batch
    const last = producerId < 0 ? undefined : this.#rules.lastRecords.get(producerId)
    if (last === undefined) return false
    if (last.lastDataOffset >= 0) return batch.lastOffset === last.lastDataOffset
    return batch.isControl && batch.producerEpoch === last.producerEpoch
  }
}
