// Opening the log of one partition (Kafka's LogLoader). After a clean stop the files are trusted and hardly read; otherwise every
// segment that reaches past the recovery point is checked and cut to its longest valid prefix.

import type { LogConfig } from './config.ts'
import { CorruptFileError } from './corrupt-file.ts'
import { LEADER_EPOCH_CHECKPOINT, LeaderEpochs, readLeaderEpochs } from './leader-epochs.ts'
import { Log } from './log.ts'
import type { DirectoryState, LogWorld } from './log-world.ts'
import { PARTITION_METADATA, readPartitionMetadata } from './partition-metadata.ts'
import { recoverSegment } from './recover-segment.ts'
import { newSegment } from './roll.ts'
import { batchAt, FileWindow } from './scan.ts'
import { finishSwaps } from './swap-files.ts'
import { Segment, segmentFileName, segmentSuffixes } from './segment.ts'

export interface OpenOptions {
  readonly world: LogWorld
  readonly directory: DirectoryState
  readonly path: string
  readonly topic: string
  readonly partition: number
  /** Used where the folder does not say. */
  readonly topicId: string
  readonly config: LogConfig
  /** Whether everything was flushed before the last stop. */
  readonly clean: boolean
  /** From the checkpoint files; 0 where they do not say. */
  readonly recoveryPoint: number
  readonly logStartOffset: number
  readonly highWatermark: number
  /** The folder was made just now. */
  readonly created: boolean
}

/** Below this size the end of a segment is found without its index. */
const WITHOUT_INDEX_BYTES = 64 * 1024
const LOG_FILE = /^\d{20}\.log$/
const INDEX_FILE = /^\d{20}\.(?:index|timeindex|txnindex)$/

const removeLeftovers = (options: OpenOptions, names: readonly string[]): void => {
  const { path, world } = options
  const logs = new Set(names.filter(name => LOG_FILE.test(name)))
  for (const name of names) {
    const orphan = INDEX_FILE.test(name) && !logs.has(`${name.slice(0, 20)}.log`)
    if (orphan) world.logger.warn({ file: `${path}/${name}` }, 'an index without its segment was removed')
    if (!orphan && !name.endsWith('.deleted')) continue
    const file = `${path}/${name}`
    world.background(
      world.files.unlink(file).catch((error: unknown) => world.logger.warn({ file, error }, 'a file to be deleted could not be removed')),
    )
  }
}

const loadSegments = (options: OpenOptions, names: readonly string[]): Segment[] => {
  const { path, world } = options
  const bases = names.filter(name => LOG_FILE.test(name)).map(name => Number(name.slice(0, 20)))
  bases.sort((a, b) => a - b)
  return bases.map(baseOffset => {
    const facts = world.files.statSync(`${path}/${segmentFileName(baseOffset, '.log')}`)
    const size = facts?.size ?? 0
    const jitterMs = Math.floor(world.random.next() * Math.min(options.config.segmentJitterMs, options.config.segmentMs))
    return new Segment({ baseOffset, folder: path, size, createdMs: facts?.modifiedMs ?? world.clock.now(), jitterMs, verified: 0 })
  })
}

/** The end of a segment by the headers behind its last index entry; undefined when they do not reach the end of the file. */
const endOfSegment = (options: OpenOptions, segment: Segment): number | undefined => {
  const { config, path, world } = options
  if (segment.size === 0) return segment.baseOffset
  let position = 0
  if (segment.size > WITHOUT_INDEX_BYTES) {
    const offsets = segment.offsets(world, config)
    if (offsets.entries > 0) position = offsets.entry(offsets.entries - 1).position
  }
  const file = world.files.openSync(segment.logPath(path), 'read')
  try {
    const window = new FileWindow(file, segment.size)
    let nextOffset = segment.baseOffset
    while (position < segment.size) {
      const batch = batchAt(window, position, { minOffset: nextOffset, maxOffset: Number.MAX_SAFE_INTEGER })
      if (batch === undefined) return undefined
      nextOffset = batch.lastOffset + 1
      position += batch.size
    }
    return nextOffset
  } finally {
    file.closeSync()
  }
}

const readEpochs = (options: OpenOptions): LeaderEpochs | undefined => {
  const path = `${options.path}/${LEADER_EPOCH_CHECKPOINT}`
  try {
    return readLeaderEpochs(options.world.files, path)
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error
    options.world.logger.error({ file: path, error: error.message }, 'leader epochs are damaged and made anew from the log')
    return undefined
  }
}

const readTopicId = (options: OpenOptions): string => {
  const path = `${options.path}/${PARTITION_METADATA}`
  try {
    return readPartitionMetadata(options.world.files, path)?.topicId ?? options.topicId
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error
    options.world.logger.error({ file: path, error: error.message }, 'the topic id is damaged; the one known otherwise counts')
    return options.topicId
  }
}

const removeSegment = (options: OpenOptions, segment: Segment): void => {
  const { path, world } = options
  for (const suffix of segmentSuffixes) {
    const file = segment.pathOf(path, suffix)
    if (world.files.statSync(file) === undefined) continue
    world.openFiles.drop(file)
    world.files.renameSync(file, `${file}.deleted`)
    const removed = `${file}.deleted`
    world.background(
      world.files
        .unlink(removed)
        .catch((error: unknown) => world.logger.warn({ file: removed, error }, 'a deleted segment could not be removed')),
    )
  }
}

interface Recovered {
  readonly endOffset: number
  /** Whether something was cut or removed. */
  readonly shortened: boolean
}

/** Checks what an unclean stop may have torn. Segments behind a cut are removed. */
const recoverSegments = (options: OpenOptions, segments: Segment[], epochs: LeaderEpochs): Recovered => {
  const { config, path, recoveryPoint, world } = options
  let nextOffset = 0
  let shortened = false
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1]
    // One that ends at the recovery point may have been rolled after that was written down: its indexes need not be complete.
    if (next !== undefined && next.baseOffset < recoveryPoint) continue
    const recovered = recoverSegment(segment, { world, folder: path, config, recoveryPoint, epochs })
    nextOffset = recovered.nextOffset
    shortened ||= recovered.cutBytes > 0
    // Compaction leaves gaps, and where it was at work once they stay, whatever the policy is now. What lies below the recovery point was
    // flushed without a hole; above it, a gap in a log that is not compacted is what an interrupted truncation or a lost end left behind.
    const mayHaveGap = next !== undefined && (config.cleanupPolicy.compact || next.baseOffset <= recoveryPoint)
    const gap = next !== undefined && (nextOffset > next.baseOffset || (nextOffset < next.baseOffset && !mayHaveGap))
    if (next === undefined || (recovered.cutBytes === 0 && !gap)) continue
    world.logger.warn(
      { folder: path, offset: nextOffset, segments: segments.length - index - 1 },
      'segments behind a torn one were removed',
    )
    for (const lost of segments.splice(index + 1)) removeSegment(options, lost)
    shortened = true
  }
  const endOffset = Math.max(nextOffset, recoveryPoint > nextOffset ? endBelow(segments, recoveryPoint, nextOffset) : 0)
  return { endOffset, shortened }
}

/** A log whose end was damaged or lost below the recovery point goes on at the recovery point, so that no offset is given twice. */
const endBelow = (segments: readonly Segment[], recoveryPoint: number, nextOffset: number): number => {
  const last = segments.at(-1)
  return last !== undefined && recoveryPoint >= last.baseOffset ? recoveryPoint : nextOffset
}

/** Indexes of segments that are taken as they are, but for ones that are missing. */
const rebuildMissingIndexes = (options: OpenOptions, segments: readonly Segment[], names: readonly string[]): void => {
  const present = new Set(names)
  for (const segment of segments) {
    if (segment.size === 0) continue
    if (present.has(segmentFileName(segment.baseOffset, '.index')) && present.has(segmentFileName(segment.baseOffset, '.timeindex')))
      continue
    const { config, path, world } = options
    world.logger.warn({ file: segment.logPath(path) }, 'the index of a segment is missing and made anew')
    recoverSegment(segment, { world, folder: path, config, recoveryPoint: Number.POSITIVE_INFINITY, epochs: new LeaderEpochs() })
  }
}

const findEnd = (options: OpenOptions, segments: readonly Segment[], epochs: LeaderEpochs): number => {
  const last = segments.at(-1)
  if (last === undefined) return options.logStartOffset
  try {
    const end = endOfSegment(options, last)
    if (end !== undefined) return end
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error
    options.world.logger.warn({ file: error.path, error: error.message }, 'an index is damaged and made anew')
  }
  const { config, path, recoveryPoint, world } = options
  const { nextOffset } = recoverSegment(last, { world, folder: path, config, recoveryPoint, epochs })
  return Math.max(nextOffset, recoveryPoint)
}

/** Leader epochs by the batches of all segments. */
const epochsOfLog = (options: OpenOptions, segments: readonly Segment[]): LeaderEpochs => {
  const epochs = new LeaderEpochs()
  for (const segment of segments) {
    const { config, path, world } = options
    recoverSegment(segment, { world, folder: path, config, recoveryPoint: Number.POSITIVE_INFINITY, epochs })
  }
  return epochs
}

/** The producers at the end of the log, and the transaction indexes of the segments that were checked, from their batches. */
const rebuildProducers = (log: Log, recoveryPoint: number): void => {
  const checked = log.segments.filter((_, index) => log.endOffsetOf(index) >= recoveryPoint)
  const [first] = checked
  if (first === undefined || log.logEndOffset === log.segmentAt(0).baseOffset) return
  for (const segment of checked) segment.transactions(log.world).reset()
  log.snapshots.removeFrom(first.baseOffset + 1)
  log.loadProducers()
  for (const segment of checked) segment.saveIndexes()
}

/**
 * Opens or makes the log in a folder that exists. What recovery cut is not durably gone before `makeDurable` of the log (`shortened`
 * says so). Throws the platform's error, or CorruptFileError for a file that cannot be made anew.
 */
export const openLog = (options: OpenOptions): Log => {
  const { clean, config, directory, partition, path, topic, world } = options
  const names = options.created ? [] : finishSwaps(world.files, path, world.files.listSync(path))
  removeLeftovers(options, names)
  const segments = loadSegments(options, names)
  const known = readEpochs(options)
  const epochs = known ?? epochsOfLog(options, segments)
  let logEndOffset = options.logStartOffset
  let shortened = false
  if (segments.length > 0) {
    if (clean) rebuildMissingIndexes(options, segments, names)
    else
      rebuildMissingIndexes(
        options,
        segments.filter((_, index) => (segments[index + 1]?.baseOffset ?? Number.MAX_SAFE_INTEGER) <= options.recoveryPoint),
        names,
      )
    if (clean) {
      logEndOffset = findEnd(options, segments, epochs)
    } else {
      const recovered = recoverSegments(options, segments, epochs)
      logEndOffset = recovered.endOffset
      shortened = recovered.shortened
    }
  }
  if (logEndOffset < options.logStartOffset) {
    world.logger.warn(
      { folder: path, logEndOffset, logStartOffset: options.logStartOffset },
      'the log ends before its start offset; it is emptied',
    )
    for (const segment of segments.splice(0)) removeSegment(options, segment)
    epochs.clear()
    logEndOffset = options.logStartOffset
    shortened = true
  }
  const first = segments[0]
  const logStartOffset = Math.max(options.logStartOffset, first?.baseOffset ?? 0)
  epochs.truncateFromEnd(logEndOffset)
  epochs.truncateFromStart(logStartOffset)
  const log = new Log({
    world,
    directory,
    path,
    topic,
    partition,
    topicId: options.created ? options.topicId : readTopicId(options),
    config,
    segments,
    logStartOffset,
    logEndOffset,
    flushedOffset: clean ? logEndOffset : Math.min(options.recoveryPoint, logEndOffset),
    highWatermark: Math.max(logStartOffset, Math.min(options.highWatermark, logEndOffset)),
    leaderEpochs: epochs,
    trusted: clean,
    created: options.created,
  })
  if (!clean) {
    // What a process that was killed had written may not be on the device yet, nor the names of its files.
    log.newEntries = true
    log.newFolder = true
    log.shortened = shortened
    rebuildProducers(log, options.recoveryPoint)
    log.rolled.push(...segments.slice(0, -1).filter((_, index) => log.endOffsetOf(index) >= options.recoveryPoint))
  }
  if (segments.length === 0) segments.push(newSegment(log, logEndOffset))
  return log
}
