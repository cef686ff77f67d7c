// One compaction pass over a log (Kafka's Cleaner.doClean): the keys of the dirty part go into a map, then all segments from the start of
// the log on are written anew, several into one, without the records that the map knows a later one for. What is appended meanwhile is none
// of its business: it ends before the last stable offset and before the segment that takes appends. Keys that do not fit into the map are
// left for the next pass.

import type { CleanPace } from './clean-pace.ts'
import { CompactionAborted } from './clean-pace.ts'
import { CleanCounts, type CleanRules, type LastRecord } from './clean-rules.ts'
import { type CleanInput, cleanGroup, type CleanSource, mapKeys } from './clean-segments.ts'
import { CleanTransactions } from './clean-transactions.ts'
import { CleanedSegment, removeCleaned } from './cleaned-segment.ts'
import { abortedTransactions, type CleanableRange, cleanableRange, groupSegments } from './compaction-plan.ts'
import { replaceSegments } from './compaction-swap.ts'
import { KeyOffsetMap, SLOT_BYTES } from './key-offset-map.ts'
import type { Log } from './log.ts'
import { codeOf } from './platform-error.ts'
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
const mapFor = (log: Log, range: CleanableRange, options: CompactionOptions): KeyOffsetMap => {
  const { dedupeBufferBytes = DEDUPE_BUFFER_BYTES, loadFactor = LOAD_FACTOR } = options
  const offsets = range.firstUncleanableOffset - range.firstDirtyOffset
  const wanted = Math.ceil(offsets / loadFactor + 1024) * SLOT_BYTES
  return new KeyOffsetMap({ bytes: Math.min(dedupeBufferBytes, wanted), loadFactor, seed: log.world.random.bytes(4).readInt32BE(0) })
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
  readonly input: CleanInput
  readonly rules: Omit<CleanRules, 'lastRecords'>
  readonly counts: CleanCounts
}

const compactGroup = async (pass: Pass, group: readonly Segment[]): Promise<void> => {
  const { counts, input, log, rules } = pass
  const [first] = group
  const last = group.at(-1)
  if (first === undefined || last === undefined) return
  if (group.some(segment => !log.segments.includes(segment))) throw new CompactionAborted('segments were deleted meanwhile')
  const { baseOffset } = first
  const sources = group.map(segment => sourceOf(log, segment, 0))
  const cleaned = await CleanedSegment.begin(log, { baseOffset, createdMs: last.createdMs })
  let isDone = false
  try {
    rules.transactions.index = cleaned.segment.transactions(log.world)
    const lastRecords = lastRecordsBefore(log, log.endOffsetOf(log.segments.indexOf(last)))
    await cleanGroup(input, sources, cleaned, { rules: { ...rules, lastRecords }, counts })
    await cleaned.complete()
    input.pace.check()
    await replaceSegments(log, cleaned.segment, group)
    isDone = true
  } finally {
    cleaned.close()
    // Where an exchange could not be finished the directory is offline, and the next start needs these files.
    if (!isDone && log.directory.failure === undefined && !log.segments.includes(cleaned.segment)) await removeCleaned(log, baseOffset)
  }
}

const compact = async (log: Log, range: CleanableRange, options: CompactionOptions): Promise<CompactionResult> => {
  const { config, world } = log
  const { pace } = options
  const { firstDirtyOffset, firstUncleanableOffset } = range
  const input: CleanInput = { files: world.files, pace, bufferBytes: Math.ceil((options.ioBufferBytes ?? IO_BUFFER_BYTES) / 2) }
  const counts = new CleanCounts()
  const map = mapFor(log, range, options)
  const now = world.clock.now()
  const dirty = log.segments.slice(Math.max(0, log.segmentIndexOf(firstDirtyOffset)), log.segmentIndexOf(firstUncleanableOffset))
  const lastClean = log.segments[log.segmentIndexOf(firstDirtyOffset) - 1]
  const legacyHorizonMs = lastClean === undefined ? 0 : sourceOf(log, lastClean, 0).modifiedMs - config.deleteRetentionMs
  const sources = dirty.map(segment =>
    sourceOf(log, segment, segment.baseOffset >= firstDirtyOffset ? 0 : segment.positionFor(world, firstDirtyOffset, config)),
  )
  await mapKeys(input, sources, map, {
    startOffset: firstDirtyOffset,
    endOffset: firstUncleanableOffset,
    transactions: new CleanTransactions(abortedTransactions(log, firstDirtyOffset, firstUncleanableOffset)),
    counts,
  })
  const endOffset = Math.max(map.latestOffset + 1, firstDirtyOffset)
  const groups = groupSegments(log, endOffset, firstUncleanableOffset)
  const transactions = new CleanTransactions(abortedTransactions(log, log.segmentAt(0).baseOffset, firstUncleanableOffset))
  const rules = { map, transactions, endOffset: firstUncleanableOffset, now, deleteRetentionMs: config.deleteRetentionMs, legacyHorizonMs }
  for (const group of groups) await compactGroup({ log, input, rules, counts }, group)
  log.cleanedOffset = endOffset
  return { firstDirtyOffset, endOffset, isPartial: endOffset < firstUncleanableOffset, keys: map.size, counts }
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
