// Which transactional batches and markers compaction may drop (Kafka's CleanedTransactionMetadata, KIP-98). Batches of aborted
// transactions go at once. A marker goes when nothing of its transaction is left before it, and then only behind its delete horizon.

import { ControlType, controlTypeOf, type RecordBatch, recordsOf } from '@ottla/protocol'
import type { AbortedTransaction } from './transaction-index.ts'

interface OpenAborted {
  readonly transaction: AbortedTransaction
  /** Whether a batch of it was come by. */
  seen: boolean
}

/** Comes by the batches of a log in their order. */
export class CleanTransactions {
  /** Takes the aborted transactions of which something is left; set for each new segment. */
  index: { append(transaction: AbortedTransaction): void } | undefined
  /** By first offset, falling: the next one is the last. */
  readonly #waiting: AbortedTransaction[]
  /** By producer. */
  readonly #aborted = new Map<number, OpenAborted>()
  /** Producers of which batches were seen that a commit will follow. */
  readonly #committed = new Set<number>()

  /** `aborted`: all aborted transactions that overlap what will be read, in any order. */
  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = aborted.toSorted((a, b) => b.firstOffset - a.firstOffset)
  }

  /** Whether the records of a batch may be dropped. For markers that is a condition of two, see the top of the file. */
  canDrop(batch: RecordBatch): boolean {
    const { lastOffset } = batch
    for (let next = this.#waiting.at(-1); next !== undefined && next.firstOffset <= lastOffset; next = this.#waiting.at(-1)) {
      this.#waiting.pop()
      if (!this.#aborted.has(next.producerId)) this.#aborted.set(next.producerId, { transaction: next, seen: false })
    }
    return batch.isControl ? this.#marker(batch) : this.#data(batch)
  }

  #data(batch: RecordBatch): boolean {
    if (!batch.isTransactional) return false
    const open = this.#aborted.get(batch.producerId)
    if (open === undefined) {
      this.#committed.add(batch.producerId)
      return false
    }
    open.seen = true
    return true
  }

  #marker(batch: RecordBatch): boolean {
    const { producerId } = batch
    // One that was emptied before has nothing more to say.
    if (batch.recordsCount === 0) return true
    for (const record of recordsOf(batch)) {
      const type = controlTypeOf(record)
      if (type === ControlType.COMMIT) return !this.#committed.delete(producerId)
      if (type !== ControlType.ABORT) return false
      const open = this.#aborted.get(producerId)
      this.#aborted.delete(producerId)
      if (open?.seen !== true) return true
      this.index?.append(open.transaction)
      return false
    }
    return true
  }
}
