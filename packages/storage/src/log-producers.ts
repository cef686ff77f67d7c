// The producers of one log: loaded from the newest snapshot when the first batch comes, entered with every batch, saved when a
// segment begins and at the end. They also tell which transactions were aborted, which the segments' transaction indexes keep.

import { KafkaError, RecordBatch, readEndTransaction, recordsOf } from '@ottla/protocol'
import type { AppendOptions } from './append.ts'
import { CorruptFileError } from './corrupt-file.ts'
import type { Log } from './log.ts'
import type { BatchMetadata } from './producer-entry.ts'
import type { ProducerState, TransactionMarker } from './producer-state.ts'
import { ProducerState as State } from './producer-state.ts'
import { asError } from './platform-error.ts'
import { batchAt, FileWindow } from './scan.ts'
import type { Segment } from './segment.ts'
import type { AbortedTransaction, TransactionIndex } from './transaction-index.ts'

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

/** Enters a batch; the transaction that it aborts, if it does. */
const enter = (producers: ProducerState, batch: RecordBatch): AbortedTransaction | undefined => {
  if (!batch.isControl) {
    producers.update(batch)
    return undefined
  }
  const marker = markerOf(batch)
  const completed = marker === undefined ? undefined : producers.updateMarker(marker)
  return completed?.isAborted === true ? completed : undefined
}

const addTo = (index: TransactionIndex, aborted: AbortedTransaction): void => {
  const last = index.entries === 0 ? -1 : index.entry(index.entries - 1).lastOffset
  if (last < aborted.lastOffset) index.append(aborted)
}

/**
 * Loads what `updateProducer` needs, while nothing of the batch is staged: a file that cannot be read must not leave a marker in the log
 * that the transaction index does not know of.
 */
export const prepareProducer = (log: Log, batch: RecordBatch): void => {
  if (batch.producerId < 0) return
  log.loadProducers()
  if (!batch.isControl || log.active.transactions(log.world).isLoaded) return
  if (markerOf(batch)?.isAbort === true) transactionIndex(log, log.active)
}

/** Enters a batch that has its final offsets. */
export const updateProducer = (log: Log, batch: RecordBatch): void => {
  if (batch.producerId < 0) return
  const aborted = enter(log.producers, batch)
  if (aborted !== undefined) addTo(transactionIndex(log, log.active), aborted)
}

interface Replay {
  readonly from: number
  readonly until: number
  /** Told of each transaction that was aborted. */
  readonly aborted: (transaction: AbortedTransaction, segment: Segment) => void
}

/** Enters all batches of the log from `from` to `until`, read with blocking reads. */
const replay = (log: Log, producers: ProducerState, range: Replay): void => {
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
          const aborted = enter(producers, new RecordBatch(window.bytes, batch.at))
          if (aborted !== undefined) range.aborted(aborted, segment)
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
  const aborted = (transaction: AbortedTransaction, segment: Segment): void => addTo(transactionIndex(log, segment), transaction)
  if (from < writtenOffset) replay(log, producers, { from, until: writtenOffset, aborted })
  producers.confirm(writtenOffset)
  // What the high watermark passed while nobody had asked for the producers.
  producers.onHighWatermark(log.highWatermark)
  return producers
}

/** The transaction index of a segment; one whose file is damaged is made anew from the batches (as Kafka does when it loads a segment). */
export const transactionIndex = (log: Log, segment: Segment): TransactionIndex => {
  const { world } = log
  const index = segment.transactions(world)
  if (index.isLoaded) return index
  try {
    index.sanityCheck()
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error
    world.logger.warn({ file: error.path, error: error.message }, 'a damaged transaction index was made anew from its segment')
    rebuild(log, segment)
  }
  return index
}

/** What began before the segment is in the producers' snapshots, or in the batches behind the newest of them. */
const rebuild = (log: Log, segment: Segment): void => {
  const { snapshots, world } = log
  const index = segment.transactions(world)
  index.reset()
  const producers = new State({ producerIdExpirationMs: world.producerIdExpirationMs() })
  const from = snapshots.loadUpTo(producers, segment.baseOffset, world.clock.now()) ?? log.segmentAt(0).baseOffset
  replay(log, producers, {
    from,
    until: Math.min(log.writtenOffset, log.endOffsetOf(log.segments.indexOf(segment))),
    aborted: (transaction, { baseOffset }) => {
      if (baseOffset === segment.baseOffset) addTo(index, transaction)
    },
  })
  try {
    index.saveSync()
  } catch (error) {
    world.logger.warn({ file: index.path, error: asError(error).message }, 'the transaction index could not be saved yet')
  }
}
