// From entries of the store to an image, as a whole or by what has changed.
import { decodeLive, decodeRegistration, decodeState } from './entities/broker.ts'
import { decodeCluster, decodeController } from './entities/cluster.ts'
import { decodeConfig } from './entities/config.ts'
import { decodePartition } from './entities/partition.ts'
import { decodeTopic } from './entities/topic.ts'
import type { BrokerImage, BrokerParts, ConfigImage, ImageParts, PartitionImage, TopicImage } from './image.ts'
import { ClusterImage } from './image.ts'
import { parseKey } from './keys.ts'
import type { MapDraft } from './persistent-map.ts'
import type { Entry, RevisionChange } from './store.ts'

type Partitions = (PartitionImage | undefined)[]

/** Collects entries and deletions over an image, then makes the next one; costs as much as what changed. */
class ImageDraft {
  readonly #base: ImageParts
  #cluster: ImageParts['cluster']
  #controller: ImageParts['controller']
  #brokerParts: Map<number, BrokerParts> | undefined
  readonly #topicsByName: MapDraft<TopicImage>
  readonly #topicsById: MapDraft<TopicImage>
  readonly #partitions: MapDraft<readonly (PartitionImage | undefined)[]>
  readonly #configs: MapDraft<ConfigImage>
  /** Arrays of partitions that belong to this draft. */
  readonly #owned = new Map<string, Partitions>()
  /** Names of topics whose own key was written, with what it says. */
  readonly #topics = new Map<string, { id: string; partitions: number; revision: number } | null>()
  #partitionCount: number

  constructor(base: ClusterImage) {
    this.#base = base.parts
    this.#cluster = this.#base.cluster
    this.#controller = this.#base.controller
    this.#topicsByName = this.#base.topicsByName.draft()
    this.#topicsById = this.#base.topicsById.draft()
    this.#partitions = this.#base.partitions.draft()
    this.#configs = this.#base.configs.draft()
    this.#partitionCount = this.#base.partitionCount
  }

  /** Takes one key as it is now; null when it is gone. */
  set(key: string, entry: Entry | null): void {
    const meaning = parseKey(key)
    switch (meaning.kind) {
      case 'partition':
        this.#ownPartitions(meaning.topicId)[meaning.partition] = entry
          ? { ...decodePartition(entry.value), partitionEpoch: entry.modRevision }
          : undefined
        return
      case 'topic':
        this.#topics.set(meaning.name, entry && { ...decodeTopic(entry.value), revision: entry.modRevision })
        return
      case 'config': {
        const { type, name } = meaning
        const place = `${type}/${name}`
        if (entry) this.#configs.set(place, { type, name, values: decodeConfig(entry.value), revision: entry.modRevision })
        else this.#configs.delete(place)
        return
      }
      case 'registration':
        this.#setBroker(meaning.broker, 'registration', entry && { ...decodeRegistration(entry.value), epoch: entry.modRevision })
        return
      case 'live':
        this.#setBroker(meaning.broker, 'live', entry && decodeLive(entry.value))
        return
      case 'state':
        this.#setBroker(meaning.broker, 'state', entry && decodeState(entry.value))
        return
      case 'cluster':
        this.#cluster = entry ? decodeCluster(entry.value) : undefined
        return
      case 'controller':
        this.#controller = entry ? { ...decodeController(entry.value), epoch: entry.createRevision } : undefined
        return
      case 'other':
    }
  }

  build(revision: number): ClusterImage {
    this.#buildTopics()
    return new ClusterImage({
      revision,
      cluster: this.#cluster,
      controller: this.#controller,
      brokerParts: this.#brokerParts ?? this.#base.brokerParts,
      brokers: this.#brokerParts ? buildBrokers(this.#brokerParts, this.#base) : this.#base.brokers,
      topicsByName: this.#topicsByName.done(),
      topicsById: this.#topicsById.done(),
      partitions: this.#partitions.done(),
      partitionCount: this.#partitionCount,
      configs: this.#configs.done(),
    })
  }

  #ownPartitions(topicId: string): Partitions {
    let partitions = this.#owned.get(topicId)
    if (!partitions) {
      partitions = [...(this.#partitions.get(topicId) ?? [])]
      this.#owned.set(topicId, partitions)
    }
    return partitions
  }

  #setBroker<K extends keyof BrokerParts>(id: number, part: K, value: BrokerParts[K] | null): void {
    this.#brokerParts ??= new Map(this.#base.brokerParts)
    const { [part]: _, ...others } = this.#brokerParts.get(id) ?? { id }
    if (value !== null) this.#brokerParts.set(id, { ...others, id, [part]: value })
    else if (Object.keys(others).length > 1) this.#brokerParts.set(id, { ...others, id })
    else this.#brokerParts.delete(id)
  }

  #buildTopics(): void {
    for (const [topicId, partitions] of this.#owned) {
      if (partitions.some(partition => partition !== undefined)) this.#partitions.set(topicId, partitions)
      else this.#partitions.delete(topicId)
    }
    // Deletions first: a topic may have been made again, under another id, in the same draft.
    for (const name of this.#topics.keys()) this.#remove(name)
    for (const [name, value] of this.#topics) if (value) this.#put({ name, ...value })
    for (const topicId of this.#owned.keys()) {
      const topic = this.#topicsById.get(topicId)
      if (!topic || this.#topics.has(topic.name)) continue
      this.#remove(topic.name)
      this.#put({ ...topic, partitions: topic.partitions.length })
    }
  }

  #remove(name: string): void {
    const topic = this.#topicsByName.get(name)
    if (!topic) return
    this.#topicsByName.delete(name)
    this.#topicsById.delete(topic.id)
    this.#partitionCount -= topic.partitions.length
  }

  /** Partitions beyond the topic's number are there but do not count: they are written before the topic says so. */
  #put({ name, id, partitions: count, revision }: { name: string; id: string; partitions: number; revision: number }): void {
    const stored = this.#partitions.get(id) ?? []
    const partitions = stored.slice(0, count).filter(partition => partition !== undefined)
    if (partitions.length !== count) throw new Error(`topic ${name} has ${count} partitions, but not all of them are stored`)
    const topic: TopicImage = { name, id, partitions, revision }
    this.#topicsByName.set(name, topic)
    this.#topicsById.set(id, topic)
    this.#partitionCount += count
  }
}

function buildBrokers(all: ReadonlyMap<number, BrokerParts>, base: ImageParts): ReadonlyMap<number, BrokerImage> {
  const brokers = new Map<number, BrokerImage>()
  for (const parts of [...all.values()].toSorted((a, b) => a.id - b.id)) {
    const before = base.brokers.get(parts.id)
    if (before && base.brokerParts.get(parts.id) === parts) brokers.set(parts.id, before)
    else if (parts.registration) brokers.set(parts.id, brokerImage(parts, parts.registration))
  }
  return brokers
}

function brokerImage(parts: BrokerParts, registration: NonNullable<BrokerParts['registration']>): BrokerImage {
  const { incarnation, epoch, endpoints, rack, logDirs } = registration
  const state = parts.state?.epoch === epoch ? parts.state.state : 'fenced'
  return {
    id: parts.id,
    incarnation,
    epoch,
    endpoints,
    rack,
    logDirs,
    fenced: parts.live !== epoch || state === 'fenced',
    shuttingDown: state === 'shutting-down',
    isNew: parts.live === epoch && parts.state?.epoch !== epoch,
  }
}

/** The image of all entries of a store at a revision. */
export function imageOf(entries: Iterable<Entry>, revision: number): ClusterImage {
  const draft = new ImageDraft(ClusterImage.empty)
  for (const entry of entries) draft.set(entry.key, entry)
  return draft.build(revision)
}

/** The image after some revisions. Those that it already holds are passed over (R6). */
export function applyRevisions(image: ClusterImage, revisions: readonly RevisionChange[]): ClusterImage {
  let revision = image.revision
  let draft: ImageDraft | undefined
  for (const change of revisions) {
    if (change.revision <= revision) continue
    draft ??= new ImageDraft(image)
    for (const { key, entry } of change.events) draft.set(key, entry)
    revision = change.revision
  }
  return draft ? draft.build(revision) : image
}
