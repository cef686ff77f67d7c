// Where the reading of one partition stands.
import { ZERO_UUID } from '@ottla/protocol'
import type { Fetched } from './fetched.ts'
import type { NodeFetch } from './node-fetch.ts'
import type { Wanted } from './session.ts'

/** What has to be found out before the partition can be fetched: its offset, or whether the new leader still has what was read (KIP-320). */
export type Errand = 'reset' | 'validate'

export class ReadPartition implements Wanted {
  readonly topic: string
  readonly partition: number
  topicId = ZERO_UUID
  /** Where the next fetch begins; below zero: not known yet. */
  offset: number
  /** Unlike that of any other position that any partition had. */
  version: number
  /** Leader epoch of what lies before `offset`, as it was read or committed, -1 when not known. */
  offsetEpoch: number
  /** Leader epoch as metadata has it, -1 when not known. */
  leaderEpoch = -1
  fetchBytes: number
  /** As last heard, -1 before. */
  endOffset = -1
  highWatermark = -1
  logStartOffset = -1
  isPaused = false
  isRemoved = false
  /** What somebody took and has not given back. */
  inHand: Fetched | undefined
  /** What came and nobody took yet. */
  buffered: Fetched | undefined
  /** In ms of the monotonic clock. */
  bufferedSinceMs = 0
  /** What `take` has to throw. */
  error: Error | undefined
  errand: Errand | undefined
  resetReason: 'unset' | 'out-of-range' = 'unset'
  isBusy = false
  failures = 0
  /** When it may be asked for again, in ms of the monotonic clock. */
  retryAtMs = 0
  /** The replica to read from, as the leader said (KIP-392). */
  preferred: { readonly nodeId: number; readonly untilMs: number } | undefined
  /** Who fetches it; nobody while it has no leader. */
  node: NodeFetch | undefined

  constructor(
    topic: string,
    partition: number,
    at: { readonly offset: number; readonly offsetEpoch: number; readonly version: number; readonly fetchBytes: number },
  ) {
    this.topic = topic
    this.partition = partition
    this.offset = at.offset
    this.offsetEpoch = at.offsetEpoch
    this.version = at.version
    this.fetchBytes = at.fetchBytes
    if (at.offset < 0) this.errand = 'reset'
  }

  /** Whether it can be asked for, apart from waiting after a failure. */
  get isFetchable(): boolean {
    return this.buffered === undefined && !this.isPaused && this.error === undefined && this.errand === undefined && !this.isRemoved
  }
  get isTakeable(): boolean {
    return !this.isPaused && this.inHand === undefined && (this.buffered !== undefined || this.error !== undefined)
  }
  /** Whether it has to be seen to before it can be fetched. */
  get isTroubled(): boolean {
    return !this.isRemoved && this.error === undefined && (this.errand !== undefined || this.node === undefined)
  }

  /** Goes on elsewhere. */
  moveTo(offset: number, version: number): void {
    this.#dropBuffer()
    this.error = undefined
    this.offset = offset
    this.version = version
    this.offsetEpoch = -1
    this.failures = 0
    this.retryAtMs = 0
    this.errand = offset < 0 ? 'reset' : undefined
    this.resetReason = 'unset'
  }

  /** Gives up what was read ahead; it will be fetched again. */
  dropBuffered(): void {
    const { buffered } = this
    if (buffered === undefined) return
    this.offset = buffered.fetchOffset
    this.offsetEpoch = buffered.epochBefore
    this.#dropBuffer()
  }

  /** Is read no longer. */
  remove(): void {
    this.isRemoved = true
    this.#dropBuffer()
    this.error = undefined
  }

  #dropBuffer(): void {
    this.buffered?.frame?.release()
    this.buffered = undefined
  }
}
