// What readers of committed records see of a partition (methods lastStableOffset, fetchLastStableOffsetMetadata and collectAbortedTransactions of
// class UnifiedLog; KIP-98): they stop before the first transaction that is not settled, and are told which of the transactions that they
// read were aborted.
import { abortedTransactions, type FetchedData, type Log, type ReadOptions } from '@ottla/storage'

/** A transaction whose records readers leave out, in the form of the Fetch response. */
export interface Aborted {
  readonly producerId: number
  readonly firstOffset: number
}

/** Bytes together with the aborted transactions among them. */
export interface CommittedData {
  readonly data: FetchedData
  readonly aborted: readonly Aborted[]
}

const NONE_ABORTED: readonly Aborted[] = []

/**
 * Where readers of committed records stop. Producers' state that was not needed yet is not loaded for this unless `exact`. Records that
 * were deleted hold nobody back, though a transaction may have begun there.
 */
export const lastStableOffsetOf = (log: Log, exact: boolean): number => {
  const { highWatermark, logStartOffset } = log
  if (!exact && !log.producersLoaded) return highWatermark
  const unstable = log.producers.firstUnstableOffset
  return unstable < 0 ? highWatermark : Math.min(Math.max(unstable, logStartOffset), highWatermark)
}

const withAborted = (log: Log, offset: number, data: FetchedData): CommittedData => {
  if (data.size === 0) return { data, aborted: NONE_ABORTED }
  try {
    const found = abortedTransactions(log, offset, data.nextOffset)
    return { data, aborted: found.map(({ producerId, firstOffset }) => ({ producerId, firstOffset })) }
  } catch (error) {
    data.release()
    throw error
  }
}

/** Reads records below the last stable offset. Throws as Log.read. */
export const readCommitted = (log: Log, options: ReadOptions): CommittedData | Promise<CommittedData> => {
  const { replacements } = log
  const read = log.read(options)
  if (!(read instanceof Promise)) return withAborted(log, options.offset, read)
  return read.then(data => {
    if (log.replacements === replacements) return withAborted(log, options.offset, data)
    // Compaction has taken segments away since, and with them the index of what was read.
    data.release()
    return readCommitted(log, options)
  })
}
