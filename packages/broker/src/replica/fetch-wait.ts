// A fetch that does not find enough waits for more, for an error, for its deadline, or until its client is gone (class DelayedFetch).
import type { FetchReads, FetchRules, FetchTarget } from './fetch-read.ts'
import { readTargets } from './fetch-read.ts'
import type { PartitionWatcher } from './partition.ts'
import type { Deadlines } from './waiting.ts'
import { Waiter } from './waiting.ts'

/** What a waiting fetch needs. */
export interface FetchWaitParts {
  readonly targets: readonly FetchTarget[]
  readonly rules: FetchRules
  readonly minBytes: number
  readonly maxWaitMs: number
  readonly deadlines: Deadlines
  readonly whenQuiet: WhenQuiet
}

/** Runs what is given to it once the current run of callbacks is over: the partitions of one turn are then all up to date. */
export class WhenQuiet {
  #waiting: FetchWait[] = []
  readonly #run = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wait of waiting) wait.look()
  }

  add(wait: FetchWait): void {
    if (this.#waiting.length === 0) queueMicrotask(this.#run)
    this.#waiting.push(wait)
  }
}

/** See the top of the file. */
export class FetchWait extends Waiter implements PartitionWatcher {
  readonly #parts: FetchWaitParts
  readonly #settle: (reads: FetchReads) => void
  #seen: FetchReads
  #queued = false
  #reading = false
  #changed = false
  #settled = false
  #expired = false

  /** `first` is what was read before; its bytes are given back. `settle` is called once. */
  constructor(parts: FetchWaitParts, first: FetchReads, settle: (reads: FetchReads) => void) {
    super()
    this.#parts = parts
    this.#settle = settle
    this.#seen = first
    first.release()
    for (const { partition } of first.reads) partition?.watch(this)
    parts.deadlines.add(this, parts.maxWaitMs)
    // A read from disk took its time: what came meanwhile was announced to nobody here.
    if (this.#mayBeEnough()) this.partitionChanged()
  }

  /** As PartitionWatcher. */
  partitionChanged(): void {
    if (this.#reading) this.#changed = true
    if (this.#queued || this.#settled || this.#reading) return
    this.#queued = true
    this.#parts.whenQuiet.add(this)
  }

  /** As Waiter: what there is now is the answer. */
  expire(): void {
    this.#expired = true
    this.#read()
  }

  /** Nobody is interested any more. */
  abort(): void {
    if (this.#settled) return
    const { reads } = this.#seen
    this.#finish()
    for (const read of reads) read.release()
  }

  /** Reads again if that may be worth it. */
  look(): void {
    this.#queued = false
    if (!this.#settled && this.#mayBeEnough()) this.#read()
  }

  /** Whether an error or enough bytes are to be expected. What looking fails with, reading fails with as well, and has an answer for. */
  #mayBeEnough(): boolean {
    try {
      return this.#hasEnough()
    } catch {
      return true
    }
  }

  /** Bytes that are not replicated yet are counted too: reading will tell. */
  #hasEnough(): boolean {
    const { minBytes, rules } = this.#parts
    let bytes = this.#seen.bytes
    let isAhead = false
    for (const { partition, target, visibleBytes, highWatermark, lastStableOffset } of this.#seen.reads) {
      if (partition === null) continue
      if (partition.errorForLeader(target.currentLeaderEpoch) !== 0) return true
      bytes += partition.appendedBytes - visibleBytes
      const endOffset = partition.endOffsetFor(rules.committedOnly)
      if (endOffset > target.fetchOffset) isAhead = true
      // The end of a transaction shows more than its own bytes: what was hidden because of it.
      if (rules.committedOnly && lastStableOffset < highWatermark && endOffset > lastStableOffset) return true
    }
    return isAhead && (minBytes <= 1 || bytes >= minBytes)
  }

  #read(): void {
    if (this.#settled || this.#reading) return
    this.#reading = true
    this.#changed = false
    const found = readTargets(this.#parts.targets, this.#parts.rules)
    if (found instanceof Promise) void found.then(reads => this.#found(reads))
    else this.#found(found)
  }

  #found(reads: FetchReads): void {
    this.#reading = false
    if (this.#settled) {
      reads.release()
      return
    }
    // A partition that was there and is not any more is news, one that never was is not.
    if (this.#expired || reads.isUrgent || reads.missing > this.#seen.missing || reads.bytes >= this.#parts.minBytes) {
      this.#finish()
      this.#settle(reads)
      return
    }
    reads.release()
    this.#seen = reads
    if (this.#changed) this.partitionChanged()
  }

  #finish(): void {
    this.#settled = true
    this.#parts.deadlines.remove(this)
    for (const { partition } of this.#seen.reads) partition?.unwatch(this)
  }
}
