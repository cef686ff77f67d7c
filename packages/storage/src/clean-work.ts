// The heavy part of one compaction pass: it knows files and numbers, but no `Log`, and so runs on the event loop or in a thread of its own
// (clean-thread.ts) with the same code. The other part, which begins and completes segments and exchanges them, is compaction.ts.

import type { PassPace } from './clean-pace.ts'
import { CleanCounts, type LastRecord } from './clean-rules.ts'
import { type CleanInput, cleanGroup, type CleanSource, type CleanTarget, mapKeys } from './clean-segments.ts'
import { CleanTransactions } from './clean-transactions.ts'
import type { Files } from './files.ts'
import { KeyOffsetMap, type KeyOffsetMapOptions } from './key-offset-map.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/** What is known of a pass when it begins. It goes to another thread as it is. */
export interface PassFacts {
  readonly map: KeyOffsetMapOptions
  /** About how much is read at a time. */
  readonly bufferBytes: number
  /** Segments that hold what is dirty, which is [startOffset, endOffset). */
  readonly dirty: readonly CleanSource[]
  readonly startOffset: number
  readonly endOffset: number
  /** Aborted transactions that overlap what is dirty, and those that overlap what will be written anew. */
  readonly abortedDirty: readonly AbortedTransaction[]
  readonly aborted: readonly AbortedTransaction[]
  /** See CleanRules. */
  readonly now: number
  readonly deleteRetentionMs: number
  readonly legacyHorizonMs: number
}

/** Segments that become one. */
export interface GroupFacts {
  readonly sources: readonly CleanSource[]
  readonly lastRecords: ReadonlyMap<number, LastRecord>
}

/** What the map holds. */
export interface Mapped {
  /** See KeyOffsetMap. */
  readonly latestOffset: number
  readonly keys: number
}

/** The cleaned segment, for work that is done here and for work that is done in a thread. */
export interface GroupTarget extends CleanTarget {
  /** Its file, which is there and empty. */
  readonly path: string
  /** Something was written to the file behind all before: three numbers for each batch, its last offset, greatest timestamp and size. */
  wrote(facts: Float64Array): void
}

/** One pass: `mapKeys`, then `cleanGroup` for one group after the other, and at last, whatever happened, `end`. They reject as those in clean-segments.ts do. */
export interface CleanWork {
  readonly counts: CleanCounts
  mapKeys(): Promise<Mapped>
  cleanGroup(group: GroupFacts, target: GroupTarget, index: TransactionSink): Promise<void>
  end(): void
}

/** Takes the aborted transactions of which something is left. */
export interface TransactionSink {
  append(transaction: AbortedTransaction): void
}

/** See CleanWork; this is the work itself, wherever it is done. */
export class CleanPass {
  readonly counts = new CleanCounts()
  readonly #facts: PassFacts
  readonly #input: CleanInput
  readonly #map: KeyOffsetMap
  readonly #transactions: CleanTransactions

  constructor(facts: PassFacts, world: { readonly files: Files; readonly pace: PassPace }) {
    this.#facts = facts
    this.#input = { ...world, bufferBytes: facts.bufferBytes }
    this.#map = new KeyOffsetMap(facts.map)
    this.#transactions = new CleanTransactions(facts.aborted)
  }

  async mapKeys(): Promise<Mapped> {
    const { abortedDirty, dirty, endOffset, startOffset } = this.#facts
    const map = this.#map
    await mapKeys(this.#input, dirty, map, {
      startOffset,
      endOffset,
      transactions: new CleanTransactions(abortedDirty),
      counts: this.counts,
    })
    return { latestOffset: map.latestOffset, keys: map.size }
  }

  async cleanGroup({ lastRecords, sources }: GroupFacts, target: CleanTarget, index: TransactionSink): Promise<void> {
    const { deleteRetentionMs, endOffset, legacyHorizonMs, now } = this.#facts
    const transactions = this.#transactions
    transactions.index = index
    const rules = { map: this.#map, transactions, lastRecords, endOffset, now, deleteRetentionMs, legacyHorizonMs }
    await cleanGroup(this.#input, sources, target, { rules, counts: this.counts })
  }

  end(): void {
    // Nothing is held that is not let go with the pass.
  }
}
