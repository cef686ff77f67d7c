// When and what is committed. Commits run one after the other, so that an older one never overwrites a newer one. In the background
// they begin at once when none has been sent for `distanceMs`, else then: a consumer that is busy commits a few times a second, each
// time all of its partitions, and one that is not commits each batch as it is done.
import type { Clock, Timer } from '@ottla/protocol'
import type { OffsetToCommit } from '../parts.ts'
import type { OwnedPartition } from './owned.ts'

const distanceMs = 100

/** What commits go through. */
export interface CommitterWorld {
  readonly clock: Clock
  /** Sends them; rejects when that failed for good. */
  readonly commit: (offsets: readonly OffsetToCommit[]) => Promise<void>
  /** The partitions that are owned. */
  readonly owned: Iterable<OwnedPartition>
  /** Told of a commit in the background that failed. */
  readonly failed: (error: unknown) => void
  /** Whether offsets are committed without being asked. */
  readonly autoCommit: boolean
  readonly intervalMs: number | null
  readonly threshold: number | null
}

/** The commits of one run. */
export class Committer {
  readonly #world: CommitterWorld
  #last: Promise<void> = Promise.resolve()
  #sending = 0
  #lastSent: number
  /** Before this no commit begins in the background. */
  #notBefore = 0
  #timer: Timer | null = null
  #resolvedSince = 0
  #again = false
  #closed = false

  constructor(world: CommitterWorld) {
    this.#world = world
    this.#lastSent = world.clock.monotonic()
  }

  /** Counts what has been resolved (`autoCommitThreshold`). */
  resolved(count: number): void {
    this.#resolvedSince += count
  }

  /** Whether `autoCommitInterval` or `autoCommitThreshold` ask for a commit now. */
  get due(): boolean {
    const { intervalMs, threshold, clock } = this.#world
    if (threshold !== null && this.#resolvedSince >= threshold) return true
    return intervalMs !== null && clock.monotonic() - this.#lastSent >= intervalMs
  }

  /** Commits in the background what is resolved, if this is on. */
  soon(): void {
    if (!this.#world.autoCommit || this.#closed || this.#timer !== null) return
    if (this.#sending > 0) {
      this.#again = true
      return
    }
    const waitMs = this.#notBefore - this.#world.clock.monotonic()
    if (waitMs <= 0) return this.#background()
    this.#timer = this.#world.clock.after(waitMs, () => {
      this.#timer = null
      this.#background()
    })
  }

  #background(): void {
    this.flush().catch((error: unknown) => this.#world.failed(error))
  }

  /** Commits what is resolved of all partitions, or of these. */
  flush(of: Iterable<OwnedPartition> = this.#world.owned): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return this.#inTurn(async () => {
      this.#resolvedSince = 0
      const sent: { owned: OwnedPartition; offset: number; metadata: string | null }[] = []
      for (const owned of of) {
        if (owned.resolved < 0 || owned.closed) continue
        const metadata = owned.finished()
        if (owned.resolved !== owned.committed || metadata !== owned.committedFinished)
          sent.push({ owned, offset: owned.resolved, metadata })
      }
      if (sent.length === 0) return
      await this.#send(
        sent.map(({ owned: { topic, partition, leaderEpoch }, offset, metadata }) => ({ topic, partition, offset, leaderEpoch, metadata })),
      )
      for (const { owned, offset, metadata } of sent) {
        owned.committed = offset
        owned.committedFinished = metadata
      }
    })
  }

  /** Commits exactly these. */
  commit(offsets: readonly OffsetToCommit[], find: (at: OffsetToCommit) => OwnedPartition | undefined): Promise<void> {
    return this.#inTurn(async () => {
      if (offsets.length === 0) return
      await this.#send(offsets)
      for (const at of offsets) {
        const owned = find(at)
        if (owned !== undefined) owned.committed = at.offset
      }
    })
  }

  async #send(offsets: readonly OffsetToCommit[]): Promise<void> {
    try {
      await this.#world.commit(offsets)
    } finally {
      this.#notBefore = this.#world.clock.monotonic() + distanceMs
    }
  }

  #inTurn(send: () => Promise<void>): Promise<void> {
    this.#sending++
    const turn = this.#last.then(send).finally(() => {
      this.#sending--
      this.#lastSent = this.#world.clock.monotonic()
      if (this.#again && this.#sending === 0) {
        this.#again = false
        this.soon()
      }
    })
    this.#last = turn.catch(() => {})
    return turn
  }

  /** Nothing is committed any more unless it is named. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#closed = true
  }
}
