// The one interface that the cluster's facts are kept behind: a small revisioned key-value store. Several brokers may
// use one store; reads and watches are hints, only `commit` decides (cluster rules R1, R16).
//
// Keys are printable ASCII and relative to the cluster's prefix: a store that clusters share puts the prefix before
// them. Values are text. Keys are ordered by their bytes. A revision counts the transactions that changed something;
// the empty store is at revision 1, so that 0 can mean 'absent' in a check.
// `store.contract.ts` is the meaning of all this, as tests that every implementation must pass.

/** One key with its value as of a revision. Immutable. */
export interface Entry {
  readonly key: string
  readonly value: string
  /** Revision that made the key (again, after a deletion). */
  readonly createRevision: number
  /** Revision that last wrote the key. */
  readonly modRevision: number
  /** How often the key was written since it was made, from 1. */
  readonly version: number
  /** The lease that the key goes with, null for a key that stays. */
  readonly lease: string | null
}

/** A condition on one key. An absent key has revisions and version 0 and the value null. */
export type Check =
  | { readonly key: string; readonly createRevision: number }
  | { readonly key: string; readonly modRevision: number }
  | { readonly key: string; readonly version: number }
  | { readonly key: string; readonly value: string | null }

/** Puts a key, deletes a key (no event when it is absent), or deletes every key that starts with `prefix`. */
export type Write =
  | { readonly key: string; readonly value: string; readonly lease?: string }
  | { readonly key: string; readonly value: null }
  | { readonly prefix: string; readonly value: null }

/** Writes that happen together, at one revision, if every check holds; nothing happens otherwise. */
export interface Transaction {
  readonly checks?: readonly Check[]
  readonly writes: readonly Write[]
}

export interface CommitResult {
  /** Whether every check held. */
  readonly succeeded: boolean
  /** The revision that the writes made; the current one where they changed nothing or a check failed. */
  readonly revision: number
}

export interface RangeResult {
  readonly entries: readonly Entry[]
  /** The revision that the entries are of: a watch from the next one misses nothing. */
  readonly revision: number
  /** Whether `limit` cut the answer short. */
  readonly more: boolean
}

/** What happened to one key; `entry` is null when it was deleted. */
export interface StoreEvent {
  readonly key: string
  readonly entry: Entry | null
}

/** All that one transaction changed, of the keys that are watched. */
export interface RevisionChange {
  readonly revision: number
  readonly events: readonly StoreEvent[]
}

export interface WatchListener {
  /** One or more revisions in order, each whole and each once. Never called from inside `watch`. */
  changed(revisions: readonly RevisionChange[]): void
  /** The watch has ended: `compacted` when the revisions asked for are gone (list again, then watch from there). */
  failed(error: StoreError): void
}

export interface Watch {
  /** Ends the watch; the listener hears nothing after that. */
  close(): void
}

/** Most checks, and most writes, of one transaction: etcd's own default. */
export const MAX_OPERATIONS = 128

export type StoreErrorKind =
  /** The revisions that a watch wants are no longer kept. */
  | 'compacted'
  /** More than `MAX_OPERATIONS` checks or writes. */
  | 'too-many-operations'
  /** A transaction writes one key twice. */
  | 'duplicate-key'
  /** The lease has expired or was never granted. */
  | 'lease-not-found'
  /** Certainly not done; may be tried again. */
  | 'unavailable'
  /** May or may not have been done (R4): only reading a newer revision tells. */
  | 'unknown-outcome'
  /** What is stored is damaged or incomplete. */
  | 'corrupt'
  /** The store has failed for good or was closed. */
  | 'closed'

export class StoreError extends Error {
  readonly kind: StoreErrorKind
  constructor(kind: StoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.kind = kind
  }
}

/** Every method rejects with a `StoreError`; nothing else is thrown. */
export interface MetadataStore {
  /** The entry of a key, undefined when it is absent. */
  get(key: string): Promise<Entry | undefined>
  /** Entries whose key starts with `prefix`, by key; after the key `after` and at most `limit` of them if given. */
  range(prefix: string, options?: { after?: string; limit?: number }): Promise<RangeResult>
  /** Checks and writes as one. Resolves once the writes are durable. Retrying after `unknown-outcome` is the caller's decision. */
  commit(transaction: Transaction): Promise<CommitResult>
  /** Tells every change of keys that start with `prefix`, from revision `fromRevision` on. */
  watch(options: { prefix: string; fromRevision: number }, listener: WatchListener): Watch
  /** A lease of at least `ttlMs`, measured on the store's monotonic clock: when it ends, its keys are deleted at one revision. */
  grantLease(ttlMs: number): Promise<{ readonly id: string; readonly ttlMs: number }>
  /** Starts the lease's time anew. Rejects with `lease-not-found` when it has ended. */
  keepAlive(lease: string): Promise<void>
  /** Ends a lease now, and its keys with it; resolves also for one that has ended. */
  revokeLease(lease: string): Promise<void>
  /** Waits for what was begun, then ends every watch silently. Idempotent. */
  close(): Promise<void>
}
