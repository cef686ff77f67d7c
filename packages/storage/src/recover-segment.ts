// Recovery of one segment: its batches are checked one by one, its indexes made anew, and what does not belong to the longest valid
// prefix is cut (LogSegment.recover). But nothing below the recovery point is ever cut: it was on the device once, so damage there is
// not a torn tail. Such bytes stay, their offsets are answered with CORRUPT_MESSAGE, and the log goes on behind them.

import type { LogConfig } from './config.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogWorld } from './log-world.ts'
import { MAX_RELATIVE_OFFSET } from './segment-index.ts'
import { batchAt, FileWindow, isIntact, nextIntact, type ScannedBatch } from './scan.ts'
import type { Segment } from './segment.ts'

export interface RecoverOptions {
  readonly world: LogWorld
  readonly folder: string
  readonly config: LogConfig
  /** Nothing below is cut; Infinity only rebuilds indexes. */
  readonly recoveryPoint: number
  readonly epochs: LeaderEpochs
}

export interface RecoveredSegment {
  /** The offset after the last batch. */
  readonly nextOffset: number
  /** Bytes cut from the end. */
  readonly cutBytes: number
}

class Rebuild {
  readonly segment: Segment
  readonly options: RecoverOptions
  #position = 0
  #lastIndexed = 0
  #maxTimestamp = -1
  #maxTimestampOffset: number
  nextOffset: number

  constructor(segment: Segment, options: RecoverOptions) {
    this.segment = segment
    this.options = options
    this.nextOffset = segment.baseOffset
    this.#maxTimestampOffset = segment.baseOffset
    const { world, config } = options
    segment.startIndexes(world, config)
  }

  add(batch: ScannedBatch): void {
    const { segment, options } = this
    const { world, config, epochs } = options
    if (batch.maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = batch.maxTimestamp
      this.#maxTimestampOffset = batch.lastOffset
    }
    if (batch.position === 0) segment.rollTimestamp = batch.maxTimestamp
    const offsets = segment.offsets(world, config)
    const times = segment.times(world, config)
    if (batch.position - this.#lastIndexed > config.indexIntervalBytes && !offsets.isFull && !times.isFull) {
      offsets.append(batch.lastOffset, batch.position)
      times.maybeAppend(this.#maxTimestamp, this.#maxTimestampOffset)
      this.#lastIndexed = batch.position
    }
    this.#position = batch.position + batch.size
    this.nextOffset = batch.lastOffset + 1
    if (batch.leaderEpoch >= 0 && batch.leaderEpoch > epochs.latestEpoch) epochs.assign(batch.leaderEpoch, batch.baseOffset)
  }

  finish(size: number, verified: number): void {
    const { segment, options } = this
    segment.size = size
    segment.written = size
    segment.verified = verified
    segment.trustedFrom = size
    segment.bytesSinceIndex = this.#position - this.#lastIndexed
    segment.setMaxTimestamp(this.#maxTimestamp, this.#maxTimestampOffset)
    if (size > 0 || this.#hasIndexes()) segment.finish(options.world, options.config)
  }

  /** An empty segment needs no index files: those of thousands of idle partitions take seconds to make. */
  #hasIndexes(): boolean {
    const { segment, options } = this
    const { files } = options.world
    return ['.index', '.timeindex', '.txnindex'].some(suffix => (files.statSync(segment.pathOf(options.folder, suffix))?.size ?? 0) > 0)
  }
}

/** Recovers a segment whose file has `segment.size` bytes. Throws the platform's error. */
export const recoverSegment = (segment: Segment, options: RecoverOptions): RecoveredSegment => {
  const { folder, recoveryPoint, world } = options
  const path = segment.logPath(folder)
  const file = world.openFiles.get(path)
  const fileBytes = segment.size
  const window = new FileWindow(file, fileBytes)
  const rebuild = new Rebuild(segment, options)
  const maxOffset = Math.min(segment.baseOffset + MAX_RELATIVE_OFFSET, Number.MAX_SAFE_INTEGER)
  let position = 0
  let verified = -1
  const damage = (at: number): void => {
    if (verified < 0) verified = at
    world.logger.error({ file: path, position: at, offset: rebuild.nextOffset }, 'damaged bytes below the recovery point: left as they are')
  }
  const cutAt = (at: number): RecoveredSegment => {
    world.logger.warn(
      { file: path, position: at, cutBytes: fileBytes - at, offset: rebuild.nextOffset },
      'the torn end of a segment was cut',
    )
    file.truncateSync(at)
    rebuild.finish(at, verified < 0 ? at : verified)
    return { nextOffset: rebuild.nextOffset, cutBytes: fileBytes - at }
  }
  while (position < fileBytes) {
    const bounds = { minOffset: rebuild.nextOffset, maxOffset }
    const batch = batchAt(window, position, bounds)
    if (batch !== undefined && isIntact(window, batch)) {
      rebuild.add(batch)
      position += batch.size
      continue
    }
    if (rebuild.nextOffset >= recoveryPoint) return cutAt(position)
    damage(position)
    // The recovery point is the end of a batch, so a header that reaches over it is damaged itself.
    const after =
      batch && batch.lastOffset < recoveryPoint
        ? batchAt(window, position + batch.size, { minOffset: batch.lastOffset + 1, maxOffset })
        : undefined
    const atEnd = batch !== undefined && batch.lastOffset < recoveryPoint && position + batch.size === fileBytes
    if (batch !== undefined && (atEnd || (after !== undefined && isIntact(window, after)))) {
      rebuild.add(batch)
      position += batch.size
      continue
    }
    const next = nextIntact(window, position + 1, bounds)
    if (next === undefined || next.baseOffset > recoveryPoint) {
      if (Number.isFinite(recoveryPoint)) rebuild.nextOffset = recoveryPoint
      if (next !== undefined) return cutAt(next.position)
      break
    }
    position = next.position
  }
  rebuild.finish(fileBytes, verified < 0 ? fileBytes : verified)
  return { nextOffset: rebuild.nextOffset, cutBytes: 0 }
}
