// Administrative changes on their way into the metadata store. What arrives there together becomes one group, which is written, taken into
// the image and told to everybody in one turn of the event loop. So that nobody makes a turn of ten thousand changes, only some are let in
// at a time; the others wait in the order in which they came.
import type { CommitResult, MetadataStore, Transaction } from '@ottla/metadata'

/** Checks and writes under way at a time. A transaction with more of them goes alone. */
const OPERATIONS_AT_ONCE = 512

const operationsOf = ({ checks = [], writes }: Transaction): number => checks.length + writes.length

/** See the top of the file. */
export class PacedStore {
  readonly #store: Pick<MetadataStore, 'commit'>
  readonly #waiting: { readonly operations: number; readonly begin: () => void }[] = []
  #underWay = 0

  constructor(store: Pick<MetadataStore, 'commit'>) {
    this.#store = store
  }

  /** As MetadataStore. */
  async commit(transaction: Transaction): Promise<CommitResult> {
    const operations = operationsOf(transaction)
    if (this.#waiting.length > 0 || !this.#hasRoom(operations)) {
      await new Promise<void>(begin => this.#waiting.push({ operations, begin }))
    } else this.#underWay += operations
    try {
      return await this.#store.commit(transaction)
    } finally {
      this.#underWay -= operations
      this.#letIn()
    }
  }

  #hasRoom(operations: number): boolean {
    return this.#underWay === 0 || this.#underWay + operations <= OPERATIONS_AT_ONCE
  }

  #letIn(): void {
    for (let [first] = this.#waiting; first !== undefined && this.#hasRoom(first.operations); [first] = this.#waiting) {
      this.#waiting.shift()
      this.#underWay += first.operations
      first.begin()
    }
  }
}
