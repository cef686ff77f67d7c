// Topics as Metadata shows them to the clients of a listener.
import type { BrokerImage, ClusterImage, Metadata, PartitionImage, TopicImage } from '@ottla/metadata'
import { ErrorCode, type MetadataResponseInit } from '@ottla/protocol'
import { isInternalTopic } from '../controller/index.ts'
import { endpointOf } from './endpoints.ts'

/** A topic as Metadata answers it. */
export type TopicView = NonNullable<MetadataResponseInit['topics']>[number]

type PartitionView = NonNullable<TopicView['partitions']>[number]

export interface Viewer {
  /** Name of the listener that the client came in on. */
  readonly listener: string
  /** Version of the request. */
  readonly version: number
}

/**
 * Topics as clients see them. What was made for one client serves the next, as long as neither the topic nor any broker has
 * changed, so that a request for ten thousand topics costs little more than writing them.
 */
export class TopicViews {
  readonly #metadata: Metadata
  #brokers: ClusterImage['brokers'] | undefined
  #caches = new Map<string, WeakMap<TopicImage, TopicView>>()

  constructor(metadata: Metadata) {
    this.#metadata = metadata
  }

  byName(name: string, viewer: Viewer): TopicView | undefined {
    const topic = this.#metadata.image.topic(name)
    return topic && this.of(topic, viewer)
  }

  byId(id: string, viewer: Viewer): TopicView | undefined {
    const topic = this.#metadata.image.topicById(id)
    return topic && this.of(topic, viewer)
  }

  of(topic: TopicImage, viewer: Viewer): TopicView {
    const cache = this.#cache(viewer)
    let view = cache.get(topic)
    if (!view) {
      view = viewOf(topic, this.#metadata.image, viewer)
      cache.set(topic, view)
    }
    return view
  }

  #cache({ listener, version }: Viewer): WeakMap<TopicImage, TopicView> {
    const { brokers } = this.#metadata.image
    if (brokers !== this.#brokers) {
      this.#brokers = brokers
      this.#caches = new Map()
    }
    const key = `${version === 0 ? 'v0' : version < 6 ? 'v1' : 'v6'} ${listener}`
    let cache = this.#caches.get(key)
    if (!cache) {
      cache = new WeakMap()
      this.#caches.set(key, cache)
    }
    return cache
  }
}

function viewOf(topic: TopicImage, image: ClusterImage, viewer: Viewer): TopicView {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.map((partition, index) => partitionView(partition, index, { image, viewer })),
  }
}

/** Errors as in org.apache.kafka.metadata.KRaftMetadataCache: version 0 leaves out brokers that cannot be reached and says so. */
function partitionView(
  partition: PartitionImage,
  partitionIndex: number,
  { image, viewer }: { image: ClusterImage; viewer: Viewer },
): PartitionView {
  const { listener, version } = viewer
  const leader = image.brokers.get(partition.leader)
  const reachable = (id: number): boolean => isReachable(image.brokers.get(id), listener)
  const replicaNodes = version === 0 ? partition.replicas.filter(reachable) : partition.replicas
  const isrNodes = version === 0 ? partition.isr.filter(reachable) : partition.isr
  const leaderId = endpointOf(leader, listener) ? partition.leader : -1
  const isWhole = replicaNodes.length === partition.replicas.length && isrNodes.length === partition.isr.length
  const leaderError = leader && version >= 6 ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.LEADER_NOT_AVAILABLE
  return {
    errorCode: leaderId === -1 ? leaderError : isWhole ? ErrorCode.NONE : ErrorCode.REPLICA_NOT_AVAILABLE,
    partitionIndex,
    leaderId,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes,
    isrNodes,
    offlineReplicas: offlineReplicas(partition, image, listener),
  }
}

const isReachable = (broker: BrokerImage | undefined, listener: string): boolean =>
  broker !== undefined && !broker.fenced && endpointOf(broker, listener) !== undefined

/** Replicas on brokers that a client of a listener cannot reach. */
export const offlineReplicas = (partition: PartitionImage, image: ClusterImage, listener: string): number[] =>
  partition.replicas.filter(id => !isReachable(image.brokers.get(id), listener))
