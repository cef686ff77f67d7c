// An append to a partition: what it is part of, and what became of it.
import type { AppendOrigin, Verification } from '@ottla/storage'

/** Where a batch went. An acknowledgement waits for `lastOffset + 1`. */
export interface Appended {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly logAppendTime: number
  readonly logStartOffset: number
}

/** What an append is part of; one object for all partitions of a request. */
export interface AppendRequest {
  /** 0, 1 or -1. */
  readonly acks: number
  /** The broker's wall clock, in ms. */
  readonly nowMs: number
  /** A coordinator's batches have no sequences; a client's are checked. */
  readonly origin?: AppendOrigin
  /** The bytes of the batch stay as they are until it is appended: nobody needs a copy. */
  readonly recordsStay?: boolean
  /** See AppendOptions. */
  readonly transactionVersion?: number | undefined
  readonly verification?: Verification | null | undefined
}
