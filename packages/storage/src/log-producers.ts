// The producers of one log: loaded from the newest snapshot when the first batch comes, entered with every batch, saved when a
// segment begins and at the end.

import { KafkaError, RecordBatch, readEndTransaction, recordsOf } from '@ottla/protocol'
import type { AppendOptions } from './append.ts'
import type { Log } from './log.ts'
import type { BatchMetadata } from './producer-entry.ts'
import type { ProducerState, TransactionMarker } from './producer-state.ts'
import { ProducerState as State } from './producer-state.ts'
import { batchAt, FileWindow } from './scan.ts'
import type { Segment } from './segment.ts'

/** What a control batch that ends a transaction says; undefined for other control batches, and for one that compaction emptied. */
const markerOf = (batch: RecordBatch): TransactionMarker | undefined => {
  if (batch.recordsCount === 0) return undefined
  for (const record of recordsOf(batch)) {
    const end = readEndTransaction(record)
    if (end === undefined) return undefined
    const { coordinatorEpoch, isCommit } = end
    const { producerEpoch, producerId } = batch
    return { producerId, producerEpoch, coordinatorEpoch, offset: batch.baseOffset, timestamp: record.timestamp, isAbort: !isCommit }
  }
  return undefined
}

/** Whether a batch may be appended; the batch of then when it was appended before. Throws as ProducerState.check. */
export const checkProducer = (log: Log, batch: RecordBatch, options: AppendOptions): BatchMetadata | undefined => {
  const { producers } = log
  if (batch.producerId < 0) return undefined
  if (!batch.isControl) return producers.check(batch, options.origin ?? 'client', options.verification)
  const marker = markerOf(batch)
  if (marker !== undefined) producers.checkMarker(marker, { transactionVersion: options.transactionVersion ?? 0 })
  return undefined
}

const enter = (log: Log, producers: ProducerState, place: { batch: RecordBatch; segment: Segment }): void => {
  const { batch, segment } = place
  if (!batch.isControl) {
    producers.update(batch)
    return
  }
  const marker = markerOf(batch)
  const completed = marker === undefined ? undefined : producers.updateMarker(marker)
  if (completed?.isAborted !== true) return
  const index = segment.transactions(log.world)
  const last = index.entries === 0 ? -1 : index.entry(index.entries - 1).lastOffset
  if (last < completed.lastOffset) index.append(completed)
}

/** Enters a batch that has its final offsets. */
export const updateProducer = (log: Log, batch: RecordBatch): void => {
  if (batch.producerId >= 0) enter(log, log.producers, { batch, segment: log.active })
}

/** Enters all batches of the log from `from` to `until`, read with blocking reads. */
const replay = (log: Log, producers: ProducerState, range: { from: number; until: number }): void => {
  const { config, path, segments, world } = log
  for (let index = Math.max(0, log.segmentIndexOf(range.from)); index < segments.length; index++) {
    const segment = log.segmentAt(index)
    if (segment.baseOffset >= range.until) break
    if (segment.written === 0) continue
    const window = new FileWindow(world.openFiles.get(segment.logPath(path)), segment.written)
    let position = segment.positionFor(world, range.from, config)
    while (position < segment.written) {
      const batch = batchAt(window, position, { minOffset: segment.baseOffset, maxOffset: range.until - 1 })
      if (batch === undefined) break
      if (batch.producerId >= 0 && batch.lastOffset >= range.from) {
        try {
          enter(log, producers, { batch: new RecordBatch(window.bytes, batch.at), segment })
        } catch (error) {
          if (!(error instanceof KafkaError) && !(error instanceof RangeError)) throw error
          world.logger.warn({ file: segment.logPath(path), position, error: error.message }, 'a batch was left out of the producer state')
        }
      }
      position += batch.size
    }
  }
}

/**
 * The state at the end of what is written. After a clean stop a log without any snapshot had no producers; else batches behind the newest
 * snapshot are entered again.
 */
export const openProducers = (log: Log, options: { trusted: boolean }): ProducerState => {
  const { logStartOffset, snapshots, world, writtenOffset } = log
  const producers = new State({ producerIdExpirationMs: world.producerIdExpirationMs() })
  if (options.trusted && snapshots.offsets.length === 0) return producers
  const from = snapshots.load(producers, {
    logStartOffset,
    logEndOffset: writtenOffset,
    nowMs: world.clock.now(),
    onCorrupt: error => world.logger.warn({ file: error.path, error: error.message }, 'a damaged producer snapshot was removed'),
  })
  if (from < writtenOffset) replay(log, producers, { from, until: writtenOffset })
  producers.confirm(writtenOffset)
  // What the high watermark passed while nobody had asked for the producers.
  producers.onHighWatermark(log.highWatermark)
  return producers
}
