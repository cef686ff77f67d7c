// From times to offsets (ListOffsets; LogSegment.findOffsetByTimestamp, UnifiedLog.fetchOffsetByTimestamp, KIP-734).

import { type RecordBatch, batchesIn, recordsOf } from '@ottla/protocol'
import { exhausted } from './fetched.ts'
import type { Log } from './log.ts'
import { readSegment } from './read-file.ts'
import type { Segment } from './segment.ts'

/** A record that was found by its time. */
export interface FoundTimestamp {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

const READ_BYTES = 64 * 1024

const joined = (chunks: readonly Buffer[]): Buffer => {
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
}

/** Looks at the batches of a segment from the one that holds `from` on, until `look` has an answer; undefined when the segment ends. */
const search = async <T>(
  log: Log,
  place: { segment: Segment; from: number; endOffset: number },
  look: (batch: RecordBatch) => T | undefined,
): Promise<T | undefined> => {
  let offset = place.from
  while (offset < place.endOffset) {
    const options = { offset, maxBytes: READ_BYTES, endOffset: place.endOffset, minOneBatch: true }
    const data = await readSegment(log, place.segment, options)
    if (data === exhausted || data.size === 0) return undefined
    try {
      for (const batch of batchesIn(joined(data.chunks))) {
        const found = look(batch)
        if (found !== undefined) return found
      }
    } finally {
      data.release()
    }
    offset = data.nextOffset
  }
  return undefined
}

/** The first record of a batch that is late enough. A batch of LogAppendTime has one time for all its records. */
const recordAt = (batch: RecordBatch, timestamp: number, startOffset: number): FoundTimestamp | undefined => {
  if (batch.maxTimestamp < timestamp || batch.lastOffset < startOffset || batch.isControl) return undefined
  for (const record of recordsOf(batch)) {
    if (record.timestamp < timestamp || record.offset < startOffset) continue
    return { offset: record.offset, timestamp: record.timestamp, leaderEpoch: batch.partitionLeaderEpoch }
  }
  return undefined
}

/** The first record at or after the log's start and before `endOffset` with at least this timestamp. Throws as reading does. */
export const offsetForTimestamp = async (log: Log, timestamp: number, endOffset: number): Promise<FoundTimestamp | null> => {
  log.ensureUsable()
  log.writeStaged()
  const { config, logStartOffset, world } = log
  const end = Math.min(endOffset, log.writtenOffset)
  for (const segment of log.segments.slice(Math.max(0, log.segmentIndexOf(logStartOffset)))) {
    if (segment.baseOffset >= end) break
    if (segment.maxTimestamp(world, config) < timestamp) continue
    const from = Math.max(segment.times(world, config).lookup(timestamp).offset, logStartOffset)
    const found = await search(log, { segment, from, endOffset: end }, batch => recordAt(batch, timestamp, logStartOffset))
    if (found !== undefined) return found.offset < end ? found : null
  }
  return null
}

/** The first record with the greatest timestamp; null when there is none, or when it is not before `endOffset`. Throws as reading does. */
export const maxTimestampOffset = async (log: Log, endOffset: number): Promise<FoundTimestamp | null> => {
  log.ensureUsable()
  log.writeStaged()
  const { config, world } = log
  let latest: Segment | undefined
  for (const segment of log.segments) {
    if (segment.written === 0) continue
    if (latest === undefined || segment.maxTimestamp(world, config) > latest.maxTimestamp(world, config)) latest = segment
  }
  if (latest === undefined) return null
  const timestamp = latest.maxTimestamp(world, config)
  const from = latest.maxTimestampOffset(world, config)
  const found = await search(log, { segment: latest, from, endOffset: log.writtenOffset }, batch => recordAt(batch, timestamp, 0))
  return found !== undefined && found.offset < endOffset ? found : null
}
