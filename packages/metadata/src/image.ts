// The immutable picture of the cluster at one revision.
import { NO_CONFIG } from './entities/config.ts'
import type { ClusterValue } from './entities/cluster.ts'
import type { Endpoint, RegistrationValue, StateValue } from './entities/broker.ts'
import type { PartitionValue } from './entities/partition.ts'
import type { ConfigType } from './keys.ts'
import { PersistentMap } from './persistent-map.ts'

/** One partition as of a revision. `partitionEpoch` is the revision of its key, what a change must compare with (R1). */
export interface PartitionImage extends PartitionValue {
  readonly partitionEpoch: number
}

/** One topic; the object stays the same until something of the topic changes. */
export interface TopicImage {
  readonly name: string
  readonly id: string
  /** By number, from 0, without gaps. */
  readonly partitions: readonly PartitionImage[]
  /** Mod revision of the topic's own key, for checks. */
  readonly revision: number
}

/** One registered broker. */
export interface BrokerImage {
  readonly id: number
  readonly incarnation: string
  /** Mod revision of the registration. */
  readonly epoch: number
  readonly endpoints: readonly Endpoint[]
  readonly rack: string | null
  /** Not heard of, or not let in (yet): may not lead. */
  readonly fenced: boolean
  readonly shuttingDown: boolean
  /** Alive, but the controller has not decided about this registration yet. */
  readonly isNew: boolean
  readonly logDirs: readonly string[]
}

/** The keys that a broker is made of; any may be missing. */
export interface BrokerParts {
  readonly id: number
  readonly registration?: RegistrationValue & { readonly epoch: number }
  readonly live?: number
  readonly state?: StateValue
}

/** Overrides with the revision of their key. */
export interface ConfigImage {
  readonly type: ConfigType
  readonly name: string
  readonly values: ReadonlyMap<string, string>
  readonly revision: number
}

/** What an image is made of; `ImageDraft` makes the next from the one before. */
export interface ImageParts {
  readonly revision: number
  readonly cluster: ClusterValue | undefined
  readonly controller: { readonly broker: number; readonly epoch: number } | undefined
  readonly brokerParts: ReadonlyMap<number, BrokerParts>
  readonly brokers: ReadonlyMap<number, BrokerImage>
  readonly topicsByName: PersistentMap<TopicImage>
  readonly topicsById: PersistentMap<TopicImage>
  /** Partitions by topic id, also those whose topic is not there (yet); may have gaps. */
  readonly partitions: PersistentMap<readonly (PartitionImage | undefined)[]>
  readonly partitionCount: number
  readonly configs: PersistentMap<ConfigImage>
}

/** The cluster's facts as of one revision. Immutable; the next image shares all that did not change. */
export class ClusterImage {
  readonly #parts: ImageParts

  constructor(parts: ImageParts) {
    this.#parts = parts
  }

  /** What there is before anything is. */
  static readonly empty: ClusterImage = new ClusterImage({
    revision: 0,
    cluster: undefined,
    controller: undefined,
    brokerParts: new Map(),
    brokers: new Map(),
    topicsByName: PersistentMap.empty(),
    topicsById: PersistentMap.empty(),
    partitions: PersistentMap.empty(),
    partitionCount: 0,
    configs: PersistentMap.empty(),
  })

  /** Only for drafts and comparisons within this package. */
  get parts(): ImageParts {
    return this.#parts
  }

  get revision(): number {
    return this.#parts.revision
  }

  /** Empty until the first broker has made the cluster. */
  get clusterId(): string {
    return this.#parts.cluster?.id ?? ''
  }

  /** -1 where there is none. */
  get controllerId(): number {
    return this.#parts.controller?.broker ?? -1
  }

  /** Create revision of the controller key: the fencing token (R15); 0 where there is none. */
  get controllerEpoch(): number {
    return this.#parts.controller?.epoch ?? 0
  }

  /** Every registered broker, fenced ones too. */
  get brokers(): ReadonlyMap<number, BrokerImage> {
    return this.#parts.brokers
  }

  /** Finalized feature levels. */
  get features(): ReadonlyMap<string, number> {
    return new Map(Object.entries(this.#parts.cluster?.features ?? {}))
  }

  get topicCount(): number {
    return this.#parts.topicsByName.size
  }

  get partitionCount(): number {
    return this.#parts.partitionCount
  }

  topic(name: string): TopicImage | undefined {
    return this.#parts.topicsByName.get(name)
  }

  topicById(id: string): TopicImage | undefined {
    return this.#parts.topicsById.get(id)
  }

  /** All topics, in no particular order. */
  topics(): Iterable<TopicImage> {
    return this.#parts.topicsByName.values()
  }

  /**
   * Ids of topics of which there is nothing but partitions, all written before `revision`: partitions that one transaction cannot hold
   * come before their topic, and whoever wrote these may be gone.
   */
  *unfinishedTopics(revision: number): Generator<string> {
    for (const topicId of this.#parts.partitions.keys()) {
      if (this.#parts.topicsById.get(topicId) !== undefined) continue
      const partitions = this.#parts.partitions.get(topicId) ?? []
      if (partitions.every(partition => partition === undefined || partition.partitionEpoch < revision)) yield topicId
    }
  }

  /** What is set for a topic, a broker ('' for all brokers), a group or client metrics; empty where nothing is. */
  config(type: ConfigType, name: string): ReadonlyMap<string, string> {
    return this.#parts.configs.get(`${type}/${name}`)?.values ?? NO_CONFIG
  }

  /** Mod revision of the settings' key for a check, 0 where nothing was ever set. */
  configRevision(type: ConfigType, name: string): number {
    return this.#parts.configs.get(`${type}/${name}`)?.revision ?? 0
  }

  /** Names of all that has settings of a type. */
  *configNames(type: ConfigType): Generator<string> {
    for (const config of this.#parts.configs.values()) if (config.type === type) yield config.name
  }
}
