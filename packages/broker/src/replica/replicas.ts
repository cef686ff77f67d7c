// All partitions of which this broker has a replica (class ReplicaManager): made, changed and taken away as the metadata says, found by
// topic name or topic id with one look into a map.
import type { Clock, Logger, Timer } from '@ottla/protocol'
import { ErrorCode, KafkaError, ZERO_UUID } from '@ottla/protocol'
import type { ClusterChanges, ClusterImage, PartitionImage, TopicImage } from '@ottla/metadata'
import type { Log, LogConfig, LogManager, ValidationPool } from '@ottla/storage'
import type { PartitionSurroundings } from './partition.ts'
import { Partition } from './partition.ts'
import { Slices } from './slices.ts'
import { TaskQueue } from './task-queue.ts'
import { TopicCounters } from './topic-counters.ts'
import { Deadlines } from './waiting.ts'

/** Where the metadata comes from; `Metadata` of @ottla/metadata. */
export interface ImageSource {
  readonly image: ClusterImage
  onChange(listener: (changes: ClusterChanges, image: ClusterImage, previous: ClusterImage) => void): () => void
  applied(revision: number): Promise<void>
}

export interface ReplicasOptions {
  readonly brokerId: number
  readonly metadata: ImageSource
  readonly logs: LogManager
  readonly clock: Clock
  readonly logger: Logger
  /** Settings of a topic with these overrides. */
  readonly logConfig: (overrides: ReadonlyMap<string, string>) => LogConfig
  /** Where large compressed batches are validated; without it on the event loop. */
  readonly validationPool?: ValidationPool
  /** Calls what it is given in a later turn of the event loop; `setImmediate` by default. */
  readonly later?: (run: () => void) => void
}

/** The partitions of one topic on this broker, by number; undefined for those that others have. */
export interface TopicReplicas {
  readonly name: string
  readonly id: string
  readonly partitions: (Partition | undefined)[]
  readonly counters: TopicCounters
  /** Settings of its logs. */
  config: LogConfig
}

/** After so long a log that could not be made is tried again. */
const RETRY_MS = 1000

/** See the top of the file. */
export class Replicas {
  readonly brokerId: number
  readonly logs: LogManager
  /** Those who wait for a partition: produces for acknowledgements, fetches for records. */
  readonly deadlines: Deadlines
  /** Time that all requests with much to do share, and changes of the metadata. */
  readonly slices: Slices
  readonly #options: ReplicasOptions
  readonly #topics = new Map<string, TopicReplicas>()
  readonly #byId = new Map<string, TopicReplicas>()
  readonly #surroundings: PartitionSurroundings
  readonly #stopFollowing: () => void
  /** Logs to be made, configured and taken away. */
  readonly #tasks: TaskQueue
  /** Partitions whose log could not be made: the disk was full, or their directory offline. */
  readonly #withoutLog = new Set<Partition>()
  #retry: Timer | null = null
  #retrying = false
  /** Settings of topics without any of their own: one object for all of them. */
  #defaultConfig: LogConfig | null = null

  /** Takes the partitions of the metadata's image at once, and follows it from there on. */
  constructor(options: ReplicasOptions) {
    this.#options = options
    this.brokerId = options.brokerId
    this.logs = options.logs
    this.deadlines = new Deadlines(options.clock)
    this.#surroundings = {
      brokerId: options.brokerId,
      validationPool: options.validationPool,
      flushFailed: ({ topic, index }, error) =>
        options.logger.error({ topic, partition: index, err: error }, 'a new leader could not flush its log'),
    }
    const { clock, logger, later = setImmediate } = options
    this.slices = new Slices(clock, later)
    this.#tasks = new TaskQueue(this.slices, logger)
    for (const topic of options.metadata.image.topics()) {
      for (const index of topic.partitions.keys()) this.#takePartition(topic, index)
    }
    this.#stopFollowing = options.metadata.onChange(changes => this.#apply(changes))
  }

  /** Time as the partitions know it. */
  get clock(): Clock {
    return this.#options.clock
  }

  /** The metadata that requests are answered by. */
  get image(): ClusterImage {
    return this.#options.metadata.image
  }

  /** All partitions of this broker by topic. */
  get topics(): Iterable<TopicReplicas> {
    return this.#topics.values()
  }

  /**
   * The partition, or the error code of a request for it: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER when others have it.
   * Whether it leads is not looked at.
   */
  locate(topic: string, index: number): Partition | number {
    const partition = this.#topics.get(topic)?.partitions[index]
    if (partition !== undefined) return partition
    return this.#errorFor(this.image.topic(topic), index)
  }

  /** The same by topic id; UNKNOWN_TOPIC_ID when there is no such topic. */
  locateById(topicId: string, index: number): Partition | number {
    const partition = this.#byId.get(topicId)?.partitions[index]
    if (partition !== undefined) return partition
    const topic = topicId === ZERO_UUID ? undefined : this.image.topicById(topicId)
    return topic === undefined ? ErrorCode.UNKNOWN_TOPIC_ID : this.#errorFor(topic, index)
  }

  /** Whether the cluster has this partition, here or elsewhere. */
  exists(topic: string, index: number): boolean {
    return this.image.topic(topic)?.partitions[index] !== undefined
  }

  /** Logs whose topic the metadata does not know, or that it has on other brokers: left alone, never deleted (cluster rules, section 3). */
  strayLogs(): Log[] {
    const strays: Log[] = []
    for (const log of this.logs.logs) {
      if (this.#topics.get(log.topic)?.partitions[log.partition]?.log !== log) strays.push(log)
    }
    return strays
  }

  /** Resolves once the metadata hold a revision and the partitions here are as it says. Rejects when nothing is followed any more. */
  async applied(revision: number): Promise<void> {
    await this.#options.metadata.applied(revision)
    await this.#tasks.drained()
  }

  /** Settings of the broker have changed that topics fall back to. */
  refreshConfigs(): void {
    this.#defaultConfig = null
    for (const { name } of this.#topics.values()) this.#configure(name)
  }

  /** Hears of no more changes; whoever waits is told NOT_LEADER_OR_FOLLOWER. The logs are closed by their manager. */
  close(): void {
    this.#stopFollowing()
    this.#withoutLog.clear()
    this.#retry?.cancel()
    for (const { partitions } of this.#topics.values()) {
      for (const partition of partitions) partition?.leave(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    }
    this.deadlines.close()
  }

  #errorFor(topic: TopicImage | undefined, index: number): number {
    return topic?.partitions[index] === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NOT_LEADER_OR_FOLLOWER
  }

  #apply(changes: ClusterChanges): void {
    for (const topic of changes.topicsDeleted) this.#dropTopic(topic)
    for (const topic of changes.topicsCreated) {
      for (const index of topic.partitions.keys()) this.#tasks.add(() => this.#takePartition(topic, index))
    }
    for (const { partition: index, topic } of changes.partitionsChanged) {
      if (this.#byId.get(topic.id)?.partitions[index] === undefined) this.#tasks.add(() => this.#takePartition(topic, index))
      else this.#takePartition(topic, index)
    }
    for (const { name, type } of changes.configsChanged) if (type === 'topic') this.#configure(name)
  }

  #dropTopic(topic: TopicImage): void {
    const known = this.#byId.get(topic.id)
    if (known === undefined) return
    this.#byId.delete(topic.id)
    if (this.#topics.get(topic.name) === known) this.#topics.delete(topic.name)
    for (const partition of known.partitions) {
      if (partition !== undefined) this.#tasks.add(() => this.#dropPartition(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
    }
  }

  #dropPartition(partition: Partition, code: number): void {
    partition.leave(code)
    const { index, log, topic } = partition
    if (log !== null && this.logs.get(topic, index) === log) this.logs.delete(topic, index)
  }

  /** Makes, changes or drops a partition as the metadata are now; they may have moved on since a topic was seen. */
  #takePartition({ id }: TopicImage, index: number): void {
    const { image } = this
    const topic = image.topicById(id)
    const state = topic?.partitions[index]
    if (topic === undefined || state === undefined) return
    const known = this.#byId.get(id)
    const partition = known?.partitions[index]
    if (!state.replicas.includes(this.brokerId)) {
      if (known === undefined || partition === undefined) return
      known.partitions[index] = undefined
      this.#dropPartition(partition, ErrorCode.NOT_LEADER_OR_FOLLOWER)
    } else if (partition === undefined) {
      this.#addPartition(topic, { index, state, image })
    } else {
      partition.update(state)
    }
  }

  #addPartition(topic: TopicImage, { image, index, state }: { image: ClusterImage; index: number; state: PartitionImage }): void {
    const replicas = this.#byId.get(topic.id) ?? this.#addTopic(topic, image)
    const { config, counters } = replicas
    const log = this.#openLog(topic, index, config)
    const added = new Partition({ topic: topic.name, topicId: topic.id, index, log, counters }, this.#surroundings)
    while (replicas.partitions.length < index) replicas.partitions.push(undefined)
    replicas.partitions[index] = added
    added.update(state)
    if (log === null) {
      this.#withoutLog.add(added)
      this.#retryLater()
    }
  }

  #retryLater(): void {
    if (this.#withoutLog.size === 0) return
    this.#retry ??= this.#options.clock.after(RETRY_MS, () => {
      this.#retry = null
      this.#makeMissingLogs()
    })
  }

  /** Tries partitions without a log again, up to the first that still cannot have one; that waits behind the others then. */
  #makeMissingLogs(): void {
    let isStuck = false
    // A copy, because what fails again is put at the end.
    const partitions = [...this.#withoutLog]
    for (const partition of partitions) {
      this.#tasks.add(() => {
        if (isStuck || !this.#withoutLog.delete(partition)) return
        isStuck = this.#replace(partition)?.log === null
      })
    }
    this.#tasks.add(() => this.#retryLater())
  }

  /** Makes a partition anew, with a log if it can be had; undefined for one that is no longer here. */
  #replace(partition: Partition): Partition | undefined {
    const { index, topic, topicId } = partition
    const partitions = this.#byId.get(topicId)?.partitions
    const image = this.image.topicById(topicId)
    if (image === undefined || partitions?.[index] !== partition) return undefined
    partitions[index] = undefined
    partition.leave(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    this.#retrying = true
    this.#takePartition(image, index)
    this.#retrying = false
    const made = this.#byId.get(topicId)?.partitions[index]
    if (made?.log) this.#options.logger.info({ topic, partition: index }, 'the partition has its log now')
    return made
  }

  #addTopic(topic: TopicImage, image: ClusterImage): TopicReplicas {
    const { id, name } = topic
    const replicas: TopicReplicas = { name, id, partitions: [], counters: new TopicCounters(), config: this.#configOf(name, image) }
    this.#topics.set(topic.name, replicas)
    this.#byId.set(topic.id, replicas)
    return replicas
  }

  /** The log of a partition; null when it cannot be had, which every request for it is then told. */
  #openLog(topic: TopicImage, index: number, config: LogConfig): Log | null {
    try {
      return this.logs.getOrCreate({ topic: topic.name, topicId: topic.id, partition: index, config })
    } catch (error) {
      if (this.#retrying) return null
      const { name, id } = topic
      const isOther = error instanceof KafkaError && error.code === ErrorCode.INCONSISTENT_TOPIC_ID
      const advice = isOther ? ': its folder belongs to another topic of that name; move it away and start the broker again' : ''
      this.#options.logger.error({ topic: name, topicId: id, partition: index, err: error }, `a partition has no log${advice}`)
      return null
    }
  }

  #configOf(topic: string, image: ClusterImage): LogConfig {
    const overrides = image.config('topic', topic)
    if (overrides.size > 0) return this.#options.logConfig(overrides)
    this.#defaultConfig ??= this.#options.logConfig(overrides)
    return this.#defaultConfig
  }

  /** Gives a topic's logs its settings as they are by then. */
  #configure(name: string): void {
    this.#tasks.add(() => {
      const known = this.#topics.get(name)
      if (known === undefined) return
      const config = this.#configOf(name, this.image)
      known.config = config
      for (const partition of known.partitions) {
        if (partition !== undefined) this.#tasks.add(() => known.config === config && partition.configure(config))
      }
    })
  }
}
