// The `cluster` that assigners are given: what KafkaJS documents of it for them (findTopicPartitionMetadata), the harmless rest of its questions about
// metadata, answered from the client's image, and offsets, for assigners that share out by lag. Of KafkaJS's Broker objects there is what assigners use.
import type { Cluster } from '../../cluster/cluster.ts'
import type { PartitionMetadata } from '../../cluster/partition-metadata.ts'
import { offsetsOf } from '../offsets-of.ts'
import { type AssignerBroker, assignerBroker } from './assigner-broker.ts'

/** Partitions of a topic whose offsets are asked for: the ends of them, or the first offset of a time (ms) or later. */
export type TopicOffsetsQuery = { topic: string; partitions: { partition: number }[] } & (
  | { fromBeginning: boolean; fromTimestamp?: undefined }
  | { fromTimestamp: number; fromBeginning?: undefined }
)

/** Offsets of partitions, in KafkaJS's words. */
export interface TopicOffsetsAnswer {
  topic: string
  partitions: { partition: number; offset: string }[]
}

/** What assigners may ask of the cluster. */
export interface AssignerCluster {
  getNodeIds(): number[]
  isConnected(): boolean
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  addMultipleTargetTopics(topics: string[]): Promise<void>
  /** Partitions of a topic; none when the topic is not known. */
  findTopicPartitionMetadata(topic: string): PartitionMetadata[]
  /** Partitions by the node that leads them. */
  findLeaderForPartitions(topic: string, partitions: number[]): { [leader: string]: number[] }
  /** A broker by its id. Rejects with KafkaJSBrokerNotFound. */
  findBroker(broker: { nodeId: number }): Promise<AssignerBroker>
  /** The coordinator of a group. */
  findGroupCoordinator(group: { groupId: string }): Promise<AssignerBroker>
  /** Where the coordinator of a group is. */
  findGroupCoordinatorMetadata(group: { groupId: string }): Promise<{ nodeId: number; host: string; port: number }>
  /** Offsets as consumers see them that read only what is committed; -1 where nothing is as new as a timestamp. */
  fetchTopicsOffset(topics: TopicOffsetsQuery[]): Promise<TopicOffsetsAnswer[]>
  /** The rack of a node, null when it has none. */
  rackOf(nodeId: number): string | null
}

/** Makes it. */
export function assignerCluster(cluster: Cluster): AssignerCluster {
  const findTopicPartitionMetadata = (topic: string): PartitionMetadata[] =>
    (cluster.image.topics.get(topic)?.partitions ?? []).map(facts => ({
      partitionErrorCode: facts.errorCode,
      partitionId: facts.partition,
      leader: facts.leader,
      replicas: [...facts.replicas],
      isr: [...facts.isr],
      offlineReplicas: [...facts.offlineReplicas],
    }))
  const refreshMetadata = async (): Promise<void> => {
    await cluster.refresh()
  }
  const addMultipleTargetTopics = async (topics: string[]): Promise<void> => {
    await cluster.topics(topics)
  }
  return {
    getNodeIds: () => [...cluster.image.nodes.keys()],
    isConnected: () => cluster.isConnected(),
    refreshMetadata,
    refreshMetadataIfNecessary: refreshMetadata,
    addTargetTopic: topic => addMultipleTargetTopics([topic]),
    addMultipleTargetTopics,
    findTopicPartitionMetadata,
    findLeaderForPartitions: (topic, partitions) => {
      const wanted = new Set(partitions)
      const leaders: { [leader: string]: number[] } = {}
      for (const { partitionId, leader } of findTopicPartitionMetadata(topic)) {
        if (wanted.has(partitionId)) (leaders[leader] ??= []).push(partitionId)
      }
      return leaders
    },
    findBroker: ({ nodeId }) => assignerBroker(cluster, nodeId),
    findGroupCoordinator: async ({ groupId }) => assignerBroker(cluster, await cluster.coordinatorOf({ group: groupId })),
    findGroupCoordinatorMetadata: async ({ groupId }) => {
      const nodeId = await cluster.coordinatorOf({ group: groupId })
      const { host = '', port = -1 } = cluster.image.nodes.get(nodeId) ?? {}
      return { nodeId, host, port }
    },
    fetchTopicsOffset: queries => topicOffsets(cluster, queries),
    rackOf: nodeId => cluster.image.nodes.get(nodeId)?.rack ?? null,
  }
}

async function topicOffsets(cluster: Cluster, queries: readonly TopicOffsetsQuery[]): Promise<TopicOffsetsAnswer[]> {
  const asked = queries.flatMap(({ topic, partitions, fromBeginning, fromTimestamp }) =>
    partitions.map(({ partition }) => ({ topic, partition, at: fromTimestamp ?? (fromBeginning ? 'earliest' : 'latest') }) as const),
  )
  const found = (await offsetsOf(cluster, asked, { readUncommitted: false })).values()
  return queries.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition }) => ({ partition, offset: String(found.next().value?.offset ?? -1) })),
  }))
}
