// Appending. A batch gets its offsets and is staged at once, so that the next one can follow; bytes reach the file together with
// those of the other batches of the turn. Batches too large to be worth a copy are written at once, after what is staged.

import { batchesIn, ErrorCode, KafkaError, type RecordBatch } from '@ottla/protocol'
import { flushAfterWrite } from './flush.ts'
import type { Log } from './log.ts'
import { checkProducer, prepareProducer, updateProducer } from './log-producers.ts'
import { asError } from './platform-error.ts'
import type { Verification } from './producer-verifications.ts'
import { rollLog, shouldRoll } from './roll.ts'
import { LogTail, type TailChunk } from './tail-cache.ts'
import { undoStaged } from './undo.ts'

/** Who appends as leader: the sequences of a client are checked, a coordinator's batches have none. */
export type AppendOrigin = 'client' | 'coordinator'

export interface AppendOptions {
  readonly leaderEpoch: number
  /** Default 'client'. */
  readonly origin?: AppendOrigin
  /** For the marker of a transaction: the version in the coordinator's request (KIP-890). */
  readonly transactionVersion?: number | undefined
  /** What a batch comes with that may begin a transaction; see ProducerState.check. */
  readonly verification?: Verification | null | undefined
}

/** Where a batch went. */
export interface AppendResult {
  readonly baseOffset: number
  readonly lastOffset: number
  /** Timestamp given by the broker, in milliseconds; -1 where the producer's count. */
  readonly logAppendTime: number
  readonly logStartOffset: number
  /** Whether it had been appended before: the offsets are those of then. */
  readonly duplicate: boolean
}

const ensureFits = (log: Log, size: number): void => {
  if (size <= log.config.segmentBytes) return
  throw new KafkaError(
    ErrorCode.RECORD_LIST_TOO_LARGE,
    `a batch of ${size} bytes is larger than a segment of ${log.topic}-${log.partition}, ${log.config.segmentBytes}`,
  )
}

/** The chunk that takes `size` bytes at the end of the active segment. */
const chunkFor = (log: Log, size: number, baseOffset: number): TailChunk => {
  log.tail ??= new LogTail()
  const last = log.tail.chunks.at(-1)
  const position = log.active.size
  if (last !== undefined && last.segmentBase === log.active.baseOffset && last.position + last.end - last.begin === position) {
    if (last.end + size <= last.slab.bytes.length) return last
  }
  return log.world.tails.chunkFor(log.tail, size, { position, baseOffset, segmentBase: log.active.baseOffset })
}

const stage = (log: Log, batch: RecordBatch, range: { baseOffset: number; lastOffset: number; size: number }): void => {
  const { active, world } = log
  log.stagedMark ??= active.mark(world, log.config, log.logEndOffset)
  const large = range.size > world.tails.stagedBatchBytes
  if (!large) {
    const chunk = chunkFor(log, range.size, range.baseOffset)
    if (chunk.written === chunk.end) {
      log.stagedChunks.push(chunk)
      if (chunk.end > chunk.begin) chunk.marks.push(range.baseOffset, chunk.end)
    }
    batch.buffer.copy(chunk.slab.bytes, chunk.end, batch.at, batch.at + range.size)
    chunk.end += range.size
    chunk.nextOffset = range.lastOffset + 1
    chunk.used = true
  }
  active.add(world, log.config, { lastOffset: range.lastOffset, maxTimestamp: batch.maxTimestamp, size: range.size })
  log.logEndOffset = range.lastOffset + 1
}

/** Writes a large batch together with what is staged; on failure everything staged is gone, and so says the error. */
const writeLarge = (log: Log, batch: RecordBatch): void => {
  const written = writeStaged(log, batch.bytes)
  log.world.turn.add(log)
  if (!written && log.writeError !== null) throw log.writeError
}

/** See Log.appendAsLeader. */
export const appendAsLeader = (log: Log, batch: RecordBatch, options: AppendOptions): AppendResult => {
  log.ensureUsable()
  const size = batch.sizeInBytes
  ensureFits(log, size)
  const baseOffset = log.logEndOffset
  const lastOffset = baseOffset + batch.lastOffsetDelta
  const logAppendTime = batch.isLogAppendTime ? batch.maxTimestamp : -1
  const { logStartOffset } = log
  const before = checkProducer(log, batch, options)
  if (before !== undefined) {
    return {
      baseOffset: before.firstOffset,
      lastOffset: before.lastOffset,
      logAppendTime: before.timestamp,
      logStartOffset,
      duplicate: true,
    }
  }
  if (shouldRoll(log, { size, lastOffset, maxTimestamp: batch.maxTimestamp })) rollLog(log, baseOffset)
  prepareProducer(log, batch)
  batch.setBaseOffset(baseOffset)
  batch.setPartitionLeaderEpoch(options.leaderEpoch)
  stage(log, batch, { baseOffset, lastOffset, size })
  log.leaderEpochs.assign(options.leaderEpoch, baseOffset)
  updateProducer(log, batch)
  if (size > log.world.tails.stagedBatchBytes) writeLarge(log, batch)
  else log.world.turn.add(log)
  return { baseOffset, lastOffset, logAppendTime, logStartOffset, duplicate: false }
}

/** See Log.appendAsFollower. */
export const appendAsFollower = (log: Log, records: Buffer): AppendResult => {
  log.ensureUsable()
  let firstOffset = -1
  let logAppendTime = -1
  for (const batch of batchesIn(records)) {
    const { baseOffset, lastOffset, sizeInBytes: size } = batch
    if (baseOffset < log.logEndOffset) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `offset ${baseOffset} is below the end ${log.logEndOffset} of ${log.topic}-${log.partition}`,
      )
    }
    ensureFits(log, size)
    if (shouldRoll(log, { size, lastOffset, maxTimestamp: batch.maxTimestamp })) rollLog(log, baseOffset)
    prepareProducer(log, batch)
    stage(log, batch, { baseOffset, lastOffset, size })
    if (batch.partitionLeaderEpoch >= 0) log.leaderEpochs.assign(batch.partitionLeaderEpoch, baseOffset)
    updateProducer(log, batch)
    if (size > log.world.tails.stagedBatchBytes) writeLarge(log, batch)
    else log.world.turn.add(log)
    if (firstOffset < 0) firstOffset = baseOffset
    if (batch.isLogAppendTime) logAppendTime = batch.maxTimestamp
  }
  const lastOffset = log.logEndOffset - 1
  return { baseOffset: firstOffset, lastOffset, logAppendTime, logStartOffset: log.logStartOffset, duplicate: false }
}

/** Writes what is staged, and `large` after it. False for a failure, which takes the staged appends back and is kept in `log.writeError`. */
export const writeStaged = (log: Log, large?: Buffer): boolean => {
  if (log.stagedMark === null) return true
  const { active, stagedChunks, world } = log
  const chunks: Buffer[] = []
  for (const chunk of stagedChunks) chunks.push(chunk.slab.bytes.subarray(chunk.written, chunk.end))
  if (large !== undefined) chunks.push(large)
  try {
    world.openFiles.get(active.logPath(log.path), true).writeSync(chunks, active.written)
  } catch (error) {
    undoStaged(log, asError(error))
    return false
  }
  for (const chunk of stagedChunks) chunk.written = chunk.end
  stagedChunks.length = 0
  log.stagedMark = null
  world.writtenBytes += active.size - active.written
  active.writtenAt = world.writtenBytes
  const from = active.written
  active.written = active.size
  active.trust(from, active.size)
  log.writtenOffset = log.logEndOffset
  if (log.producersLoaded) log.producers.confirm(log.writtenOffset)
  log.progressed = true
  flushAfterWrite(log)
  return true
}
