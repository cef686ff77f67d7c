// Reads partitions ahead and hands out what came (KafkaJS's FetchManager, Java's Fetcher): one fetch session with each broker, one request under way
// in each, the next sent as soon as somebody takes records. Positions have versions: an answer to a question that is no longer asked is dropped.
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaJSNonRetriableError } from '../../errors/index.ts'
import type { FetchedRecords, Fetcher, TopicPartition } from '../parts.ts'
import { corrupt } from './answers.ts'
import { Errands } from './errands.ts'
import { Fetched } from './fetched.ts'
import { type FetcherOptions, type FetcherSettings, fetcherSettings } from './options.ts'
import { ReadPartition } from './read-partition.ts'
import { Reading } from './reading.ts'

export type { FetchEvents, FetcherOptions, PositionReset } from './options.ts'

/** A fetcher that reads nothing yet. */
export const createFetcher = (cluster: Cluster, options: FetcherOptions = {}): Fetcher =>
  new ClusterFetcher(cluster, fetcherSettings(options))

interface Waiter {
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

class ClusterFetcher implements Fetcher {
  readonly #reading: Reading
  readonly #settings: FetcherSettings
  readonly #waiters = new Set<Waiter>()
  readonly #unsubscribe: () => void
  #versions = 0

  constructor(cluster: Cluster, settings: FetcherSettings) {
    this.#settings = settings
    const reading: Reading = new Reading(cluster, settings, { seeToTroubled: () => errands.run(), wake: () => this.#wake() })
    const errands = new Errands(reading)
    this.#reading = reading
    this.#unsubscribe = cluster.onChange(() => {
      for (const read of reading.all()) reading.place(read)
    })
  }

  assign(positions: ReadonlyMap<string, ReadonlyMap<number, number>>): void {
    for (const read of this.#reading.all()) if (positions.get(read.topic)?.has(read.partition) !== true) this.#reading.remove(read)
    for (const [topic, partitions] of positions) for (const [partition, offset] of partitions) this.add([{ topic, partition, offset }])
  }

  add(positions: readonly (TopicPartition & { readonly offset: number; readonly leaderEpoch?: number })[]): void {
    for (const { topic, partition, offset, leaderEpoch = -1 } of positions) {
      if (this.#reading.isEnded || this.#reading.get(topic, partition) !== undefined) continue
      const at = { offset, offsetEpoch: leaderEpoch, version: ++this.#versions, fetchBytes: this.#settings.maxBytesPerPartition }
      this.#reading.add(new ReadPartition(topic, partition, at))
    }
  }

  remove(partitions: Iterable<TopicPartition>): void {
    for (const { topic, partition } of partitions) {
      const read = this.#reading.get(topic, partition)
      if (read !== undefined) this.#reading.remove(read)
    }
  }

  seek({ topic, partition }: TopicPartition, offset: number): boolean {
    const read = this.#reading.get(topic, partition)
    if (read === undefined) return false
    read.moveTo(offset, ++this.#versions)
    this.#reading.changed(read)
    return true
  }

  pause(partitions: Iterable<TopicPartition>): void {
    this.#setPaused(partitions, true)
  }

  resume(partitions: Iterable<TopicPartition>): void {
    this.#setPaused(partitions, false)
  }

  #setPaused(partitions: Iterable<TopicPartition>, isPaused: boolean): void {
    for (const { topic, partition } of partitions) {
      const read = this.#reading.get(topic, partition)
      if (read === undefined || read.isPaused === isPaused) continue
      read.isPaused = isPaused
      this.#reading.changed(read)
    }
  }

  paused(): TopicPartition[] {
    const paused: TopicPartition[] = []
    for (const { topic, partition, isPaused } of this.#reading.all()) if (isPaused) paused.push({ topic, partition })
    return paused
  }

  take(): FetchedRecords | undefined {
    const reading = this.#reading
    const failure = reading.takeError()
    if (failure !== undefined) throw failure
    for (const read of reading.ready) {
      const fetched = read.buffered
      if (fetched === undefined) {
        const { error } = read
        read.error = undefined
        reading.changed(read)
        throw error ?? new KafkaJSNonRetriableError('Nothing to take')
      }
      read.buffered = undefined
      read.inHand = fetched
      reading.changed(read)
      // The next request is under way while these are decoded.
      reading.pump()
      if (this.#open(read, fetched)) return fetched
    }
    return undefined
  }

  /** Decodes; what cannot be read is not passed over: reading goes on, or does not, right before it. */
  #open(read: ReadPartition, fetched: Fetched): boolean {
    const unreadable = fetched.open(this.#settings.checkCrcs)
    if (unreadable === undefined) {
      read.failures = 0
      return true
    }
    read.offset = fetched.nextOffset
    read.offsetEpoch = fetched.leaderEpoch
    if (fetched.nextOffset > fetched.fetchOffset) return true
    corrupt(this.#reading, read, unreadable)
    const { error } = read
    read.error = undefined
    this.done(fetched)
    throw error ?? unreadable.cause
  }

  done(taken: FetchedRecords): void {
    if (!(taken instanceof Fetched)) return
    const { frame } = taken
    taken.frame = undefined
    const read = this.#reading.get(taken.topic, taken.partition)
    if (read?.inHand === taken) {
      read.inHand = undefined
      this.#reading.changed(read)
    }
    frame?.release()
  }

  isCurrent(taken: FetchedRecords): boolean {
    return this.#reading.get(taken.topic, taken.partition)?.version === taken.version
  }

  ready(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      if (this.#reading.isEnded) return reject(closed())
      if (this.#reading.ready.size > 0 || this.#reading.hasError) return resolve()
      const aborted = (): void => {
        this.#waiters.delete(waiter)
        reject(signal.reason)
      }
      const leave = <T extends unknown[]>(then: (...values: T) => void) => {
        return (...values: T): void => {
          signal.removeEventListener('abort', aborted)
          then(...values)
        }
      }
      const waiter: Waiter = { resolve: leave(resolve), reject: leave(reject) }
      this.#waiters.add(waiter)
      signal.addEventListener('abort', aborted, { once: true })
    })
  }

  #wake(): void {
    if (this.#waiters.size === 0) return
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const { resolve } of waiters) resolve()
  }

  position({ topic, partition }: TopicPartition): { readonly offset: number; readonly endOffset: number } | undefined {
    const read = this.#reading.get(topic, partition)
    return read === undefined ? undefined : { offset: read.offset, endOffset: read.endOffset }
  }

  async close(): Promise<void> {
    const reading = this.#reading
    if (reading.isEnded) return
    this.#unsubscribe()
    const nodes = [...reading.nodes.values()]
    reading.end(closed())
    for (const { reject } of this.#waiters) reject(closed())
    this.#waiters.clear()
    await Promise.all(nodes.map(node => node.end()))
  }
}

const closed = (): Error => new KafkaJSNonRetriableError('The fetcher is closed')
