// The embedded store: one process, one folder.
import type { Clock, Logger, Timer } from '@ottla/protocol'
import { AppendError, diskIsFull, Journal, snapshotIsDue } from './journal.ts'
import type { CommitResult, Entry, MetadataStore, RangeResult, Transaction, Watch, WatchListener } from './store.ts'
import { StoreError } from './store.ts'
import type { StoreFiles } from './store-files.ts'
import { nodeStoreFiles } from './store-files.ts'
import { assertTransaction, Draft, type StoreState } from './store-state.ts'

/** Transactions that share one flush at most. */
const GROUP_TRANSACTIONS = 1024

export interface LocalStoreOptions {
  /** Folder that this store has for itself; somebody else must see to it that no second process opens it. */
  readonly directory: string
  readonly clock: Clock
  readonly logger: Logger
  /** The disk; the real one when left out. */
  readonly files?: StoreFiles
  /** Told once when the store can no longer promise anything (a flush failed): the process should end. */
  readonly onFatal?: (error: Error) => void
}

interface Waiting {
  run(draft: Draft): CommitResult
  resolve(result: CommitResult): void
  reject(error: unknown): void
}

interface Watcher {
  readonly prefix: string
  readonly listener: WatchListener
  next: number
  open: boolean
}

interface Lease {
  readonly ttlMs: number
  deadline: number
}

/**
 * The embedded store: everything in memory, every group of transactions appended to a log and flushed once before any
 * of them is answered, seen by a read or told to a watch. Leases live as long as the process: what went with one is
 * deleted when the store is opened again, since every holder has died with the process.
 */
export class LocalStore implements MetadataStore {
  readonly #state: StoreState
  readonly #journal: Journal
  readonly #options: LocalStoreOptions
  readonly #queue: Waiting[] = []
  readonly #watchers = new Set<Watcher>()
  readonly #leases = new Map<string, Lease>()
  readonly #leasePrefix: string
  #leaseCount = 0
  #compactWanted = false
  #expiry: Timer | undefined
  #running: Promise<void> | undefined
  #snapshot: Promise<void> | undefined
  #closed: StoreError | undefined

  private constructor(options: LocalStoreOptions, opened: { journal: Journal; state: StoreState }) {
    this.#options = options
    this.#journal = opened.journal
    this.#state = opened.state
    this.#leasePrefix = `${opened.state.revision}.`
  }

  /** Opens or makes a store. Rejects with a `StoreError` of kind `corrupt`, or with the platform's error. */
  static async open(options: LocalStoreOptions): Promise<LocalStore> {
    const { journal, state, tornBytes } = await Journal.open({ directory: options.directory, files: options.files ?? nodeStoreFiles })
    if (tornBytes > 0)
      options.logger.warn({ directory: options.directory, bytes: tornBytes }, 'cut an unfinished write off the metadata log')
    const store = new LocalStore(options, { journal, state })
    if (state.leasedKeys.size > 0) await store.#submit(draft => draft.endLeases(() => true))
    return store
  }

  /** Revision of the last durable change. */
  get revision(): number {
    return this.#state.revision
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#assertOpen()
    return this.#state.get(key)
  }

  async range(prefix: string, options?: { after?: string; limit?: number }): Promise<RangeResult> {
    this.#assertOpen()
    return this.#state.range(prefix, options)
  }

  async commit(transaction: Transaction): Promise<CommitResult> {
    assertTransaction(transaction)
    return this.#submit(draft => draft.transact(transaction))
  }

  watch({ prefix, fromRevision }: { prefix: string; fromRevision: number }, listener: WatchListener): Watch {
    const watcher: Watcher = { prefix, listener, next: fromRevision, open: true }
    this.#watchers.add(watcher)
    queueMicrotask(() => this.#deliver(watcher))
    return {
      close: () => {
        watcher.open = false
        this.#watchers.delete(watcher)
      },
    }
  }

  async grantLease(ttlMs: number): Promise<{ readonly id: string; readonly ttlMs: number }> {
    this.#assertOpen()
    const id = `${this.#leasePrefix}${++this.#leaseCount}`
    this.#leases.set(id, { ttlMs, deadline: this.#options.clock.monotonic() + ttlMs })
    this.#scheduleExpiry()
    return { id, ttlMs }
  }

  async keepAlive(id: string): Promise<void> {
    this.#assertOpen()
    const lease = this.#leases.get(id)
    if (!lease) throw new StoreError('lease-not-found', `lease ${id} has ended`)
    lease.deadline = this.#options.clock.monotonic() + lease.ttlMs
  }

  async revokeLease(id: string): Promise<void> {
    this.#assertOpen()
    if (this.#leases.delete(id)) await this.#submit(draft => draft.endLeases(lease => !this.#leases.has(lease)))
  }

  /** Writes a snapshot now, drops the log before it and forgets the history that watches could ask for. */
  async compact(): Promise<void> {
    await this.#snapshot
    this.#compactWanted = true
    await this.#submit(draft => draft.transact({ writes: [] }))
    await this.#running
    await this.#snapshot
    this.#state.compact(this.#state.revision)
  }

  async close(): Promise<void> {
    this.#closed ??= new StoreError('closed', 'the metadata store is closed')
    this.#expiry?.cancel()
    this.#watchers.clear()
    while (this.#running) await this.#running
    await this.#snapshot
    if (this.#closed.message !== FAILED) this.#journal.close()
  }

  #assertOpen(): void {
    if (this.#closed) throw this.#closed
  }

  #submit(run: (draft: Draft) => CommitResult): Promise<CommitResult> {
    if (this.#closed) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => {
      this.#queue.push({ run, resolve, reject })
      this.#running ??= this.#runGroups()
    })
  }

  /** Serves the queue, one group after another; what arrives during a flush is the next group. */
  async #runGroups(): Promise<void> {
    await Promise.resolve()
    while (this.#queue.length > 0) {
      await this.#runGroup(this.#queue.splice(0, GROUP_TRANSACTIONS))
      const due = this.#compactWanted || snapshotIsDue(this.#journal)
      if (due && !this.#closed && !this.#snapshot) await this.#beginSnapshot()
    }
    // In the same step as the look at the queue, so that nothing can come in between and wait for ever.
    this.#running = undefined
  }

  async #runGroup(group: readonly Waiting[]): Promise<void> {
    if (this.#closed && this.#closed.message === FAILED) {
      for (const waiting of group) waiting.reject(this.#closed)
      return
    }
    const draft = new Draft(this.#state, lease => this.#leases.has(lease))
    const settle: (() => void)[] = group.map(waiting => {
      try {
        const result = waiting.run(draft)
        return () => waiting.resolve(result)
      } catch (error) {
        return () => waiting.reject(error)
      }
    })
    if (draft.revisions.length > 0) {
      try {
        await this.#journal.append(draft.revisions)
      } catch (error) {
        const failure = this.#appendFailed(error)
        for (const waiting of group) waiting.reject(failure)
        return
      }
      this.#state.apply(draft.revisions)
      for (const watcher of this.#watchers) this.#deliver(watcher)
    }
    for (const done of settle) done()
  }

  #appendFailed(error: unknown): StoreError {
    if (error instanceof AppendError && error.undone) {
      this.#options.logger.warn({ err: error }, 'the metadata log cannot grow, the change was refused')
      return new StoreError('unavailable', error.message, { cause: error })
    }
    this.#fail(error)
    return new StoreError('unknown-outcome', String(error), { cause: error })
  }

  #fail(error: unknown): void {
    if (this.#closed?.message === FAILED) return
    this.#closed = new StoreError('closed', FAILED, { cause: error })
    this.#expiry?.cancel()
    this.#options.logger.error({ err: error, directory: this.#options.directory }, FAILED)
    for (const watcher of this.#watchers) watcher.listener.failed(this.#closed)
    this.#watchers.clear()
    this.#options.onFatal?.(error instanceof Error ? error : new Error(String(error)))
  }

  /** Tells a watch what it has not heard yet. A listener that throws loses its watch. */
  #deliver(watcher: Watcher): void {
    if (!watcher.open || (this.#closed && !this.#running)) return
    try {
      const changes = this.#state.since(watcher.next, watcher.prefix)
      watcher.next = this.#state.revision + 1
      if (changes.length > 0) watcher.listener.changed(changes)
    } catch (error) {
      watcher.open = false
      this.#watchers.delete(watcher)
      if (error instanceof StoreError) watcher.listener.failed(error)
      else {
        this.#options.logger.error({ err: error }, 'a watch of the metadata store failed')
        watcher.listener.failed(new StoreError('closed', 'the listener of this watch failed', { cause: error }))
      }
    }
  }

  /** Rolls the log, which needs the pause between two groups, and starts writing the snapshot beside later groups. */
  async #beginSnapshot(): Promise<void> {
    const revision = this.#state.revision
    const entries = this.#state.entries()
    this.#compactWanted = false
    try {
      await this.#journal.roll(revision)
      this.#snapshot = this.#journal.writeSnapshot(entries, revision).then(
        () => {
          this.#snapshot = undefined
        },
        (error: unknown) => this.#snapshotFailed(error),
      )
    } catch (error) {
      this.#snapshotFailed(error)
    }
  }

  #snapshotFailed(error: unknown): void {
    this.#snapshot = undefined
    if (diskIsFull(error)) {
      // The log stays as it is and goes on growing; the next group tries again.
      this.#options.logger.warn({ err: error }, 'no room for a snapshot of the metadata')
    } else this.#fail(error)
  }

  #scheduleExpiry(): void {
    this.#expiry?.cancel()
    let soonest = Number.POSITIVE_INFINITY
    for (const { deadline } of this.#leases.values()) soonest = Math.min(soonest, deadline)
    if (soonest === Number.POSITIVE_INFINITY || this.#closed) return
    this.#expiry = this.#options.clock.after(Math.max(1, soonest - this.#options.clock.monotonic()), () => this.#expire())
  }

  #expire(): void {
    const now = this.#options.clock.monotonic()
    const ended = new Set<string>()
    for (const [id, { deadline }] of this.#leases) if (deadline <= now) ended.add(id)
    for (const id of ended) this.#leases.delete(id)
    if (ended.size > 0) {
      this.#submit(draft => draft.endLeases(lease => !this.#leases.has(lease))).catch((error: StoreError) => {
        // The lease is gone whatever the disk says; its keys go when the next lease ends or the store is opened again.
        this.#options.logger.warn({ err: error }, 'could not delete the keys of an ended lease')
      })
    }
    this.#scheduleExpiry()
  }
}

const FAILED = 'the metadata store has failed; restart after the cause is removed'
