// What follows when a fetch or a handler fails: the error is logged, what was resolved before is committed, and after a while, longer each time, there is
// another try; when there have been too many, or none can help, the run crashes.
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaJSCorruptRecordError } from '../../errors/index.ts'
import type { Logger } from '../../logger.ts'
import { delay } from '../../retry.ts'
import { asError, crashAfter, isRebalancing, placeOf, retryTimeAfter } from './failures.ts'
import type { OwnedPartition } from './owned.ts'

/** How long a handler waits that was interrupted by a rebalance, in ms, before it is tried again if its partition is still there. */
const rebalanceWaitMs = 100

/** What recovering needs of its run. */
export interface RecoveryWorld {
  readonly cluster: Cluster
  readonly logger: Logger
  readonly groupId: string
  /** What the program's handler is called in logs. */
  readonly call: 'eachBatch' | 'eachMessage'
  /** Aborted when the run ends. */
  readonly ending: AbortSignal
  /** Commits what is resolved, if that is done without being asked. Does not reject. */
  readonly commit: () => Promise<void>
  readonly crash: (error: Error) => void
}

/** The failures of one run. */
export class Recovery {
  readonly #world: RecoveryWorld
  /** Failed fetches in a row, by partition; '' where the error is of no one partition. */
  readonly #fetchFailures = new Map<string, number>()

  constructor(world: RecoveryWorld) {
    this.#world = world
  }

  /** Records of a partition came. */
  fetched(of: { readonly topic: string; readonly partition: number }): void {
    if (this.#fetchFailures.size > 0) for (const place of ['', placeOf(of)]) this.#fetchFailures.delete(place)
  }

  /** Resolves when the next records are to be taken. */
  async fetchFailed(error: Error): Promise<void> {
    const { ending, cluster, logger, groupId, crash } = this.#world
    if (ending.aborted) return
    const place = placeOf(error)
    const count = (this.#fetchFailures.get(place) ?? 0) + 1
    this.#fetchFailures.set(place, count)
    const retryTime = retryTimeAfter(count, cluster)
    const { retries } = cluster.retry
    // Another replica may have what one has damaged, and a disk or a network may err once.
    const mayHeal = error instanceof KafkaJSCorruptRecordError && count <= retries
    const end = mayHeal ? null : crashAfter(error, count, { retries, retryTime })
    logger.error('Could not fetch', { groupId, error: error.message, stack: error.stack, retryCount: count - 1 })
    if (end !== null) return crash(end)
    // The fetcher lets a partition that failed wait, and brings the others meanwhile.
    if (place === '') await this.#delay(retryTime)
  }

  /** A handler failed that got records taken at `version`. Resolves with whether the partition is to be read again from where it is resolved. */
  async handlerFailed(owned: OwnedPartition, version: number, error: Error): Promise<boolean> {
    const isWanted = () => !this.#world.ending.aborted && owned.isCurrent(version)
    if (!isWanted()) {
      const { topic, partition } = owned
      this.#world.logger.warn('A handler failed whose work is no longer wanted', {
        topic,
        partition,
        error: error.message,
        stack: error.stack,
      })
      return false
    }
    if (isRebalancing(error)) await this.#interrupted(owned, error)
    else await this.#failedAt(owned, { error, count: owned.failed(), offset: String(owned.resolved) })
    return isWanted()
  }

  /** A handler failed for the `count`-th time at one message. Resolves when it is to be called again, rejects when it is not. */
  async failedInLane(owned: OwnedPartition, about: { error: unknown; count: number; offset: string }): Promise<void> {
    const error = asError(about.error)
    if (isRebalancing(error)) await this.#interrupted(owned, error)
    else await this.#failedAt(owned, { ...about, error })
    if (this.#world.ending.aborted) throw error
  }

  /** The group rebalances: no failure of the handler, and not counted as one. */
  #interrupted({ topic, partition }: OwnedPartition, error: Error): Promise<void> {
    this.#world.logger.warn('A handler was interrupted by a rebalance of the group', { topic, partition, error: error.message })
    return this.#delay(rebalanceWaitMs)
  }

  async #failedAt(owned: OwnedPartition, { error, count, offset }: { error: Error; count: number; offset: string }): Promise<void> {
    const { cluster, logger, call, commit, crash } = this.#world
    const { topic, partition } = owned
    const retryTime = retryTimeAfter(count, cluster)
    const end = crashAfter(error, count, { retries: cluster.retry.retries, retryTime })
    const { message, stack } = error
    logger.error(`Error when calling ${call}`, { topic, partition, offset, error: message, stack, retryCount: count - 1 })
    await commit()
    if (end === null) await this.#delay(retryTime)
    else crash(end)
  }

  #delay(delayMs: number): Promise<void> {
    return delay(this.#world.cluster.clock, delayMs, this.#world.ending).catch(() => {})
  }
}
