// The time of the first record at or after an offset, with one read of one batch.
import { batchesIn, type RecordBatch, recordsOf } from '@ottla/protocol'
import type { Log } from '@ottla/storage'

/** What is asked of a log. */
export type LagLog = Pick<Log, 'highWatermark' | 'logStartOffset' | 'read'>

/** Batches up to this size are looked through for the very record, if that needs no decompression; the time in others is estimated. */
const MAX_WALK_BYTES = 64 * 1024

/** In ms since 1970; null where there is no such record, it has no time, or it cannot be read. */
export async function timestampAt(log: LagLog, offset: number): Promise<number | null> {
  try {
    const data = await log.read({ offset, maxBytes: 1, endOffset: log.highWatermark, minOneBatch: true })
    try {
      const [chunk] = data.chunks
      const bytes = data.chunks.length === 1 && chunk !== undefined ? chunk : Buffer.concat(data.chunks)
      for (const batch of batchesIn(bytes)) if (batch.lastOffset >= offset) return known(timeInBatch(batch, offset))
      return null
    } finally {
      data.release()
    }
  } catch {
    // A log that is deleted, truncated or offline meanwhile: whoever reads it for real is told.
    return null
  }
}

const known = (timestampMs: number): number | null => (timestampMs < 0 ? null : timestampMs)

function timeInBatch(batch: RecordBatch, offset: number): number {
  if (batch.isLogAppendTime) return batch.maxTimestamp
  if (!batch.isCompressed && batch.sizeInBytes <= MAX_WALK_BYTES)
    for (const record of recordsOf(batch)) if (record.offset >= offset) return record.timestamp
  // The base of a batch with a delete horizon is no time of its records.
  return batch.hasDeleteHorizon ? batch.maxTimestamp : estimate(batch, offset)
}

/** As if the records of the batch had come one after the other at the same pace. */
function estimate({ baseTimestamp, maxTimestamp, baseOffset, lastOffsetDelta }: RecordBatch, offset: number): number {
  const share = Math.min(1, Math.max(0, offset - baseOffset) / Math.max(1, lastOffsetDelta))
  return Math.round(baseTimestamp + (maxTimestamp - baseTimestamp) * share)
}
