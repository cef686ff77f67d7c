// Beginning new segments, by the rules of LogSegment.shouldRoll and LocalLog.roll, and the end of a log's work.

import { maxSegmentMs } from './config.ts'
import { requestFlush, startFlush, syncFolders } from './flush.ts'
import { saveProducers, whileWriting } from './log-files.ts'
import type { Log } from './log.ts'
import { BATCH_HEADER_BYTES, int64At } from './bytes.ts'
import { FileWindow } from './scan.ts'
import { Segment, segmentSuffixes } from './segment.ts'

const FIRST_BYTES = 4096

/** What is about to be appended. */
export interface NextBatch {
  readonly size: number
  readonly lastOffset: number
  readonly maxTimestamp: number
}

/** Timestamp of a segment's first batch, from the file. */
const firstTimestampOf = (log: Log, segment: Segment): number => {
  if (segment.written === 0) return -1
  const window = new FileWindow(log.world.openFiles.get(segment.logPath(log.path)), Math.min(segment.written, FIRST_BYTES))
  const at = window.place(0, Math.min(segment.written, BATCH_HEADER_BYTES))
  return at < 0 || window.bytes[at + 16] !== 2 ? -1 : int64At(window.view, at + 35)
}

/** Time that counts towards `segment.ms`: by the records' timestamps where the first batch has one, else by the clock. */
const waitedMs = (log: Log, segment: Segment, maxTimestamp: number): number => {
  if (Number.isNaN(segment.rollTimestamp)) segment.rollTimestamp = firstTimestampOf(log, segment)
  return segment.rollTimestamp >= 0 ? maxTimestamp - segment.rollTimestamp : log.world.clock.now() - segment.createdMs
}

/** Whether the batch belongs into a new segment. */
export const shouldRoll = (log: Log, next: NextBatch): boolean => {
  const { active, config, world } = log
  if (active.size > config.segmentBytes - next.size) return true
  if (!active.holds(next.lastOffset)) return true
  if (active.offsets(world, config).isFull || active.times(world, config).isFull) return true
  return active.size > 0 && waitedMs(log, active, next.maxTimestamp) > maxSegmentMs(config) - active.jitterMs
}

/** A new, empty segment; files that a crash left under its name are removed. */
export const newSegment = (log: Log, baseOffset: number): Segment => {
  const { config, path, world } = log
  const segment = new Segment({
    baseOffset,
    folder: path,
    size: 0,
    createdMs: world.clock.now(),
    jitterMs: Math.floor(world.random.next() * Math.min(config.segmentJitterMs, config.segmentMs)),
    verified: 0,
  })
  for (const suffix of segmentSuffixes) {
    const file = segment.pathOf(path, suffix)
    if (world.files.statSync(file) === undefined) continue
    world.openFiles.drop(file)
    world.files.unlinkSync(file)
  }
  world.openFiles.get(segment.logPath(path), true)
  segment.startIndexes(world, config)
  log.newEntries = true
  return segment
}

/** Begins a new segment at `baseOffset`, which is not below the log's end. The old one is completed, and flushed in the background. */
export const rollLog = (log: Log, baseOffset: number): void => {
  if (!log.writeStaged() && log.writeError !== null) throw log.writeError
  const { active, world } = log
  if (active.size === 0 && active.baseOffset === baseOffset) {
    active.createdMs = world.clock.now()
    active.startIndexes(world, log.config)
    return
  }
  whileWriting(log, () => {
    active.finish(world, log.config)
    log.segments.push(newSegment(log, baseOffset))
    log.rolled.push(active)
    saveProducers(log, baseOffset)
  })
  active.unloadIndexes()
  if (log.logEndOffset < baseOffset) log.logEndOffset = baseOffset
  startFlush(log, Math.min(log.writtenOffset, baseOffset))
}

/**
 * Whether all that the next start trusts is on the device already: nothing was changed since a clean start, or there never was a
 * record. (An empty folder that a power loss takes is made again.)
 */
const isUntouched = (log: Log): boolean => {
  const { active, leaderEpochs, logEndOffset, rolled, segments } = log
  if (!Number.isNaN(active.writtenAt) || rolled.length > 0 || leaderEpochs.unsavedFrom < logEndOffset) return false
  if (logEndOffset === 0) return segments.length === 1
  return log.trusted && !log.newEntries && !log.newFolder && log.newSnapshots === null && !active.indexesLoaded
}

/** See Log.close. */
export const closeLog = async (log: Log): Promise<void> => {
  if (log.closed) return
  if (log.usable) {
    log.writeStaged()
    await requestFlush(log, log.writtenOffset)
  }
  if (log.usable && !isUntouched(log)) {
    whileWriting(log, () => {
      log.active.finish(log.world, log.config)
      if (log.producersLoaded) saveProducers(log, log.logEndOffset)
    })
    log.rolled.push(log.active)
    await syncFolders(log)
  }
  log.closed = true
  if (log.tail !== null) log.world.tails.dropAll(log.tail)
  log.tail = null
  log.world.openFiles.dropFolder(log.path)
}
