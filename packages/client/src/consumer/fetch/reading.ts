// All that is being read: partitions, who fetches them, and which have something to hand out. Whoever changes a partition says so by `changed`.
import { setMaxListeners } from 'node:events'
import type { Cluster } from '../../cluster/cluster.ts'
import { ReadAheadMemory } from './memory.ts'
import { NodeFetch } from './node-fetch.ts'
import type { FetcherSettings } from './options.ts'
import type { ReadPartition } from './read-partition.ts'

/** The first wait after a failure of one partition, in ms, where the client's retries do not begin sooner. */
const FIRST_RETRY_MS = 100

export class Reading {
  readonly cluster: Cluster
  readonly settings: FetcherSettings
  readonly memory: ReadAheadMemory
  readonly nodes = new Map<number, NodeFetch>()
  /** Partitions that `take` can give something of, in the order of their turns. */
  readonly ready = new Set<ReadPartition>()
  /** Partitions without leader, without offset or with an offset in doubt. */
  readonly troubled = new Set<ReadPartition>()
  readonly #ended = new AbortController()
  readonly #partitions = new Map<string, Map<number, ReadPartition>>()
  readonly #seeTo: () => void
  readonly #wake: () => void
  #error: Error | undefined
  #isPumpDue = false
  #wakeAtMs = Number.POSITIVE_INFINITY
  #cancelTimer: () => void = () => undefined

  constructor(cluster: Cluster, settings: FetcherSettings, told: { readonly seeToTroubled: () => void; readonly wake: () => void }) {
    this.cluster = cluster
    this.settings = settings
    this.#seeTo = told.seeToTroubled
    this.#wake = told.wake
    // Every request under way listens to it.
    setMaxListeners(0, this.#ended.signal)
    this.memory = new ReadAheadMemory(settings.bufferMemory, () => this.poke())
  }

  get signal(): AbortSignal {
    return this.#ended.signal
  }
  get isEnded(): boolean {
    return this.#ended.signal.aborted
  }
  get nowMs(): number {
    return this.cluster.clock.monotonic()
  }

  get(topic: string, partition: number): ReadPartition | undefined {
    return this.#partitions.get(topic)?.get(partition)
  }
  *all(): Generator<ReadPartition, void, undefined> {
    for (const partitions of this.#partitions.values()) yield* partitions.values()
  }

  add(read: ReadPartition): void {
    const partitions = this.#partitions.get(read.topic) ?? new Map<number, ReadPartition>()
    this.#partitions.set(read.topic, partitions)
    partitions.set(read.partition, read)
    this.place(read)
  }

  remove(read: ReadPartition): void {
    const partitions = this.#partitions.get(read.topic)
    partitions?.delete(read.partition)
    if (partitions?.size === 0) this.#partitions.delete(read.topic)
    read.remove()
    this.#moveTo(read, undefined)
    this.changed(read)
  }

  /** Notes what a partition's change means to others. */
  changed(read: ReadPartition): void {
    if (!read.isTakeable) this.ready.delete(read)
    else if (!this.ready.has(read)) {
      this.ready.add(read)
      this.#wake()
    }
    if (read.isTroubled) this.troubled.add(read)
    else this.troubled.delete(read)
    read.node?.changed(read)
    this.poke()
  }

  /** Finds out who fetches a partition: the replica that its leader named, else its leader as metadata has it. */
  place(read: ReadPartition): void {
    const { image } = this.cluster
    const topic = image.topics.get(read.topic)
    const found = topic?.partitions[read.partition]
    if (topic === undefined || found === undefined) {
      this.#moveTo(read, undefined)
      this.changed(read)
      return
    }
    const isOther = read.topicId !== topic.id
    if (isOther && read.leaderEpoch >= 0) read.offsetEpoch = -1
    read.topicId = topic.id
    if (isOther || found.leaderEpoch > read.leaderEpoch) {
      // What was read before may not be what the new leader has.
      if (read.offsetEpoch >= 0 && read.offsetEpoch < found.leaderEpoch && read.errand === undefined) read.errand = 'validate'
      read.leaderEpoch = found.leaderEpoch
      read.retryAtMs = 0
      read.preferred = undefined
    }
    const { preferred } = read
    if (preferred !== undefined) {
      const isUsable =
        preferred.untilMs > this.nowMs && image.nodes.has(preferred.nodeId) && !found.offlineReplicas.includes(preferred.nodeId)
      if (!isUsable) read.preferred = undefined
    }
    const nodeId = read.preferred?.nodeId ?? found.leader
    this.#moveTo(read, image.nodes.has(nodeId) ? this.#node(nodeId) : undefined)
    this.changed(read)
  }

  #node(nodeId: number): NodeFetch {
    const node = this.nodes.get(nodeId) ?? new NodeFetch(this, nodeId)
    this.nodes.set(nodeId, node)
    return node
  }

  #moveTo(read: ReadPartition, node: NodeFetch | undefined): void {
    const before = read.node
    if (before === node) return
    if (before !== undefined) {
      before.remove(read)
      if (before.isIdle) this.nodes.delete(before.nodeId)
    }
    read.node = node
    if (node === undefined) return
    // A leader that is found ends the waiting for one.
    if (before === undefined) read.retryAtMs = 0
    node.add(read)
  }

  /** Something failed: the partition waits, longer each time. */
  backOff(read: ReadPartition): void {
    read.retryAtMs = this.nowMs + this.retryDelayMs(read.failures++, FIRST_RETRY_MS)
    this.wakeAt(read.retryAtMs)
  }

  /** How long to wait after `failures` failures in a row before the last. */
  retryDelayMs(failures: number, firstMs: number = this.cluster.retry.initialRetryTime): number {
    const { initialRetryTime, multiplier, factor, maxRetryTime } = this.cluster.retry
    const delayMs = Math.min(firstMs, initialRetryTime) * multiplier ** Math.min(failures, 16)
    return Math.min(maxRetryTime, Math.ceil(delayMs * (1 - factor + this.cluster.random.next() * 2 * factor)))
  }

  /** What `take` throws next, of no one partition. */
  fail(error: Error): void {
    this.#error = error
    this.#wake()
  }
  get hasError(): boolean {
    return this.#error !== undefined
  }
  takeError(): Error | undefined {
    const error = this.#error
    this.#error = undefined
    return error
  }

  /** Sees to everything soon. */
  poke(): void {
    if (this.#isPumpDue || this.isEnded) return
    this.#isPumpDue = true
    queueMicrotask(() => this.pump())
  }

  /** Sees to everything now: sends what can be sent. */
  pump(): void {
    this.#isPumpDue = false
    if (this.isEnded) return
    if (this.troubled.size > 0) this.#seeTo()
    for (const node of this.nodes.values()) node.fetchIfDue()
    if (this.memory.usedBytes > 0 && this.ready.size === 0) this.#dropPaused()
  }

  /** Paused partitions may not keep others from being read: when their records fill the memory, they are read again later. */
  #dropPaused(): void {
    const { memory } = this
    if (memory.freeBytes * 2 >= memory.limitBytes) return
    const kept: ReadPartition[] = []
    for (const read of this.all()) {
      if (read.inHand !== undefined) return
      if (read.isPaused && read.buffered !== undefined) kept.push(read)
    }
    for (const read of kept) {
      read.dropBuffered()
      this.changed(read)
    }
  }

  /** Pokes at a time of the monotonic clock at the latest. */
  wakeAt(timeMs: number): void {
    if (this.isEnded || timeMs >= this.#wakeAtMs) return
    this.#cancelTimer()
    this.#wakeAtMs = timeMs
    const timer = this.cluster.clock.after(Math.max(0, timeMs - this.nowMs), () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY
      this.poke()
    })
    this.#cancelTimer = () => timer.cancel()
  }

  end(reason: Error): void {
    this.#ended.abort(reason)
    this.#cancelTimer()
    for (const read of this.all()) this.remove(read)
  }
}
