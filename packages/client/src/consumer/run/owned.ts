// A partition while it is this consumer's: what has been resolved and committed of it, who has it in hand, how often it failed.
import { setMaxListeners } from 'node:events'
import type { TopicPartition } from '../parts.ts'
import { finishedOf, tellsFinished, textOfFinished } from './finished-ahead.ts'
import type { Gaps } from './gaps.ts'

/** How often handling failed at one offset. */
interface Failures {
  readonly offset: number
  readonly count: number
}

/** State of one owned partition; a partition that comes back after a rebalance gets a new one. */
export class OwnedPartition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** Offset of the next message to be handled: what a commit writes. */
  resolved: number
  /** What the group has, as far as this member knows; -1: nothing. */
  committed: number
  /** Leader epoch of the records before `resolved` or of later ones, -1 when not known; it is committed with the offset. */
  leaderEpoch = -1
  /** Counted up by each seek: what was taken before is stale. */
  version = 0
  /** Being given up: nothing new is started. */
  closing = false
  /** Given up: what late handlers say counts no more. */
  closed = false
  paused = false
  /** How often handlers took some of it in hand. */
  entries = 0
  /** What was handed out, where that is out of order. */
  gaps: Gaps | null = null
  /** Finished beyond `resolved` by who had the partition before. */
  finishedBefore: ReadonlySet<number>
  /** What the group knows to be finished beyond `committed`, as `finished` tells it. */
  committedFinished: string | null
  /** How much of it handlers have in hand. */
  #inHand = 0
  #idle: (() => void)[] = []
  #failures: Failures = { offset: -1, count: 0 }
  #abort: AbortController | null = null
  /** What is to be told when it moves (the count for autoCommitThreshold). */
  readonly #moved: (by: number) => void

  constructor(
    at: TopicPartition,
    positions: { resolved: number; committed: number; metadata: string | null },
    moved: (by: number) => void,
  ) {
    this.topic = at.topic
    this.partition = at.partition
    this.resolved = positions.resolved
    this.committed = positions.committed
    this.finishedBefore = finishedOf(positions.resolved, positions.metadata)
    this.committedFinished = tellsFinished(positions.metadata) ? positions.metadata : null
    this.#moved = moved
  }

  /** Given to handlers; one for all of this partition. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController()
      // As many handlers listen as there are.
      setMaxListeners(0, this.#abort.signal)
    }
    return this.#abort.signal
  }

  get inHand(): number {
    return this.#inHand
  }

  /** Everything before `next` is done. */
  resolve(next: number): void {
    if (this.closed) return
    this.#moved(next - this.resolved)
    this.resolved = next
  }

  /** What is finished beyond `resolved`, as it is committed; null when nothing is. */
  finished(): string | null {
    const { finishedBefore, gaps, resolved } = this
    if (finishedBefore.size === 0 && gaps === null) return null
    const text = textOfFinished(resolved, [...finishedBefore, ...(gaps?.finishedAhead() ?? [])])
    // All of it has been passed: there is nothing left to be looked through at each commit.
    if (text === null && finishedBefore.size > 0) this.finishedBefore = new Set()
    return text
  }

  /** Goes on elsewhere, where a seek says. */
  move(offset: number): void {
    this.version++
    this.resolved = offset
    this.finishedBefore = new Set()
    this.gaps = null
    this.leaderEpoch = -1
    this.#failures = { offset: -1, count: 0 }
  }

  /** Whether what was taken at `version` may still be worked on. */
  isCurrent(version: number): boolean {
    return this.version === version && !this.closing
  }

  enter(): void {
    this.entries++
    this.#inHand++
  }

  leave(): void {
    if (--this.#inHand > 0) return
    const waiting = this.#idle
    this.#idle = []
    for (const resolve of waiting) resolve()
  }

  /** Resolves when nobody has anything of it in hand. */
  idle(): Promise<void> {
    return this.#inHand === 0 ? Promise.resolve() : new Promise(resolve => this.#idle.push(resolve))
  }

  /** How often handling has now failed at the offset where it stands. Progress begins the count anew. */
  failed(): number {
    const count = this.#failures.offset === this.resolved ? this.#failures.count + 1 : 1
    this.#failures = { offset: this.resolved, count }
    return count
  }

  /** How many times handling failed before at the offset where it stands. */
  get attempts(): number {
    return this.#failures.offset === this.resolved ? this.#failures.count : 0
  }

  /** Tells handlers that nobody waits for them any more. */
  tellStopped(reason: Error): void {
    this.#abort?.abort(reason)
  }

  /** It is no longer this consumer's; handlers that still run are told so. */
  close(reason: Error): void {
    this.closing = true
    this.closed = true
    if (this.#inHand > 0) this.tellStopped(reason)
  }
}

/** Owned partitions by topic and number. */
export class Ownership {
  readonly #topics = new Map<string, Map<number, OwnedPartition>>()

  get(topic: string, partition: number): OwnedPartition | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  set(owned: OwnedPartition): void {
    const partitions = this.#topics.get(owned.topic) ?? new Map<number, OwnedPartition>()
    this.#topics.set(owned.topic, partitions)
    partitions.set(owned.partition, owned)
  }

  delete(owned: OwnedPartition): void {
    const partitions = this.#topics.get(owned.topic)
    if (partitions?.get(owned.partition) !== owned) return
    partitions.delete(owned.partition)
    if (partitions.size === 0) this.#topics.delete(owned.topic)
  }

  *[Symbol.iterator](): Generator<OwnedPartition> {
    for (const partitions of this.#topics.values()) yield* partitions.values()
  }

  /** As KafkaJS tells assignments. */
  byTopic(): Record<string, number[]> {
    return Object.fromEntries([...this.#topics].map(([topic, partitions]) => [topic, [...partitions.keys()].toSorted((a, b) => a - b)]))
  }
}
