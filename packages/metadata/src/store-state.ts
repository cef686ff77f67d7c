// What a store holds, in memory, and how transactions are decided over it.
import { SortedKeys } from './sorted-keys.ts'
import type { Check, CommitResult, Entry, RangeResult, RevisionChange, StoreEvent, Transaction } from './store.ts'
import { MAX_OPERATIONS, StoreError } from './store.ts'

const NO_REVISION = 1

/** Revisions that are kept for watches that begin in the past. */
const HISTORY_REVISIONS = 8192

/** The keys and values of a store in memory, and the last revisions of it. Changes come in through a `Draft` or by replay. */
export class StoreState {
  revision = NO_REVISION
  /** Revisions up to this one can no longer be watched. */
  compactedRevision = NO_REVISION
  /** Keys that go with a lease. */
  readonly leasedKeys = new Set<string>()
  readonly keys = new SortedKeys()
  readonly #entries = new Map<string, Entry>()
  #history: RevisionChange[] = []

  get(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  /** All entries in no order, as of now. */
  entries(): Entry[] {
    return [...this.#entries.values()]
  }

  range(prefix: string, options: { after?: string; limit?: number } = {}): RangeResult {
    const limit = options.limit ?? Number.MAX_SAFE_INTEGER
    const entries: Entry[] = []
    for (const key of this.keys.startingWith(prefix, options.after)) {
      if (entries.length === limit) return { entries, revision: this.revision, more: true }
      entries.push(this.#entries.get(key)!)
    }
    return { entries, revision: this.revision, more: false }
  }

  /** Starts from a snapshot: nothing before it can be watched. */
  load(entries: Iterable<Entry>, revision: number): void {
    for (const entry of entries) this.#set(entry.key, entry)
    this.revision = revision
    this.compactedRevision = revision
  }

  /** Takes over revisions that follow the current one. */
  apply(revisions: readonly RevisionChange[]): void {
    for (const change of revisions) {
      for (const { key, entry } of change.events) this.#set(key, entry)
      this.#history.push(change)
      this.revision = change.revision
    }
    if (this.#history.length > 2 * HISTORY_REVISIONS) this.compact(this.revision - HISTORY_REVISIONS)
  }

  /** Forgets the history up to and including a revision. */
  compact(revision: number): void {
    this.compactedRevision = Math.max(this.compactedRevision, Math.min(revision, this.revision))
    this.#history = this.#history.slice(this.#indexInHistory(this.compactedRevision + 1))
  }

  /** What happened to keys with a prefix from a revision on. Throws `compacted`. */
  since(fromRevision: number, prefix: string): RevisionChange[] {
    if (fromRevision <= this.compactedRevision) {
      throw new StoreError('compacted', `revision ${fromRevision} is no longer kept, the oldest is ${this.compactedRevision + 1}`)
    }
    const changes = this.#history.slice(this.#indexInHistory(fromRevision))
    if (prefix === '') return changes
    return changes
      .map(({ revision, events }) => ({ revision, events: events.filter(event => event.key.startsWith(prefix)) }))
      .filter(change => change.events.length > 0)
  }

  /** Revisions follow each other without a gap, so the place is a subtraction. */
  #indexInHistory(revision: number): number {
    const first = this.#history[0]
    return first === undefined ? 0 : Math.max(0, revision - first.revision)
  }

  #set(key: string, entry: Entry | null): void {
    if (entry === null) {
      this.#entries.delete(key)
      this.keys.delete(key)
      this.leasedKeys.delete(key)
      return
    }
    if (!this.#entries.has(key)) this.keys.add(key)
    this.#entries.set(key, entry)
    if (entry.lease === null) this.leasedKeys.delete(key)
    else this.leasedKeys.add(key)
  }
}

/** The entry that putting a value makes of the one before. */
export function nextEntry(
  before: Entry | null | undefined,
  put: { key: string; value: string; lease: string | null; revision: number },
): Entry {
  const { key, value, lease, revision } = put
  return before
    ? { key, value, createRevision: before.createRevision, modRevision: revision, version: before.version + 1, lease }
    : { key, value, createRevision: revision, modRevision: revision, version: 1, lease }
}

/** Transactions evaluated one after another over a state that they do not touch: `revisions` is what they would change. */
export class Draft {
  readonly revisions: RevisionChange[] = []
  readonly #state: StoreState
  readonly #changed = new Map<string, Entry | null>()
  readonly #leaseExists: (lease: string) => boolean

  constructor(state: StoreState, leaseExists: (lease: string) => boolean) {
    this.#state = state
    this.#leaseExists = leaseExists
  }

  get #revision(): number {
    return this.#state.revision + this.revisions.length
  }

  /** Decides one transaction. Throws `lease-not-found`. */
  transact(transaction: Transaction): CommitResult {
    for (const check of transaction.checks ?? []) {
      if (!holds(check, this.#get(check.key))) return { succeeded: false, revision: this.#revision }
    }
    const revision = this.#revision + 1
    const events: StoreEvent[] = []
    for (const write of transaction.writes) {
      if ('prefix' in write) {
        for (const key of this.#keysStartingWith(write.prefix)) events.push({ key, entry: null })
      } else if (write.value !== null) {
        const lease = write.lease ?? null
        if (lease !== null && !this.#leaseExists(lease)) throw new StoreError('lease-not-found', `lease ${lease} has ended`)
        events.push({ key: write.key, entry: nextEntry(this.#get(write.key), { key: write.key, value: write.value, lease, revision }) })
      } else if (this.#get(write.key)) events.push({ key: write.key, entry: null })
    }
    return { succeeded: true, revision: this.#take(events) }
  }

  /** Deletes the leased keys for which `ended` holds, in the order of the keys, at one revision. */
  endLeases(ended: (lease: string) => boolean): CommitResult {
    const keys = new Set(this.#state.leasedKeys)
    for (const key of this.#changed.keys()) keys.add(key)
    const events: StoreEvent[] = []
    for (const key of [...keys].toSorted()) {
      const lease = this.#get(key)?.lease
      if (lease && ended(lease)) events.push({ key, entry: null })
    }
    return { succeeded: true, revision: this.#take(events) }
  }

  #take(events: readonly StoreEvent[]): number {
    if (events.length === 0) return this.#revision
    for (const { key, entry } of events) this.#changed.set(key, entry)
    this.revisions.push({ revision: this.#revision + 1, events })
    return this.#revision
  }

  #get(key: string): Entry | null | undefined {
    const changed = this.#changed.get(key)
    return changed === undefined ? this.#state.get(key) : changed
  }

  #keysStartingWith(prefix: string): string[] {
    const keys = new Set(this.#state.keys.startingWith(prefix))
    for (const [key, entry] of this.#changed) {
      if (entry === null) keys.delete(key)
      else if (key.startsWith(prefix)) keys.add(key)
    }
    return [...keys].toSorted()
  }
}

function holds(check: Check, entry: Entry | null | undefined): boolean {
  if ('value' in check) return (entry?.value ?? null) === check.value
  if ('modRevision' in check) return (entry?.modRevision ?? 0) === check.modRevision
  if ('createRevision' in check) return (entry?.createRevision ?? 0) === check.createRevision
  return (entry?.version ?? 0) === check.version
}

/** Throws where a transaction is not allowed whatever the state: too many operations, or one key written twice. */
export function assertTransaction({ checks = [], writes }: Transaction): void {
  if (checks.length > MAX_OPERATIONS || writes.length > MAX_OPERATIONS) {
    throw new StoreError(
      'too-many-operations',
      `${checks.length} checks and ${writes.length} writes in one transaction, ${MAX_OPERATIONS} are allowed`,
    )
  }
  const keys = new Set<string>()
  for (const write of writes) {
    if ('prefix' in write) continue
    if (keys.has(write.key)) throw new StoreError('duplicate-key', `${write.key} is written twice in one transaction`)
    keys.add(write.key)
  }
  for (const [index, write] of writes.entries()) {
    if (!('prefix' in write)) continue
    for (const [other, otherWrite] of writes.entries()) {
      const target = 'prefix' in otherWrite ? otherWrite.prefix : otherWrite.key
      if (other !== index && target.startsWith(write.prefix)) throw new StoreError('duplicate-key', `${target} is also deleted by a prefix`)
    }
  }
}
