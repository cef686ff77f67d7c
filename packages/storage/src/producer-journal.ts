// Batches are checked and entered when they are staged, before they are written. When the write then fails, exactly that must be undone.
// For each staged batch the journal keeps what its entry was before; its records are used again, so a batch costs no memory.
import type { BatchMetadata, ProducerEntry } from './producer-entry.ts'
import type { CompletedTransaction, ProducerTransactions } from './producer-transactions.ts'

/** More staged batches than this cannot be undone; the state is then loaded again from a snapshot and the log. */
const CAPACITY = 1024

class Before {
  offset = 0
  entry: ProducerEntry | undefined
  isNew = false
  /** A producer that was forgotten to make room. */
  forgotten: ProducerEntry | undefined
  producerEpoch = 0
  coordinatorEpoch = 0
  lastTimestamp = 0
  transactionFirstOffset = 0
  batches: BatchMetadata[] = []
  batchCount = 0
  oldest = 0
  replacedSequence = 0
  replacedOffset = 0
  replacedDelta = 0
  replacedTimestamp = 0
  completed: CompletedTransaction | undefined
}

export class ProducerJournal {
  readonly #records: Before[] = []
  #count = 0
  /** The largest offset whose record was dropped without being confirmed. */
  #lost = -1

  /** Keeps what an entry is before the batch at `offset` changes it. */
  keep(offset: number, entry: ProducerEntry): void {
    if (this.#count === CAPACITY) this.#dropOldest()
    let before = this.#records[this.#count]
    if (before === undefined) {
      before = new Before()
      this.#records.push(before)
    }
    this.#count++
    before.offset = offset
    before.entry = entry
    before.isNew = false
    before.forgotten = undefined
    before.producerEpoch = entry.producerEpoch
    before.coordinatorEpoch = entry.coordinatorEpoch
    before.lastTimestamp = entry.lastTimestamp
    before.transactionFirstOffset = entry.transactionFirstOffset
    before.batches = entry.batches
    before.batchCount = entry.batches.length
    before.oldest = entry.oldest
    const replaced = entry.batches[entry.nextSlot]
    if (replaced !== undefined) {
      before.replacedSequence = replaced.lastSequence
      before.replacedOffset = replaced.lastOffset
      before.replacedDelta = replaced.offsetDelta
      before.replacedTimestamp = replaced.timestamp
    }
    before.completed = undefined
  }

  /** The entry kept last is a new one, and `forgotten` was removed for its sake. */
  keepNew(forgotten: ProducerEntry | undefined): void {
    const before = this.#records[this.#count - 1]
    if (before === undefined) return
    before.isNew = true
    before.forgotten = forgotten
  }

  /** The change kept last also ended a transaction. */
  keepCompleted(completed: CompletedTransaction): void {
    const before = this.#records[this.#count - 1]
    if (before !== undefined) before.completed = completed
  }

  /** Changes by batches below `offset` are final. */
  confirm(offset: number): void {
    if (this.#lost < offset) this.#lost = -1
    if (this.#count === 0) return
    let done = 0
    while (done < this.#count && (this.#records[done]?.offset ?? offset) < offset) done++
    if (done === 0) return
    // The records stay for later use, those that are still needed first.
    if (done < this.#count) this.#records.push(...this.#records.splice(0, done))
    this.#count -= done
  }

  /** Undoes the changes by batches from `offset` on, the latest first. False when some are not known any more; then nothing was undone. */
  rollback(offset: number, state: { entries: Map<number, ProducerEntry>; transactions: ProducerTransactions }): boolean {
    if (this.#lost >= offset) return false
    for (;;) {
      const before = this.#records[this.#count - 1]
      if (this.#count === 0 || before?.entry === undefined || before.offset < offset) return true
      this.#undo(before, before.entry, state)
      this.#count--
    }
  }

  /** Forgets everything; the state was replaced. */
  clear(): void {
    this.#count = 0
    this.#lost = -1
  }

  #dropOldest(): void {
    const [oldest] = this.#records.splice(0, 1)
    if (oldest === undefined) return
    this.#lost = Math.max(this.#lost, oldest.offset)
    this.#records.push(oldest)
    this.#count--
  }

  #undo(before: Before, entry: ProducerEntry, state: { entries: Map<number, ProducerEntry>; transactions: ProducerTransactions }): void {
    const { entries, transactions } = state
    if (before.completed !== undefined) transactions.reopen(before.completed)
    else if (before.transactionFirstOffset < 0 && entry.transactionFirstOffset >= 0) transactions.cancel(entry.transactionFirstOffset)
    entry.producerEpoch = before.producerEpoch
    entry.coordinatorEpoch = before.coordinatorEpoch
    entry.lastTimestamp = before.lastTimestamp
    entry.transactionFirstOffset = before.transactionFirstOffset
    entry.batches = before.batches
    entry.oldest = before.oldest
    if (entry.batches.length > before.batchCount) entry.batches.length = before.batchCount
    const replaced = entry.batches[entry.nextSlot]
    if (replaced !== undefined) {
      replaced.lastSequence = before.replacedSequence
      replaced.lastOffset = before.replacedOffset
      replaced.offsetDelta = before.replacedDelta
      replaced.timestamp = before.replacedTimestamp
    }
    if (before.isNew) entries.delete(entry.producerId)
    // It may have expired since.
    else if (!entries.has(entry.producerId)) entries.set(entry.producerId, entry)
    if (before.forgotten !== undefined) entries.set(before.forgotten.producerId, before.forgotten)
  }
}
