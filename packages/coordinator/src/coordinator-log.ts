// What the runtime needs of a coordinator's partition. The broker gives it; the runtime knows nothing of files or of replicas.

import type { KafkaError, RecordBatch } from '@ottla/protocol'

/** Whole batches as they lie in the log; the bytes are valid until `release`, which is called exactly once. */
export interface LogSlice {
  readonly chunks: readonly Buffer[]
  /** The offset behind the last batch; the one asked for when there is nothing. */
  readonly nextOffset: number
  release(): void
}

/** Is told what became of appends. */
export interface CoordinatorLogListener {
  /** Everything below `offset` is committed. */
  committed(offset: number): void
  /** Appends that are not committed may be gone: the disk took them back, or this broker leads no longer. */
  failed(error: KafkaError): void
}

/** The log of one partition that is led here, in one leader epoch. */
export interface CoordinatorLog {
  readonly startOffset: number
  /** End offset with all appends, which is what the next one gets. */
  readonly endOffset: number
  /** Below it nothing is ever taken back. */
  readonly committedOffset: number
  /** The largest batch that it takes. */
  readonly maxBatchBytes: number
  /**
   * Appends a batch, and gives it its offsets in place; returns the offset behind it.
   * @throws KafkaError; nothing is appended then.
   */
  append(batch: RecordBatch): number
  /** Batches from the one that holds `offset`: at least one, else no more than `maxBytes`; none at the end. */
  read(offset: number, maxBytes: number): LogSlice | Promise<LogSlice>
  /** Tells `listener` from now on, also of what was appended before and is not committed yet. */
  follow(listener: CoordinatorLogListener): void
  /** Tells nobody any more. */
  close(): void
}
