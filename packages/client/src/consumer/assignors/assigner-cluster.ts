// The `cluster` that assigners are given: what KafkaJS documents of it for them (findTopicPartitionMetadata), and the harmless rest of its
// questions about metadata, answered from the client's image.
import type { Cluster } from '../../cluster/cluster.ts'

/** A partition in KafkaJS's words. */
export interface PartitionMetadata {
  partitionErrorCode: number
  partitionId: number
  leader: number
  replicas: number[]
  isr: number[]
  offlineReplicas?: number[]
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
    rackOf: nodeId => cluster.image.nodes.get(nodeId)?.rack ?? null,
  }
}
