// The transactions of one log that are not settled: open ones, and ended ones whose marker the high watermark has not passed yet
// (org.apache.kafka.storage.internals.log.ProducerStateManager, KIP-98). Readers of committed records stop before the first of them.

/** A transaction of one producer in this log. */
export interface Transaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** A transaction whose marker was appended. */
export interface CompletedTransaction extends Transaction {
  /** Offset of the marker. */
  readonly lastOffset: number
  readonly isAborted: boolean
}

export class ProducerTransactions {
  /** By first offset, rising. */
  #ongoing = new Map<number, Transaction>()
  /** By first offset, in the order of their markers. */
  readonly #unreplicated = new Map<number, CompletedTransaction>()
  /** The largest first offset so far. */
  #lastStart = -1
  /** Cached answer; undefined: not computed yet, -1: none. */
  #firstUnstable: number | undefined

  get isEmpty(): boolean {
    return this.#ongoing.size === 0 && this.#unreplicated.size === 0
  }

  /** The open transactions, the oldest first. */
  get ongoing(): Iterable<Transaction> {
    return this.#ongoing.values()
  }

  /** The first offset that is not settled, -1 when all are. */
  get firstUnstableOffset(): number {
    this.#firstUnstable ??= this.#smallest()
    return this.#firstUnstable
  }

  /** The oldest open transaction. */
  get firstOngoing(): Transaction | undefined {
    for (const transaction of this.#ongoing.values()) return transaction
    return undefined
  }

  /** A transaction begins. Offsets rise, but for those of a snapshot. */
  start(transaction: Transaction): void {
    const isLast = transaction.firstOffset > this.#lastStart
    this.#ongoing.set(transaction.firstOffset, transaction)
    this.#lastStart = Math.max(this.#lastStart, transaction.firstOffset)
    if (!isLast) this.#ongoing = new Map([...this.#ongoing].toSorted(([a], [b]) => a - b))
    this.#firstUnstable = undefined
  }

  /** Takes back a start. */
  cancel(firstOffset: number): void {
    this.#ongoing.delete(firstOffset)
    this.#firstUnstable = undefined
  }

  /** The last stable offset that a transaction leaves when it ends: the first other open one, or behind its own marker. */
  lastStableOffset(completed: CompletedTransaction): number {
    for (const transaction of this.#ongoing.values()) if (transaction.producerId !== completed.producerId) return transaction.firstOffset
    return completed.lastOffset + 1
  }

  /** A transaction ended; it stays unstable until `onHighWatermark` passes its marker. Throws RangeError when it is not open. */
  complete(completed: CompletedTransaction): void {
    if (!this.#ongoing.delete(completed.firstOffset)) throw new RangeError(`no open transaction begins at ${completed.firstOffset}`)
    this.#unreplicated.set(completed.firstOffset, completed)
    this.#firstUnstable = undefined
  }

  /** Takes back an end. */
  reopen(completed: CompletedTransaction): void {
    this.#unreplicated.delete(completed.firstOffset)
    this.start({ producerId: completed.producerId, firstOffset: completed.firstOffset })
  }

  /** Transactions whose marker lies below the offset are settled. */
  onHighWatermark(offset: number): void {
    if (this.#unreplicated.size === 0) return
    for (const completed of this.#unreplicated.values()) {
      if (completed.lastOffset < offset) this.#unreplicated.delete(completed.firstOffset)
    }
    this.#firstUnstable = undefined
  }

  #smallest(): number {
    let smallest = this.firstOngoing?.firstOffset ?? Number.POSITIVE_INFINITY
    for (const firstOffset of this.#unreplicated.keys()) smallest = Math.min(smallest, firstOffset)
    return smallest === Number.POSITIVE_INFINITY ? -1 : smallest
  }
}
