// Which batches of an answer belong to aborted transactions (KIP-98, class CompletedFetch): the broker names the aborted transactions that lie in
// what it sends, each by its producer and first offset; a transaction goes on until its marker.
import type { RecordBatch } from '@ottla/protocol'
import { ControlType, controlTypeOf, recordsOf } from '@ottla/protocol'

/** An aborted transaction as a Fetch answer names it. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** Walks along with the batches of one answer. */
export class AbortedTransactions {
  readonly #coming: AbortedTransaction[]
  readonly #producers = new Set<number>()

  constructor(transactions: readonly AbortedTransaction[]) {
    // The nearest is last, so that it is quickly taken off.
    this.#coming = transactions.toSorted((a, b) => b.firstOffset - a.firstOffset)
  }

  /** Whether a batch is of an aborted transaction. To be asked for every batch, in their order, control batches included. */
  holds(batch: RecordBatch): boolean {
    const { lastOffset } = batch
    for (let next = this.#coming.at(-1); next !== undefined && next.firstOffset <= lastOffset; next = this.#coming.at(-1)) {
      this.#producers.add(next.producerId)
      this.#coming.pop()
    }
    if (this.#producers.size === 0) return false
    if (batch.isControl) {
      if (endsInAbort(batch)) this.#producers.delete(batch.producerId)
      return false
    }
    return batch.isTransactional && this.#producers.has(batch.producerId)
  }
}

const endsInAbort = (batch: RecordBatch): boolean => {
  for (const record of recordsOf(batch)) return controlTypeOf(record) === ControlType.ABORT
  return false
}
