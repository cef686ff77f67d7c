// What a read of a log gives.

/** Whole batches as they lie on disk. The bytes are valid until `release`, which must be called exactly once, when they are sent. */
export interface FetchedData {
  readonly chunks: readonly Buffer[]
  /** Bytes of all chunks. */
  readonly size: number
  /** Base offset of the first batch, which may lie before the offset asked for; the offset asked for when there is nothing. */
  readonly baseOffset: number
  /** The offset after the last batch; the offset asked for when there is nothing. */
  readonly nextOffset: number
  release(): void
}

/** What to read. */
export interface ReadOptions {
  /** The batch that holds this offset is the first returned. */
  readonly offset: number
  /** Bound of the result. */
  readonly maxBytes: number
  /** No batch that reaches this offset is returned: the high watermark, the last stable offset, or the log's end. */
  readonly endOffset: number
  /** Return the first batch even if it is larger than `maxBytes` (KIP-74). */
  readonly minOneBatch: boolean
}

const nothing = (): void => undefined

/** The answer when no whole batch fits the bounds. */
export const noData = (offset: number): FetchedData => ({ chunks: [], size: 0, baseOffset: offset, nextOffset: offset, release: nothing })

/** A segment's answer that it holds no batch at or after the offset asked for: the next segment may. */
export const exhausted: FetchedData = noData(-1)
