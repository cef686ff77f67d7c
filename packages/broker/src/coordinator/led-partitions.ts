// Which partitions of an internal topic this broker leads, told to their coordinator's runtime as that changes. The metadata may name a
// leader before it has the log: then the partition is looked at again.
import type { CoordinatorLog } from '@ottla/coordinator'
import type { ClusterChanges } from '@ottla/metadata'
import { type Clock, ErrorCode, type Timer } from '@ottla/protocol'
import type { Partition } from '../replica/partition.ts'
import type { ImageSource, Replicas } from '../replica/replicas.ts'
import { PartitionLog } from './partition-log.ts'

/** After so long a partition whose log was not there is looked at again. */
const RETRY_MS = 1000

/** What leads and resigns; `CoordinatorRuntime` does. */
export interface Leads {
  lead(partition: number, leaderEpoch: number, log: CoordinatorLog): void
  resign(partition: number): void
}

/** What it is made of. */
export interface LedPartitionsParts {
  readonly topic: string
  readonly metadata: ImageSource
  readonly replicas: Replicas
  readonly clock: Clock
}

/** See the top of the file. */
export class LedPartitions {
  readonly #parts: LedPartitionsParts
  readonly #runtime: Leads
  readonly #led = new Map<number, { readonly partition: Partition; readonly leaderEpoch: number }>()
  /** Partitions that this broker should lead and cannot yet. */
  readonly #missing = new Set<number>()
  #retry: Timer | null = null
  #looking = false
  readonly #stopFollowing: () => void
  #closed = false

  constructor(parts: LedPartitionsParts, runtime: Leads) {
    this.#parts = parts
    this.#runtime = runtime
    for (const index of parts.metadata.image.topic(parts.topic)?.partitions.keys() ?? []) this.#consider(index)
    this.#lookSoon()
    this.#stopFollowing = parts.metadata.onChange(changes => this.#apply(changes))
  }

  /** Hears of no more changes. */
  close(): void {
    this.#closed = true
    this.#stopFollowing()
    this.#retry?.cancel()
  }

  #apply({ topicsDeleted, topicsCreated, partitionsChanged }: ClusterChanges): void {
    const { topic } = this.#parts
    if (topicsDeleted.some(({ name }) => name === topic)) for (const index of this.#led.keys()) this.#resign(index)
    for (const created of topicsCreated) if (created.name === topic) for (const index of created.partitions.keys()) this.#consider(index)
    for (const change of partitionsChanged) if (change.topic.name === topic) this.#consider(change.partition)
    this.#lookSoon()
  }

  #consider(index: number): void {
    const { metadata, replicas, clock, topic: name } = this.#parts
    const topic = metadata.image.topic(name)
    const state = topic?.partitions[index]
    if (topic === undefined || state?.leader !== replicas.brokerId) {
      this.#missing.delete(index)
      this.#resign(index)
      return
    }
    const partition = replicas.locateById(topic.id, index)
    if (typeof partition === 'number' || partition.errorForLeader(state.leaderEpoch) !== ErrorCode.NONE) {
      this.#resign(index)
      this.#missing.add(index)
      return
    }
    this.#missing.delete(index)
    const led = this.#led.get(index)
    if (led?.partition === partition && led.leaderEpoch === state.leaderEpoch) return
    this.#led.set(index, { partition, leaderEpoch: state.leaderEpoch })
    this.#runtime.lead(index, state.leaderEpoch, new PartitionLog(partition, clock))
  }

  #resign(index: number): void {
    if (this.#led.delete(index)) this.#runtime.resign(index)
  }

  /** Looks again once this broker has made what the metadata ask of it. */
  #lookSoon(): void {
    if (this.#missing.size === 0 || this.#looking) return
    this.#looking = true
    const { metadata, replicas } = this.#parts
    const looked = (): void => {
      this.#looking = false
      this.#considerMissing()
    }
    replicas.applied(metadata.image.revision).then(looked, () => undefined)
  }

  #considerMissing(): void {
    if (this.#closed) return
    const missing = [...this.#missing]
    for (const index of missing) this.#consider(index)
    if (this.#missing.size === 0 || this.#retry !== null) return
    this.#retry = this.#parts.clock.after(RETRY_MS, () => {
      this.#retry = null
      this.#considerMissing()
    })
  }
}
