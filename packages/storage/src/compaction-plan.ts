// What of a log is to be compacted, and in which portions (Kafka's LogCleanerManager and LogToClean). A log is clean up to an offset that
// the cleaner's checkpoint tells, dirty from there on, and not to be touched from the segment on that holds its last stable offset, its
// newest records, or that takes appends.

import { BATCH_HEADER_BYTES, int64At } from './bytes.ts'
import { transactionIndex } from './log-producers.ts'
import type { Log } from './log.ts'
import type { Segment } from './segment.ts'
import type { AbortedTransaction } from './transaction-index.ts'

export interface CleanableRange {
  readonly firstDirtyOffset: number
  /** Base offset of the first segment that must stay as it is. */
  readonly firstUncleanableOffset: number
  /** Bytes of the segments before the dirty ones. */
  readonly cleanBytes: number
  readonly cleanableBytes: number
  /** cleanableBytes of both together, 0 where there are none. */
  readonly dirtyRatio: number
  /** How long ago `max.compaction.lag.ms` would have had the dirty part compacted, in milliseconds; 0 when it need not be yet. */
  readonly overdueMs: number
}

/** Segments joined into one at a time: their files are renamed in one turn of the loop. */
const MAX_GROUP_SEGMENTS = 64
const MAX_RELATIVE_OFFSET = 0x7fffffff

/** The offset before which all transactions are settled and everything is replicated. */
const lastStableOffset = (log: Log): number => {
  const { highWatermark, producers } = log
  producers.onHighWatermark(highWatermark)
  const { firstUnstableOffset } = producers
  return firstUnstableOffset < 0 ? highWatermark : Math.min(highWatermark, firstUnstableOffset)
}

/** The offset from which on the log is dirty: what the checkpoint said, if that can be. */
export const firstDirtyOffset = (log: Log): number => {
  const { cleanedOffset, logEndOffset, logStartOffset } = log
  if (cleanedOffset === undefined) return logStartOffset
  if (cleanedOffset > logEndOffset) {
    log.world.logger.warn(
      { folder: log.path, cleanedOffset, logEndOffset },
      'the log ends before the offset up to which it was compacted; it is compacted from its start',
    )
    return logStartOffset
  }
  return Math.max(cleanedOffset, logStartOffset)
}

/** Wall-clock time of the first batch of a segment as far as it tells, -1 where it does not. */
const firstTimestamp = (log: Log, segment: Segment): number => {
  if (!Number.isNaN(segment.rollTimestamp)) return segment.rollTimestamp
  const header = Buffer.alloc(BATCH_HEADER_BYTES)
  const range = { at: 0, length: Math.min(segment.written, BATCH_HEADER_BYTES), position: 0 }
  const count = log.world.openFiles.get(segment.logPath(log.path)).readSync(header, range)
  if (count < BATCH_HEADER_BYTES || header[16] !== 2) return -1
  segment.rollTimestamp = int64At(new DataView(header.buffer, header.byteOffset, header.length), 35)
  return segment.rollTimestamp
}

const isOverdueBy = (log: Log, dirty: readonly Segment[], now: number): number => {
  const { maxCompactionLagMs } = log.config
  if (maxCompactionLagMs >= now) return 0
  const times = dirty.map(segment => firstTimestamp(log, segment)).filter(timestamp => timestamp > 0)
  const earliest = times.reduce((least, timestamp) => Math.min(least, timestamp), Number.POSITIVE_INFINITY)
  return Math.max(0, now - Math.max(0, maxCompactionLagMs) - earliest)
}

const largestTimestamp = (log: Log, segment: Segment): number => {
  const timestamp = segment.maxTimestamp(log.world, log.config)
  segment.unloadIndexes()
  return timestamp >= 0 ? timestamp : (log.world.files.statSync(segment.logPath(log.path))?.modifiedMs ?? segment.createdMs)
}

const bytesOf = (segments: readonly Segment[]): number => segments.reduce((sum, segment) => sum + segment.size, 0)

/** What may be compacted at this wall-clock time. May read index files and load the log's producers. */
export const cleanableRange = (log: Log, now: number): CleanableRange => {
  const { config, segments } = log
  const dirtyFrom = firstDirtyOffset(log)
  const firstDirty = Math.max(0, log.segmentIndexOf(dirtyFrom))
  const inactive = segments.slice(0, -1)
  const dirty = inactive.slice(firstDirty)
  const cleanBytes = bytesOf(inactive.slice(0, firstDirty))
  let until = Math.min(log.active.baseOffset, log.highWatermark)
  const lagMs = Math.max(0, config.minCompactionLagMs)
  const recent = lagMs === 0 ? undefined : dirty.find(segment => largestTimestamp(log, segment) > now - lagMs)
  if (recent !== undefined) until = Math.min(until, recent.baseOffset)
  // The producers of a log where nothing is to be done need not be known.
  if (dirty.length > 0 && until > dirtyFrom) until = Math.min(until, lastStableOffset(log))
  const firstUncleanable = Math.max(0, log.segmentIndexOf(Math.max(until, dirtyFrom)))
  const cleanable = inactive.slice(firstDirty, firstUncleanable)
  const cleanableBytes = bytesOf(cleanable)
  const bytes = cleanBytes + cleanableBytes
  return {
    firstDirtyOffset: dirtyFrom,
    firstUncleanableOffset: log.segmentAt(firstUncleanable).baseOffset,
    cleanBytes,
    cleanableBytes,
    dirtyRatio: bytes === 0 ? 0 : cleanableBytes / bytes,
    overdueMs: isOverdueBy(log, dirty, now),
  }
}

/**
 * Segments from the start of the log to the one before `endOffset`, in groups that make one segment each: together not larger than a
 * segment may be, nor their indexes, and not too far apart for relative offsets. `firstUncleanableOffset` bounds the last one.
 */
export const groupSegments = (log: Log, endOffset: number, firstUncleanableOffset: number): Segment[][] => {
  const { config, path, world } = log
  const sizeOf = (segment: Segment, suffix: string): number => world.files.statSync(segment.pathOf(path, suffix))?.size ?? 0
  const groups: Segment[][] = []
  let room = { log: 0, offsets: 0, times: 0 }
  let group: Segment[] = []
  for (const [index, segment] of log.segments.entries()) {
    if (segment.baseOffset >= Math.min(endOffset, firstUncleanableOffset)) break
    const offsets = sizeOf(segment, '.index')
    const times = sizeOf(segment, '.timeindex')
    const [first] = group
    const lastOffset = Math.min(log.endOffsetOf(index), firstUncleanableOffset) - 1
    const fits =
      first !== undefined &&
      group.length < MAX_GROUP_SEGMENTS &&
      segment.size <= room.log &&
      offsets <= room.offsets &&
      times <= room.times &&
      lastOffset - first.baseOffset <= MAX_RELATIVE_OFFSET
    if (!fits) {
      group = []
      groups.push(group)
      room = { log: config.segmentBytes, offsets: config.segmentIndexBytes, times: config.segmentIndexBytes }
    }
    group.push(segment)
    room.log -= segment.size
    room.offsets -= offsets
    room.times -= times
  }
  return groups
}

/** The aborted transactions that overlap [from, until). */
export const abortedTransactions = (log: Log, from: number, until: number): AbortedTransaction[] => {
  const found: AbortedTransaction[] = []
  for (let index = Math.max(0, log.segmentIndexOf(from)); index < log.segments.length; index++) {
    const { isComplete, transactions } = transactionIndex(log, log.segmentAt(index)).collect(from, until)
    found.push(...transactions)
    if (isComplete) break
  }
  return found
}
