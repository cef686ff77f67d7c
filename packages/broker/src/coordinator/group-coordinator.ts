// The group coordinator of this broker: which partition of __consumer_offsets a group belongs to, and the groups of those that it leads
// (classes GroupCoordinatorService and, for its place in the broker, BrokerMetadataPublisher).
import {
  answered,
  CoordinatorRuntime,
  type Decision,
  type GroupObserver,
  type GroupPartition,
  GroupPartitionState,
  type GroupWorld,
  type TransactionalProducer,
} from '@ottla/coordinator'
import type { ClusterChanges } from '@ottla/metadata'
import { type Clock, compressionOf, KafkaError, type Logger, type Random } from '@ottla/protocol'
import type { BrokerConfig } from '../config/index.ts'
import type { ImageSource, Replicas } from '../replica/replicas.ts'
import { groupSettings, ImageTopics } from './group-world.ts'
import { LedPartitions } from './led-partitions.ts'
import { partitionOfKey } from './partition-of-key.ts'

/** The internal topic of groups. */
export const OFFSETS_TOPIC = '__consumer_offsets'

/** What handlers see of it. */
export interface GroupService {
  /** Partition of __consumer_offsets that a group belongs to. */
  partitionOf(groupId: string): number
  /**
   * Decides for a group; the reply is given out once everything it is based on is committed, at once where that is so already. With a
   * producer the records are part of its transaction.
   * @throws KafkaError, or rejects with it: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, and what `decide` throws.
   */
  run<R>(groupId: string, decide: (groups: GroupPartition) => Decision<R>, producer?: TransactionalProducer): R | Promise<R>
  /**
   * Asks every partition that is led here, each when its turn comes; one that is still loading is a promise that rejects with
   * COORDINATOR_LOAD_IN_PROGRESS.
   */
  eachLed<R>(decide: (groups: GroupPartition) => Decision<R>): Iterable<R | Promise<R>>
}

/** What a coordinator is made of. */
export interface GroupCoordinatorParts {
  readonly metadata: ImageSource
  readonly replicas: Replicas
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly observer: GroupObserver
}

/** See the top of the file. */
export class GroupCoordinator implements GroupService {
  readonly #parts: GroupCoordinatorParts
  readonly #runtime: CoordinatorRuntime<GroupPartitionState>
  readonly #led: LedPartitions
  readonly #stopFollowing: () => void

  constructor(parts: GroupCoordinatorParts) {
    const { metadata, config, clock, random, logger, observer } = parts
    this.#parts = parts
    const world: Omit<GroupWorld, 'timers'> = {
      clock,
      random,
      logger,
      observer,
      topics: new ImageTopics(metadata),
      settings: groupSettings(config, metadata),
    }
    this.#runtime = new CoordinatorRuntime({
      topic: OFFSETS_TOPIC,
      clock,
      logger,
      compression: () => ({ compression: compressionOf(config.value('offsets.topic.compression.codec')) ?? 'none' }),
      writeTimeoutMs: () => config.value('offsets.commit.timeout.ms'),
      create: (_partition, timers) => new GroupPartitionState({ ...world, timers }),
    })
    this.#led = new LedPartitions({ topic: OFFSETS_TOPIC, metadata, replicas: parts.replicas, clock }, this.#runtime)
    this.#stopFollowing = metadata.onChange(changes => this.#topicsChanged(changes))
  }

  /** The groups of every partition that is led and loaded, as they are now; for reading only, and right away. */
  get led(): GroupPartitionState[] {
    const led: GroupPartitionState[] = []
    for (const partition of this.#runtime.partitions)
      this.#tell(partition, groups => {
        led.push(groups)
        return answered(undefined)
      })
    return led
  }

  /** Number of timers of all groups. */
  get timerCount(): number {
    return this.#runtime.timerCount
  }

  partitionOf(groupId: string): number {
    const { config, metadata } = this.#parts
    const count = metadata.image.topic(OFFSETS_TOPIC)?.partitions.length ?? config.value('offsets.topic.num.partitions')
    return partitionOfKey(groupId, count)
  }

  run<R>(groupId: string, decide: (groups: GroupPartition) => Decision<R>, producer?: TransactionalProducer): R | Promise<R> {
    return this.#runtime.run(this.partitionOf(groupId), decide, producer === undefined ? {} : { producer })
  }

  /** Writes that a transaction has ended in a partition of __consumer_offsets. Throws as `run`. */
  endTransaction(...args: Parameters<CoordinatorRuntime<GroupPartitionState>['endTransaction']>): void | Promise<void> {
    return this.#runtime.endTransaction(...args)
  }

  *eachLed<R>(decide: (groups: GroupPartition) => Decision<R>): Generator<R | Promise<R>, void, void> {
    for (const partition of this.#runtime.partitions) {
      let asked: R | Promise<R>
      try {
        asked = this.#runtime.run(partition, decide)
      } catch (error) {
        asked = Promise.reject<R>(error)
      }
      yield asked
    }
  }

  /** Resolves once no partition is loading. */
  async loaded(): Promise<void> {
    for (const partition of this.#runtime.partitions) await this.#runtime.loaded(partition)
  }

  /** Gives all groups up: whoever waits is told to look for the coordinator. */
  close(): void {
    this.#stopFollowing()
    this.#led.close()
    this.#runtime.close()
  }

  #topicsChanged({ topicsCreated, topicsDeleted, partitionsChanged }: ClusterChanges): void {
    const names = new Set<string>()
    for (const { name } of topicsCreated) names.add(name)
    for (const { name } of topicsDeleted) names.add(name)
    for (const { topic } of partitionsChanged) names.add(topic.name)
    if (names.size === 0) return
    const deleted = topicsDeleted.map(({ id, name }) => ({ id, name }))
    for (const partition of this.#runtime.partitions) {
      this.#tell(partition, groups => {
        groups.topicsChanged(names)
        return answered(undefined)
      })
      if (deleted.length > 0) this.#forget(partition, deleted)
    }
  }

  /** Offsets of topics that are gone; where groups are still being loaded, after that. */
  #forget(partition: number, deleted: readonly { readonly id: string; readonly name: string }[]): void {
    const forget = (): void => this.#tell(partition, groups => groups.topicsDeleted(deleted))
    if (this.#runtime.status(partition) === 'active') forget()
    else void this.#runtime.loaded(partition).then(forget)
  }

  /** Nobody waits for an answer. What is not led (yet) learns of topics when it is loaded. */
  #tell(partition: number, decide: (groups: GroupPartitionState) => Decision<void>): void {
    const failed = (error: unknown): void => {
      if (error instanceof KafkaError) return
      this.#parts.logger.error({ err: error, partition }, 'groups were not told of a change of topics')
    }
    try {
      const told = this.#runtime.run(partition, decide)
      if (told instanceof Promise) told.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
