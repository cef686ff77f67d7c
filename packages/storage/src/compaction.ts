// One compaction pass over a log (Kafka's Cleaner.doClean): the keys of the dirty part go into a map, then all segments from the start of
// the log on are written anew, several into one, without the records that the map knows a later one for. What is appended meanwhile is none
// of its business: it ends before the last stable offset and before the segment that takes appends. Keys that do not fit into the map are
// left for the next pass.

import type { CleanPace } from './clean-pace.ts'
import { CompactionAborted } from './clean-pace.ts'
import type { CleanCounts, LastRecord } from './clean-rules.ts'
import type { CleanSource } from './clean-segments.ts'
import { type CleanThread, CleanWriteFailed } from './clean-thread.ts'
import { CleanPass, type CleanWork, type PassFacts } from './clean-work.ts'
import { CleanedSegment, removeCleaned, whileSyncing } from './cleaned-segment.ts'
import { abortedTransactions, type CleanableRange, cleanableRange, groupSegments } from './compaction-plan.ts'
import { replaceSegments } from './compaction-swap.ts'
import { type KeyOffsetMapOptions, SLOT_BYTES } from './key-offset-map.ts'
import type { Log } from './log.ts'
import { nodeFiles } from './node-files.ts'
import { asError, codeOf } from './platform-error.ts'
import type { Segment } from './segment.ts'

export interface CompactionOptions {
  readonly pace: CleanPace
  /** Bound of the map's memory: `log.cleaner.dedupe.buffer.size`, shared by the passes that run at a time. Default 128 MiB. */
  readonly dedupeBufferBytes?: number
  /** `log.cleaner.io.buffer.load.factor`, default 0.9. */
  readonly loadFactor?: number
  /** `log.cleaner.io.buffer.size`, shared in the same way; half of it is read at a time. Default 512 KiB. */
  readonly ioBufferBytes?: number
  /** Default: what may be compacted now. */
  readonly range?: CleanableRange
  /** Does the heavy part, for a log on the real disk. Default: it is done here, by turns of the event loop. */
  readonly thread?: CleanThread
}

export interface CompactionResult {
  readonly firstDirtyOffset: number
  /** The log is clean up to here. */
  readonly endOffset: number
  /** Whether keys were left for another pass, for want of room. */
  readonly isPartial: boolean
  /** Keys in the map. */
  readonly keys: number
  readonly counts: CleanCounts
}

export const DEDUPE_BUFFER_BYTES = 128 * 1024 * 1024
export const LOAD_FACTOR = 0.9
export const IO_BUFFER_BYTES = 512 * 1024

const sourceOf = (log: Log, segment: Segment, from: number): CleanSource => {
  const path = segment.logPath(log.path)
  return {
    path,
    baseOffset: segment.baseOffset,
    endOffset: log.endOffsetOf(log.segments.indexOf(segment)),
    size: segment.written,
    from,
    modifiedMs: log.world.files.statSync(path)?.modifiedMs ?? segment.createdMs,
  }
}

/** A map that is large enough for the range, or as large as it may be: there are not more keys than offsets. */
const mapFor = (log: Log, range: CleanableRange, options: CompactionOptions): KeyOffsetMapOptions => {
  const { dedupeBufferBytes = DEDUPE_BUFFER_BYTES, loadFactor = LOAD_FACTOR } = options
  const offsets = range.firstUncleanableOffset - range.firstDirtyOffset
  const wanted = Math.ceil(offsets / loadFactor + 1024) * SLOT_BYTES
  const random = log.world.random.bytes(16)
  const seed = [random.readInt32LE(0), random.readInt32LE(4), random.readInt32LE(8), random.readInt32LE(12)] as const
  return { bytes: Math.min(dedupeBufferBytes, wanted), loadFactor, seed }
}

/** The last that each producer wrote, of those that may be met before `endOffset`. */
const lastRecordsBefore = (log: Log, endOffset: number): Map<number, LastRecord> => {
  const found = new Map<number, LastRecord>()
  for (const { lastOffset, producerEpoch, producerId } of log.producers.entries) {
    if (lastOffset < endOffset) found.set(producerId, { lastDataOffset: lastOffset, producerEpoch })
  }
  return found
}

interface Pass {
  readonly log: Log
  readonly pace: CleanPace
  readonly work: CleanWork
}

/** Writes the segment in the making; in another thread the error says whether the device of the log is to blame. */
const writeGroup = async ({ log, work }: Pass, group: readonly Segment[], cleaned: CleanedSegment): Promise<void> => {
  const last = group.at(-1)
  const lastRecords = lastRecordsBefore(log, last === undefined ? 0 : log.endOffsetOf(log.segments.indexOf(last)))
  const sources = group.map(segment => sourceOf(log, segment, 0))
  try {
    await work.cleanGroup({ sources, lastRecords }, cleaned, cleaned.segment.transactions(log.world))
  } catch (error) {
    if (!(error instanceof CleanWriteFailed)) throw error
    await whileSyncing(log, () => Promise.reject(asError(error.cause)))
  }
}

const compactGroup = async (pass: Pass, group: readonly Segment[]): Promise<void> => {
  const { log, pace } = pass
  const [first] = group
  const last = group.at(-1)
  if (first === undefined || last === undefined) return
  if (group.some(segment => !log.segments.includes(segment))) throw new CompactionAborted('segments were deleted meanwhile')
  const { baseOffset } = first
  const cleaned = await CleanedSegment.begin(log, { baseOffset, createdMs: last.createdMs })
  let isDone = false
  try {
    await writeGroup(pass, group, cleaned)
    pace.check()
    await cleaned.complete()
    pace.check()
    await replaceSegments(log, cleaned.segment, group)
    isDone = true
  } finally {
    cleaned.close()
    // Where an exchange could not be finished the directory is offline, and the next start needs these files.
    if (!isDone && log.directory.failure === undefined && !log.segments.includes(cleaned.segment)) await removeCleaned(log, baseOffset)
  }
}

const factsOf = (log: Log, range: CleanableRange, options: CompactionOptions): PassFacts => {
  const { config, world } = log
  const { firstDirtyOffset, firstUncleanableOffset } = range
  const dirty = log.segments.slice(Math.max(0, log.segmentIndexOf(firstDirtyOffset)), log.segmentIndexOf(firstUncleanableOffset))
  const lastClean = log.segments[log.segmentIndexOf(firstDirtyOffset) - 1]
  return {
    map: mapFor(log, range, options),
    bufferBytes: Math.ceil((options.ioBufferBytes ?? IO_BUFFER_BYTES) / 2),
    dirty: dirty.map(segment =>
      sourceOf(log, segment, segment.baseOffset >= firstDirtyOffset ? 0 : segment.positionFor(world, firstDirtyOffset, config)),
    ),
    startOffset: firstDirtyOffset,
    endOffset: firstUncleanableOffset,
    abortedDirty: abortedTransactions(log, firstDirtyOffset, firstUncleanableOffset),
    aborted: abortedTransactions(log, log.segmentAt(0).baseOffset, firstUncleanableOffset),
    now: world.clock.now(),
    deleteRetentionMs: config.deleteRetentionMs,
    legacyHorizonMs: lastClean === undefined ? 0 : sourceOf(log, lastClean, 0).modifiedMs - config.deleteRetentionMs,
  }
}

const compact = async (log: Log, range: CleanableRange, options: CompactionOptions): Promise<CompactionResult> => {
  const { pace, thread } = options
  const { files } = log.world
  const { firstDirtyOffset, firstUncleanableOffset } = range
  const facts = factsOf(log, range, options)
  const work = thread !== undefined && files === nodeFiles ? thread.begin(facts, pace) : new CleanPass(facts, { files, pace })
  try {
    const { keys, latestOffset } = await work.mapKeys()
    pace.check()
    const endOffset = Math.max(latestOffset + 1, firstDirtyOffset)
    const groups = groupSegments(log, endOffset, firstUncleanableOffset)
    for (const group of groups) await compactGroup({ log, pace, work }, group)
    log.cleanedOffset = endOffset
    return { firstDirtyOffset, endOffset, isPartial: endOffset < firstUncleanableOffset, keys, counts: work.counts }
  } finally {
    work.end()
  }
}

const running = new WeakSet<Log>()

/** See Log.compact. */
export const compactLog = async (log: Log, options: CompactionOptions): Promise<CompactionResult | undefined> => {
  log.ensureUsable()
  if (running.has(log)) throw new CompactionAborted('the log is being compacted already')
  const range = options.range ?? cleanableRange(log, log.world.clock.now())
  if (range.firstUncleanableOffset <= range.firstDirtyOffset) return undefined
  const { generation } = log
  const { baseOffset } = log.segmentAt(0)
  options.pace.isWanted = () => log.usable && log.generation === generation && log.segments[0]?.baseOffset === baseOffset
  running.add(log)
  try {
    options.pace.check()
    return await compact(log, range, options)
  } catch (error) {
    // Files that are deleted, with the log or because it begins later now, may be missed in the middle of whatever was being done.
    if (codeOf(error) !== '') options.pace.check()
    throw error
  } finally {
    running.delete(log)
  }
}
