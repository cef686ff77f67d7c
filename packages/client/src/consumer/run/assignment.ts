// The partitions that are this consumer's: where they begin, what is paused, where the program wants to go on, and how they are given up.
import type { Clock } from '@ottla/protocol'
import type { Logger } from '../../logger.ts'
import { delay } from '../../retry.ts'
import type { Fetcher, TopicPartition } from '../parts.ts'
import type { TopicPartitions } from '../types.ts'
import type { Committer } from './committer.ts'
import type { Lanes } from './lanes.ts'
import { OwnedPartition, Ownership } from './owned.ts'
import type { Pauses, TopicSelection } from './pauses.ts'
import type { Position, Positions } from './positions.ts'

/** What an assignment needs of its run. */
export interface AssignmentWorld {
  readonly clock: Clock
  readonly logger: Logger
  readonly fetcher: Fetcher
  readonly committer: Committer
  readonly positions: Positions
  readonly pauses: Pauses
  readonly lanes: Lanes | null
  readonly autoCommit: boolean
  /** How long handlers may take to finish when their partition is given up. */
  readonly revokeTimeoutMs: number
  readonly failed: (error: unknown) => void
}

/** Owned partitions of one run. */
export class Assignment {
  readonly owned: Ownership
  readonly #world: AssignmentWorld
  #isPatient = true

  constructor(owned: Ownership, world: AssignmentWorld) {
    this.owned = owned
    this.#world = world
  }

  /** Begins to read these. */
  async add(partitions: readonly TopicPartition[]): Promise<void> {
    const fresh = partitions.filter(at => this.owned.get(at.topic, at.partition) === undefined)
    if (fresh.length === 0) return
    const positions = await this.#world.positions.of(fresh)
    for (const position of positions) this.#own(position)
    this.#world.fetcher.add(positions)
    const paused = positions.filter(at => this.#world.pauses.has(at.topic, at.partition))
    if (paused.length > 0) this.#world.fetcher.pause(paused)
  }

  #own(position: Position): void {
    const { offset, committed, metadata, topic, partition } = position
    const owned = new OwnedPartition(position, { resolved: offset, committed, metadata }, by => this.#world.committer.resolved(by))
    owned.paused = this.#world.pauses.has(topic, partition)
    this.owned.set(owned)
  }

  /** Lets handlers finish, within bounds, commits, and reads these no longer. */
  async revoke(partitions: readonly TopicPartition[]): Promise<void> {
    const leaving = this.#closing(partitions)
    if (leaving.length === 0) return
    if (!(await this.idle(leaving, this.#isPatient ? this.#world.revokeTimeoutMs : 0))) {
      this.#world.logger.warn(
        'Handlers did not finish before their partitions had to be given up; what they have in hand is handled again',
        {
          partitions: leaving.filter(owned => owned.inHand > 0).map(({ topic, partition }) => ({ topic, partition })),
        },
      )
    }
    if (this.#world.autoCommit) {
      await this.#world.committer.flush(leaving).catch((error: unknown) => {
        this.#world.logger.warn('Could not commit before partitions were given up', { error: String(error) })
      })
    }
    this.#drop(leaving, new Error('The partition went to another member of the group'))
  }

  /** They belong to others already: handlers are told to stop. */
  async lose(partitions: readonly TopicPartition[]): Promise<void> {
    const leaving = this.#closing(partitions)
    this.#drop(leaving, new Error('The partition was lost to another member of the group'))
    await this.idle(leaving, this.#isPatient ? this.#world.revokeTimeoutMs : 0)
  }

  /** Waits for handlers no longer, and tells them so. */
  giveUpWaiting(): void {
    this.#isPatient = false
    for (const owned of this.owned) if (owned.inHand > 0) owned.tellStopped(new Error('The consumer was stopped'))
  }

  #closing(partitions: readonly TopicPartition[]): OwnedPartition[] {
    const leaving = partitions.map(at => this.owned.get(at.topic, at.partition)).filter(owned => owned !== undefined)
    for (const owned of leaving) owned.closing = true
    this.#world.fetcher.remove(leaving)
    for (const owned of leaving) this.#world.lanes?.unpark(owned)
    return leaving
  }

  #drop(leaving: readonly OwnedPartition[], reason: Error): void {
    for (const owned of leaving) {
      owned.close(reason)
      this.owned.delete(owned)
    }
  }

  /** Waits until handlers have nothing of these in hand; false when the time was up first. */
  async idle(of: Iterable<OwnedPartition>, timeoutMs: number): Promise<boolean> {
    const busy = [...of].filter(owned => owned.inHand > 0)
    if (busy.length === 0) return true
    if (timeoutMs === 0) return false
    const ended = new AbortController()
    const timeUp = delay(this.#world.clock, timeoutMs, ended.signal).then(
      () => false,
      () => false,
    )
    const finished = Promise.all(busy.map(owned => owned.idle())).then(() => true)
    const result = await Promise.race([finished, timeUp])
    ended.abort(new Error('No longer waited for'))
    return result
  }

  /** Goes on at an offset, -1 for the end of the partition, -2 for its start. Of partitions that are not owned it is kept until they are. */
  seek(at: TopicPartition, offset: number): void {
    const { fetcher, positions, committer, autoCommit } = this.#world
    const owned = this.owned.get(at.topic, at.partition)
    if (owned === undefined || owned.closing) return positions.seekLater(at, offset)
    if (offset < 0) return this.#seekSpecial(owned, offset)
    owned.move(offset)
    this.#world.lanes?.unpark(owned)
    fetcher.seek(owned, offset)
    if (autoCommit) committer.soon()
  }

  #seekSpecial(owned: OwnedPartition, offset: number): void {
    const { fetcher, positions } = this.#world
    owned.move(owned.resolved)
    const { version } = owned
    fetcher.pause([owned])
    positions.edge(owned, offset).then(
      found => {
        if (owned.version === version) this.seek(owned, found)
        if (!owned.paused && !owned.closed) fetcher.resume([owned])
      },
      (error: unknown) => this.#world.failed(error),
    )
  }

  pause(selection: readonly TopicSelection[]): void {
    this.#world.pauses.pause(selection)
    this.#applyPauses(selection)
  }

  resume(selection: readonly TopicSelection[]): void {
    this.#world.pauses.resume(selection)
    this.#applyPauses(selection)
  }

  #applyPauses(selection: readonly TopicSelection[]): void {
    const { fetcher, pauses, lanes } = this.#world
    const topics = new Set(selection.map(({ topic }) => topic))
    for (const owned of this.owned) {
      if (!topics.has(owned.topic)) continue
      const paused = pauses.has(owned.topic, owned.partition)
      if (paused === owned.paused) continue
      owned.paused = paused
      if (paused) {
        fetcher.pause([owned])
        continue
      }
      fetcher.resume([owned])
      lanes?.resumed(owned)
    }
  }

  /** The paused ones among those owned. */
  paused(): TopicPartitions[] {
    const { pauses } = this.#world
    return Object.entries(this.owned.byTopic())
      .map(([topic, partitions]) => ({ topic, partitions: partitions.filter(partition => pauses.has(topic, partition)) }))
      .filter(({ partitions }) => partitions.length > 0)
  }
}
