// All transactional ids of one coordinator partition. An id without a transaction takes some 250 bytes with its name of twenty characters, for
// `transactional.id.expiration.ms` after its last use; a transaction takes 30 to 60 bytes more per partition while it lasts.

import type { CoordinatorRecord } from '../record.ts'
import { isIdle } from './states.ts'
import { readTransaction, type Transaction } from './transaction.ts'

/** See the top of the file. */
export class Transactions {
  readonly #all = new Map<string, Transaction>()
  /** Those that are under way: what time-outs and metrics look at. */
  readonly #open = new Map<string, Transaction>()

  /** How many ids there are. */
  get size(): number {
    return this.#all.size
  }

  /** How many transactions are under way. */
  get openCount(): number {
    return this.#open.size
  }

  get(transactionalId: string): Transaction | undefined {
    return this.#all.get(transactionalId)
  }

  /** All ids. */
  values(): MapIterator<Transaction> {
    return this.#all.values()
  }

  /** Transactions under way, the longest in their state first. */
  open(): MapIterator<Transaction> {
    return this.#open.values()
  }

  /** Takes a record. */
  replay(record: CoordinatorRecord): void {
    const read = readTransaction(record)
    if (read === undefined) return
    const { transactionalId, transaction } = read
    if (transaction === null) this.#all.delete(transactionalId)
    else this.#all.set(transactionalId, transaction)
    if (transaction === null || isIdle(transaction.state)) this.#open.delete(transactionalId)
    else this.#open.set(transactionalId, transaction)
  }
}
