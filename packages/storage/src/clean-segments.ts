// The two readings of one compaction pass (Kafka's Cleaner): first the keys of what is dirty go into a map with their last offsets, then
// segments are read from the start of the log and written without the records that a later one replaces. This works on files and
// numbers alone, so that it can as well be done by another thread (clean-thread.ts).

import { openRecords, type RecordBatch, recordsOf } from '@ottla/protocol'
import type { PassPace } from './clean-pace.ts'
import { BatchReader } from './clean-reader.ts'
import type { CleanResult } from './clean-records.ts'
import { BatchCleaner, type CleanCounts, type CleanRules } from './clean-rules.ts'
import type { CleanTransactions } from './clean-transactions.ts'
import type { Files } from './files.ts'
import type { KeyOffsetMap } from './key-offset-map.ts'

/** A segment to be read. */
export interface CleanSource {
  readonly path: string
  readonly baseOffset: number
  /** Where the next segment begins. */
  readonly endOffset: number
  /** Bytes of its file. */
  readonly size: number
  /** Where reading begins: a boundary of batches. */
  readonly from: number
  /** When it was last changed; of interest for messages of old formats only. */
  readonly modifiedMs: number
}

export interface CleanInput {
  readonly files: Files
  readonly pace: PassPace
  /** About how much is read at a time. */
  readonly bufferBytes: number
}

/** Calls `visit` with every batch; `filled` after those of each reading, before their bytes are overwritten. */
const eachBatch = async (
  input: CleanInput,
  source: CleanSource,
  calls: { visit(batch: RecordBatch): Promise<boolean> | boolean; filled?(): void; counted(bytes: number): void },
): Promise<boolean> => {
  const { files, pace } = input
  const file = files.openSync(source.path, 'read')
  try {
    const { baseOffset, from, size } = source
    const reader = new BatchReader(file, { from, until: size, minOffset: baseOffset, bufferBytes: input.bufferBytes })
    for (let bytes = await reader.fill(); bytes > 0; bytes = await reader.fill()) {
      calls.counted(bytes)
      await pace.took(bytes)
      for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
        const going = calls.visit(batch)
        if (!(going === true || (going !== false && (await going)))) return false
        if (pace.isDue) await pace.pause()
      }
      calls.filled?.()
    }
    return true
  } finally {
    file.closeSync()
  }
}

/** Enters the keys of a batch; false when one does not fit, and then `latestOffset` is before its record. */
const enterKeys = (batch: RecordBatch, map: KeyOffsetMap, options: { startOffset: number; pace: PassPace }): boolean | Promise<boolean> => {
  const { pace, startOffset } = options
  if (batch.magic < 2) {
    for (const { key, offset } of recordsOf(batch)) {
      if (key === null || offset < startOffset || map.put(key, { at: 0, length: key.length }, offset)) continue
      map.latestOffset = Math.max(map.latestOffset, offset - 1)
      return false
    }
    return true
  }
  const { baseOffset, recordsCount } = batch
  if (recordsCount === 0) return true
  const cursor = openRecords(batch)
  const { body } = cursor
  const range = { at: 0, length: 0 }
  return pace.inSteps(recordsCount, (from, until) => {
    for (let index = from; index < until; index++) {
      cursor.next()
      const offset = baseOffset + cursor.offsetDelta
      range.at = cursor.keyAt
      range.length = cursor.keyLength
      if (range.length < 0 || offset < startOffset || map.put(body, range, offset)) continue
      map.latestOffset = Math.max(map.latestOffset, offset - 1)
      return false
    }
    return true
  })
}

export interface MapRange {
  readonly startOffset: number
  readonly endOffset: number
  readonly transactions: CleanTransactions
  readonly counts: CleanCounts
}

/**
 * Fills the map with the keys of [startOffset, endOffset), or as many as fit: `map.latestOffset` is the last offset that it knows of.
 * Throws CORRUPT_MESSAGE or INVALID_RECORD for damage, CompactionAborted, or the platform's error.
 */
export const mapKeys = async (input: CleanInput, sources: readonly CleanSource[], map: KeyOffsetMap, range: MapRange): Promise<void> => {
  const { counts, endOffset, startOffset, transactions } = range
  for (const source of sources) {
    const isMapped = await eachBatch(input, source, {
      visit: batch => {
        const isDropped = transactions.canDrop(batch)
        if (batch.lastOffset < startOffset) return true
        if (batch.isControl || isDropped) {
          map.latestOffset = batch.lastOffset
          return true
        }
        const entered = enterKeys(batch, map, { startOffset, pace: input.pace })
        const { lastOffset } = batch
        const told = (isEntered: boolean): boolean => {
          if (isEntered) map.latestOffset = lastOffset
          return isEntered
        }
        return entered instanceof Promise ? entered.then(told) : told(entered)
      },
      counted: bytes => {
        counts.bytesMapped += bytes
      },
    })
    if (!isMapped) return
    map.latestOffset = Math.max(map.latestOffset, Math.min(source.endOffset, endOffset) - 1)
  }
}

/** Where batches go that stay. */
export interface CleanTarget {
  /** The bytes are used before `flush` returns. */
  add(batch: RecordBatch): void
  flush(): void
}

/**
 * Writes what stays of the segments of one group into the target. Throws CORRUPT_MESSAGE or INVALID_RECORD for damage, CompactionAborted,
 * or the platform's error.
 */
export const cleanGroup = async (
  input: CleanInput,
  sources: readonly CleanSource[],
  target: CleanTarget,
  options: { readonly rules: CleanRules; readonly counts: CleanCounts },
): Promise<void> => {
  const { counts, rules } = options
  const cleaner = new BatchCleaner(rules, input.pace, counts)
  const take = (cleaned: CleanResult): boolean => {
    if (cleaned !== undefined) target.add(cleaned.batch)
    return true
  }
  for (const source of sources) {
    cleaner.keepsLegacyTombstones = source.modifiedMs > rules.legacyHorizonMs
    const before = counts.bytesWritten
    await eachBatch(input, source, {
      visit: batch => {
        const cleaned = cleaner.clean(batch)
        return cleaned instanceof Promise ? cleaned.then(take) : take(cleaned)
      },
      filled: () => target.flush(),
      counted: bytes => {
        counts.bytesRead += bytes
      },
    })
    await input.pace.took(counts.bytesWritten - before)
  }
}
