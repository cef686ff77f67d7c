// Topics made, deleted and enlarged.
import type { BrokerImage, Check, ClusterImage, Metadata, MetadataStore, TopicImage, Write } from '@ottla/metadata'
import { encodeConfig, encodePartition, encodeTopic, keys, MAX_OPERATIONS, newPartition } from '@ottla/metadata'
import { ErrorCode, KafkaError, type Random, randomUuid } from '@ottla/protocol'
import type { Slices } from '../replica/slices.ts'
import { type Assignment, manualPartitions } from './assignments.ts'
import { placeReplicas } from './placement.ts'
import type { Settings } from './settings.ts'
import { asKafkaError, commitOrThrow } from './store-failures.ts'
import { CLUSTER_METADATA_TOPIC, CollidingNames, topicNameProblem } from './topic-names.ts'

/** Most partitions that one request may ask for, as in Kafka. */
export const MAX_PARTITIONS_PER_REQUEST = 10_000

/** Most partitions that are deleted with their topic in one transaction; those of larger topics follow it. */
const MAX_PARTITIONS_AT_ONCE = 512

/** How many partitions one request may still add. */
export interface PartitionRoom {
  left: number
}

/** The room that a request begins with. */
export const partitionRoom = (): PartitionRoom => ({ left: MAX_PARTITIONS_PER_REQUEST })

/** How often a change is tried again when somebody else changed the same thing meanwhile. */
const ATTEMPTS = 5

export interface NewTopic {
  readonly name: string
  /** -1: the default. */
  readonly numPartitions: number
  /** -1: the default. */
  readonly replicationFactor: number
  /** Empty: the broker decides. */
  readonly assignments: readonly Assignment[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

/** What became of one topic; `revision` is 0 where nothing was to be changed. */
export interface CreatedTopic {
  readonly topicId: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: ReadonlyMap<string, string>
  readonly revision: number
}

export interface TopicsParts {
  readonly store: Pick<MetadataStore, 'commit'>
  readonly metadata: Metadata
  readonly slices: Slices
  readonly settings: Settings
  readonly random: Random
  /** Throws for overrides that a topic may not have. */
  readonly validateConfigs: (configs: ReadonlyMap<string, string>) => void
}

type Replicas = { readonly replicas: readonly number[]; readonly isr: readonly number[] }

const invalidRequest = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_REQUEST, message)

/** What a request is told that asks for more than `MAX_PARTITIONS_PER_REQUEST`. */
export const excessive = (): KafkaError => new KafkaError(ErrorCode.POLICY_VIOLATION, 'Excessively large number of partitions per request.')

/** Whether a broker may have replicas in sync: it is alive and stays so. */
const isActive = (broker: BrokerImage | undefined): boolean => broker !== undefined && !broker.fenced && !broker.shuttingDown

/** What occurs more than once. */
export function repeated(names: Iterable<string>): ReadonlySet<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const name of names) if (seen.size === seen.add(name).size) twice.add(name)
  return twice
}

/**
 * Creates, deletes and enlarges topics by transactions that any broker may make. Wording and order of the checks are those of
 * Kafka's ReplicationControlManager and ControllerApis. A topic's partitions are written before the topic itself where one
 * transaction cannot hold them all, so that nobody ever sees a topic without them.
 */
export class Topics {
  readonly #parts: TopicsParts
  readonly #colliding: CollidingNames

  constructor(parts: TopicsParts) {
    this.#parts = parts
    this.#colliding = new CollidingNames(parts.metadata)
  }

  close(): void {
    this.#colliding.close()
  }

  /** One outcome for each distinct name. Throws POLICY_VIOLATION where the request asks for too much. */
  async create(topics: readonly NewTopic[], validateOnly: boolean): Promise<ReadonlyMap<string, CreatedTopic | KafkaError>> {
    const defaultPartitions = this.#parts.settings.value('num.partitions')
    const total = topics.reduce(
      (sum, topic) => sum + (topic.assignments.length || Math.max(0, topic.numPartitions === -1 ? defaultPartitions : topic.numPartitions)),
      0,
    )
    if (total > MAX_PARTITIONS_PER_REQUEST) throw excessive()
    const duplicates = repeated(topics.map(({ name }) => name))
    const named = new Map(topics.map(topic => [topic.name, topic]))
    // As in Kafka names collide with those of topics that are there already, not with others of the same request.
    const colliding = new Map<string, string>()
    await this.#parts.slices.each(named.keys(), name => {
      const other = this.#colliding.collision(name)
      if (other !== undefined) colliding.set(name, other)
    })
    const outcomes = await this.#parts.slices.gather(named, async ([name, topic]) => {
      if (duplicates.has(name)) return [name, invalidRequest('Duplicate topic name.')] as const
      return [name, await this.#create(topic, { validateOnly, collision: colliding.get(name) }).catch(asKafkaError)] as const
    })
    return new Map(outcomes)
  }

  async #create(
    topic: NewTopic,
    { validateOnly, collision }: { validateOnly: boolean; collision: string | undefined },
  ): Promise<CreatedTopic> {
    const { name } = topic
    if (name === CLUSTER_METADATA_TOPIC) throw invalidRequest(`Creation of internal topic ${name} is prohibited.`)
    const { metadata, store, random } = this.#parts
    for (let attempt = 1; ; attempt++) {
      const image = metadata.image
      checkName(name, image, collision)
      const configs = this.#configsOf(topic)
      const partitions = this.#place(topic, image)
      const replicationFactor = partitions[0]?.replicas.length ?? 0
      const topicId = randomUuid(random)
      const result = { topicId, partitions: partitions.length, replicationFactor, configs }
      if (validateOnly) return { ...result, revision: 0 }
      const { last, revision } = await this.#writePartitions(topicId, { from: 0, partitions, checks: [], spare: 3 })
      const checks: Check[] = [
        { key: keys.topic(name), createRevision: 0 },
        { key: keys.topicId(topicId), createRevision: 0 },
        { key: keys.controller, createRevision: image.controllerEpoch },
      ]
      const writes: Write[] = [
        ...last,
        { key: keys.topic(name), value: encodeTopic({ id: topicId, partitions: partitions.length }) },
        { key: keys.topicId(topicId), value: name },
      ]
      if (configs.size > 0) writes.push({ key: keys.config('topic', name), value: encodeConfig(configs) })
      const outcome = await commitOrThrow(store, { checks, writes })
      if (outcome.succeeded) return { ...result, revision: outcome.revision }
      if (revision > 0) await commitOrThrow(store, { writes: [{ prefix: keys.partitions(topicId), value: null }] })
      await metadata.applied(outcome.revision)
      if (attempt === ATTEMPTS) throw new KafkaError(ErrorCode.REQUEST_TIMED_OUT)
    }
  }

  #configsOf(topic: NewTopic): ReadonlyMap<string, string> {
    const configs = new Map<string, string>()
    const withoutValue: string[] = []
    for (const { name, value } of topic.configs) {
      if (value === null) withoutValue.push(name)
      else configs.set(name, value)
    }
    if (withoutValue.length > 0) {
      throw new KafkaError(ErrorCode.INVALID_CONFIG, `Null value not supported for topic configs: ${withoutValue.join(',')}`)
    }
    if (configs.size > 0) this.#parts.validateConfigs(configs)
    return configs
  }

  /** Replicas of every partition of a new topic. */
  #place(topic: NewTopic, image: ClusterImage): readonly Replicas[] {
    const { settings, random } = this.#parts
    if (topic.assignments.length > 0) return manualPartitions(topic, image.brokers)
    if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
      throw new KafkaError(
        ErrorCode.INVALID_REPLICATION_FACTOR,
        'Replication factor must be larger than 0, or -1 to use the default value.',
      )
    }
    if (topic.numPartitions < -1 || topic.numPartitions === 0) {
      throw new KafkaError(ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.')
    }
    const partitions = topic.numPartitions === -1 ? settings.value('num.partitions') : topic.numPartitions
    const replicationFactor = topic.replicationFactor === -1 ? settings.value('default.replication.factor') : topic.replicationFactor
    try {
      return this.#withIsr(placeReplicas({ partitions, replicationFactor }, image.brokers.values(), random), image)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      throw new KafkaError(error.code, `Unable to replicate the partition ${replicationFactor} time(s): ${error.message}`)
    }
  }

  /** Replicas with those of them that are alive, of which there must be one. */
  #withIsr(placed: readonly (readonly number[])[], image: ClusterImage): Replicas[] {
    return placed.map(replicas => {
      const isr = replicas.filter(id => isActive(image.brokers.get(id)))
      if (isr.length === 0) {
        throw new KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, 'All brokers are currently fenced or in controlled shutdown.')
      }
      return { replicas, isr }
    })
  }

  /**
   * Writes partitions in as many transactions as it takes, but for the last ones, which are returned: they belong into the
   * transaction that makes the topic or its new size known, which has `spare` writes besides. Throws when a check fails.
   */
  async #writePartitions(
    topicId: string,
    work: { from: number; partitions: readonly Replicas[]; checks: readonly Check[]; spare: number },
  ): Promise<{ last: readonly Write[]; revision: number }> {
    const { slices, store } = this.#parts
    const { checks, from, partitions } = work
    const writesOf = (start: number, end?: number): Write[] =>
      partitions.slice(start, end).map(({ replicas, isr }, at) => {
        return { key: keys.partition(topicId, from + start + at), value: encodePartition(newPartition(replicas, isr)) }
      })
    const batches: Promise<{ revision: number; succeeded: boolean }>[] = []
    let written = 0
    for (; partitions.length - written > MAX_OPERATIONS - work.spare; written += MAX_OPERATIONS) {
      if (slices.isOver) await slices.pause()
      const batch = commitOrThrow(store, { checks, writes: writesOf(written, written + MAX_OPERATIONS) })
      // Whoever waits for all of them hears of it.
      batch.catch(() => undefined)
      batches.push(batch)
    }
    let revision = 0
    for (const outcome of await Promise.all(batches)) {
      if (!outcome.succeeded) throw new KafkaError(ErrorCode.REQUEST_TIMED_OUT, 'The topic was changed at the same time.')
      revision = outcome.revision
    }
    return { last: writesOf(written), revision }
  }

  /** Deletes topics with their settings; one outcome for each: the revision, or an error. */
  async delete(topics: readonly TopicImage[]): Promise<readonly (number | KafkaError)[]> {
    return this.#parts.slices.gather(topics, topic => this.#delete(topic).catch(asKafkaError))
  }

  async #delete(topic: TopicImage): Promise<number> {
    const { store, metadata } = this.#parts
    for (let attempt = 1, now: TopicImage | undefined = topic; ; attempt++, now = metadata.image.topicById(topic.id)) {
      if (!now) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
      const isLarge = now.partitions.length > MAX_PARTITIONS_AT_ONCE
      const outcome = await commitOrThrow(store, {
        checks: [
          { key: keys.topic(now.name), modRevision: now.revision },
          { key: keys.controller, createRevision: metadata.image.controllerEpoch },
        ],
        writes: [
          { key: keys.topic(now.name), value: null },
          { key: keys.topicId(now.id), value: null },
          { key: keys.config('topic', now.name), value: null },
          ...(isLarge ? [] : [{ prefix: keys.partitions(now.id), value: null }]),
        ],
      })
      if (outcome.succeeded) {
        if (isLarge) await this.#deletePartitions(now)
        return outcome.revision
      }
      if (attempt === ATTEMPTS) throw new KafkaError(ErrorCode.REQUEST_TIMED_OUT)
      await metadata.applied(outcome.revision)
    }
  }

  /** Partitions of a topic that is gone. What is left of them where the store fails goes as those of topics that were never completed. */
  async #deletePartitions({ id, partitions }: TopicImage): Promise<void> {
    const { slices, store } = this.#parts
    try {
      for (let from = 0; from < partitions.length; from += MAX_OPERATIONS) {
        if (slices.isOver) await slices.pause()
        const writes = partitions.slice(from, from + MAX_OPERATIONS).map((_, at): Write => {
          return { key: keys.partition(id, from + at), value: null }
        })
        await store.commit({ writes })
      }
      await store.commit({ writes: [{ prefix: keys.partitions(id), value: null }] })
    } catch (error) {
      asKafkaError(error)
    }
  }

  /** Adds partitions up to `count`; returns the revision, 0 for `validateOnly`. Takes what it adds from `room`. Throws KafkaError. */
  async addPartitions(
    wanted: { name: string; count: number; assignments: readonly { readonly brokerIds: readonly number[] }[] | null },
    { room, validateOnly }: { room: PartitionRoom; validateOnly: boolean },
  ): Promise<number> {
    const { store, metadata, random } = this.#parts
    const image = metadata.image
    const topic = image.topic(wanted.name)
    if (!topic) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const from = topic.partitions.length
    const additional = wanted.count - from
    checkIncrease(wanted, from, room)
    room.left -= additional
    const replicationFactor = topic.partitions[0]?.replicas.length ?? 0
    const partitions = wanted.assignments
      ? manualPartitions(
          {
            assignments: wanted.assignments.map(({ brokerIds }, at) => ({ partitionIndex: from + at, brokerIds })),
            from,
            replicationFactor,
          },
          image.brokers,
        )
      : this.#withIsr(placeReplicas({ partitions: additional, replicationFactor }, image.brokers.values(), random), image)
    if (validateOnly) return 0
    const unchanged: Check = { key: keys.topic(topic.name), modRevision: topic.revision }
    const { last } = await this.#writePartitions(topic.id, { from, partitions, checks: [unchanged], spare: 1 })
    const outcome = await commitOrThrow(store, {
      checks: [unchanged, { key: keys.controller, createRevision: image.controllerEpoch }],
      writes: [...last, { key: keys.topic(topic.name), value: encodeTopic({ id: topic.id, partitions: wanted.count }) }],
    })
    if (!outcome.succeeded) throw new KafkaError(ErrorCode.REQUEST_TIMED_OUT, 'The topic was changed at the same time.')
    return outcome.revision
  }
}

function checkName(name: string, image: ClusterImage, collision: string | undefined): void {
  if (image.topic(name)) throw new KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
  const problem = topicNameProblem(name)
  if (problem !== null) throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
  if (collision !== undefined) {
    throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${collision}`)
  }
}

function checkIncrease(
  wanted: { name: string; count: number; assignments: readonly unknown[] | null },
  from: number,
  { left }: PartitionRoom,
): void {
  const additional = wanted.count - from
  if (additional === 0) throw new KafkaError(ErrorCode.INVALID_PARTITIONS, `Topic already has ${from} partition(s).`)
  if (additional < 0) {
    throw new KafkaError(
      ErrorCode.INVALID_PARTITIONS,
      `The topic ${wanted.name} currently has ${from} partition(s); ${wanted.count} would not be an increase.`,
    )
  }
  if (wanted.assignments && wanted.assignments.length !== additional) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Attempted to add ${additional} additional partition(s), but only ${wanted.assignments.length} assignment(s) were specified.`,
    )
  }
  if (additional > left) throw excessive()
}
