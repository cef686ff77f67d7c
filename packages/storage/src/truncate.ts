// Taking data away: from the end (truncation), from the start (DeleteRecords, retention). Files of deleted segments are renamed at once
// and unlinked later, off the loop; a reader that is under way keeps its handle.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import { settleBelow } from './flush.ts'
import { transactionIndex } from './log-producers.ts'
import type { Log } from './log.ts'
import { whileWriting } from './log-files.ts'
import { asError, codeOf } from './platform-error.ts'
import { deletableSegments } from './retention.ts'
import { newSegment, rollLog } from './roll.ts'
import { batchAt, FileWindow } from './scan.ts'
import { type Segment, segmentSuffixes } from './segment.ts'

/** Ending of files that are about to be unlinked. */
export const DELETED_SUFFIX = '.deleted'

const setAside = (log: Log, path: string): string | undefined => {
  const { files, openFiles } = log.world
  if (files.statSync(path) === undefined) return undefined
  openFiles.drop(path)
  files.renameSync(path, path + DELETED_SUFFIX)
  return path + DELETED_SUFFIX
}

const unlinkLater = (log: Log, paths: readonly string[]): void => {
  const { clock, files, logger } = log.world
  clock.after(log.config.fileDeleteDelayMs, () => {
    for (const path of paths) {
      log.world.background(
        files.unlink(path).catch((error: unknown) => {
          if (codeOf(error) !== 'ENOENT') logger.warn({ file: path, error }, 'a deleted file could not be removed')
        }),
      )
    }
  })
}

/** Renames the files of segments that the log no longer has. */
const deleteFiles = (log: Log, segments: readonly Segment[]): void => {
  const renamed: string[] = []
  for (const segment of segments) {
    for (const suffix of segmentSuffixes) {
      const path = setAside(log, segment.pathOf(log.path, suffix))
      if (path !== undefined) renamed.push(path)
    }
    const snapshot = log.snapshots.release(segment.baseOffset)
    const path = snapshot === undefined ? undefined : setAside(log, snapshot)
    if (path !== undefined) renamed.push(path)
  }
  log.newEntries = true
  unlinkLater(log, renamed)
}

const raiseStart = (log: Log, offset: number): void => {
  if (offset <= log.logStartOffset) return
  log.logStartOffset = offset
  log.leaderEpochs.truncateFromStart(offset)
}

const deleteFirst = (log: Log, count: number): void => {
  if (count === 0) return
  if (count === log.segments.length) rollLog(log, log.logEndOffset)
  const gone = log.segments.splice(0, count)
  raiseStart(log, log.segmentAt(0).baseOffset)
  whileWriting(log, () => deleteFiles(log, gone))
}

/** See Log.deleteOldSegments. */
export const deleteOldSegments = (log: Log, now: number | undefined): number => {
  log.ensureUsable()
  log.writeStaged()
  const { config, highWatermark, logStartOffset, world } = log
  const segments = log.segments.map((segment, index) => ({
    endOffset: log.endOffsetOf(index),
    size: segment.size,
    largestTimestamp: () => {
      const timestamp = segment.maxTimestamp(world, config)
      return timestamp >= 0 ? timestamp : (world.files.statSync(segment.logPath(log.path))?.modifiedMs ?? segment.createdMs)
    },
  }))
  const count = deletableSegments({ segments, config, logStartOffset, highWatermark, now })
  deleteFirst(log, count)
  return count
}

/** See Log.advanceLogStartOffset. */
export const advanceLogStartOffset = (log: Log, offset: number): void => {
  log.ensureUsable()
  if (offset > log.highWatermark || offset < 0) {
    throw new KafkaError(
      ErrorCode.OFFSET_OUT_OF_RANGE,
      `the log start of ${log.topic}-${log.partition} cannot be ${offset}, beyond the high watermark ${log.highWatermark}`,
    )
  }
  if (offset <= log.logStartOffset) return
  raiseStart(log, offset)
  let count = 0
  while (count < log.segments.length - 1 && log.endOffsetOf(count) <= offset) count++
  deleteFirst(log, count)
}

/**
 * Where to cut, and the end of the log then. A batch that holds `offset` goes as a whole, so the end may be lower than asked for (Kafka
 * says `offset` all the same, and has a hole).
 */
const placeToCut = (log: Log, segment: Segment, offset: number): { position: number; endOffset: number } => {
  if (segment.written === 0) return { position: 0, endOffset: offset }
  const window = new FileWindow(log.world.openFiles.get(segment.logPath(log.path)), segment.written)
  let position = segment.positionFor(log.world, offset, log.config)
  while (position < segment.written) {
    const batch = batchAt(window, position, { minOffset: segment.baseOffset, maxOffset: Number.MAX_SAFE_INTEGER })
    if (batch === undefined) break
    if (batch.lastOffset >= offset) return { position, endOffset: Math.min(offset, batch.baseOffset) }
    position += batch.size
  }
  return { position, endOffset: offset }
}

/** The greatest timestamp after a cut: the last entry of the time index, or a batch behind it. */
const findMaxTimestamp = (log: Log, segment: Segment): void => {
  const { config, world } = log
  const times = segment.times(world, config)
  segment.setMaxTimestamp(times.lastTimestamp, times.lastOffset)
  if (segment.written === 0) return
  const window = new FileWindow(world.openFiles.get(segment.logPath(log.path)), segment.written)
  let position = segment.positionFor(world, times.lastOffset, config)
  let greatest = times.lastTimestamp
  while (position < segment.written) {
    const batch = batchAt(window, position, { minOffset: segment.baseOffset, maxOffset: Number.MAX_SAFE_INTEGER })
    if (batch === undefined) return
    if (batch.maxTimestamp > greatest) {
      greatest = batch.maxTimestamp
      segment.setMaxTimestamp(greatest, batch.lastOffset)
    }
    position += batch.size
  }
}

const cutSegment = (log: Log, segment: Segment, cut: { position: number; endOffset: number }): void => {
  const { config, path, world } = log
  const { position, endOffset: offset } = cut
  segment.offsets(world, config).truncateTo(offset)
  segment.times(world, config).truncateTo(offset)
  transactionIndex(log, segment).truncateTo(offset)
  segment.saveIndexes()
  world.openFiles.get(segment.logPath(path)).truncateSync(position)
  segment.size = position
  segment.written = position
  segment.verified = Math.min(segment.verified, position)
  segment.trustedFrom = Math.min(segment.trustedFrom, position)
  segment.bytesSinceIndex = Number.NaN
  if (position === 0) {
    segment.rollTimestamp = -1
    segment.createdMs = world.clock.now()
  }
  findMaxTimestamp(log, segment)
}

/** What every truncation begins with: nothing staged, no flush that would count, a recovery point that is not too high. */
const prepare = async (log: Log, offset: number): Promise<void> => {
  log.ensureUsable()
  log.writeStaged()
  log.generation++
  log.flushedOffset = Math.min(log.flushedOffset, offset)
  log.flushWanted = Math.min(log.flushWanted, offset)
  if (log.checkpointedOffset > offset) await log.world.lowerRecoveryPoint(log, offset)
  log.ensureUsable()
}

/** A cut that came undone after a power loss could mix old batches with new ones. */
export const makeDurable = async (log: Log): Promise<void> => {
  try {
    const pinned = log.world.openFiles.pin(log.active.logPath(log.path))
    try {
      await pinned.file.datasync()
    } finally {
      pinned.unpin()
    }
    await log.world.folderSyncs.sync(log.path)
  } catch (error) {
    log.world.deviceFailed(log.directory, asError(error))
    log.ensureUsable()
  }
}

const forgetFrom = (log: Log, offset: number): void => {
  if (log.tail !== null) log.world.tails.dropAll(log.tail)
  log.tail = null
  log.generation++
  log.logEndOffset = offset
  log.writtenOffset = offset
  log.flushedOffset = Math.min(log.flushedOffset, offset)
  log.snapshots.removeFrom(offset + 1)
  log.forgetProducers()
  settleBelow(log, offset)
}

/** See Log.truncateTo. */
export const truncateTo = async (log: Log, offset: number): Promise<void> => {
  log.ensureUsable()
  log.writeStaged()
  if (offset >= log.logEndOffset) {
    log.leaderEpochs.truncateFromEnd(log.logEndOffset)
    return
  }
  if (offset < log.segmentAt(0).baseOffset) {
    await truncateFullyAndStartAt(log, offset)
    return
  }
  const index = log.segmentIndexOf(offset)
  const cut = placeToCut(log, log.segmentAt(index), offset)
  const { endOffset } = cut
  await prepare(log, endOffset)
  whileWriting(log, () => {
    deleteFiles(log, log.segments.splice(index + 1))
    cutSegment(log, log.active, cut)
  })
  log.leaderEpochs.truncateFromEnd(endOffset)
  log.logStartOffset = Math.min(log.logStartOffset, endOffset)
  log.highWatermark = Math.min(log.highWatermark, endOffset)
  forgetFrom(log, endOffset)
  await makeDurable(log)
}

/** See Log.truncateFullyAndStartAt. */
export const truncateFullyAndStartAt = async (log: Log, offset: number): Promise<void> => {
  await prepare(log, Math.min(offset, log.logStartOffset))
  whileWriting(log, () => {
    deleteFiles(log, log.segments.splice(0))
    log.segments.push(newSegment(log, offset))
  })
  log.leaderEpochs.clear()
  forgetFrom(log, offset)
  log.snapshots.removeFrom(0)
  log.logStartOffset = offset
  log.highWatermark = offset
  log.flushedOffset = offset
  await makeDurable(log)
}
