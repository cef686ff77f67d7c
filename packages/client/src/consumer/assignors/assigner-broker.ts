// A broker as assigners see it: where it is, and the two questions of KafkaJS's Broker that assigners have a use for, to share out partitions by how
// far a group is behind. Both are answered by whichever broker knows, with the client's retries.
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaJSBrokerNotFound } from '../../errors/index.ts'
import { committedOffsets } from '../group/offsets.ts'

/** Partitions of topics, in KafkaJS's words. */
export interface AskedTopic {
  topic: string
  partitions: { partition: number }[]
}

/** What a group has committed of a topic; `offset` -1: nothing. */
export interface CommittedTopic {
  topic: string
  partitions: { partition: number; offset: string; metadata: string | null; errorCode: number }[]
}

/** See the top of the file. */
export interface AssignerBroker {
  nodeId: number
  host: string
  port: number
  rack: string | null
  isConnected(): boolean
  /** What a group has committed. */
  offsetFetch(query: { groupId: string; topics: AskedTopic[] }): Promise<{ responses: CommittedTopic[] }>
}

/** A broker of the cluster; what is known of it is asked again when it is not there. Rejects with KafkaJSBrokerNotFound. */
export async function assignerBroker(cluster: Cluster, nodeId: number): Promise<AssignerBroker> {
  if (!cluster.image.nodes.has(nodeId)) await cluster.refresh()
  const node = cluster.image.nodes.get(nodeId)
  if (node === undefined) throw new KafkaJSBrokerNotFound(`Broker ${nodeId} not found in the cached metadata`)
  const { host, port, rack } = node
  return {
    nodeId,
    host,
    port,
    rack: rack ?? null,
    isConnected: () => cluster.isConnected(),
    offsetFetch: ({ groupId, topics }) => offsetFetch(cluster, groupId, topics),
  }
}

async function offsetFetch(cluster: Cluster, groupId: string, topics: readonly AskedTopic[]): Promise<{ responses: CommittedTopic[] }> {
  const asked = topics.flatMap(({ topic, partitions }) => partitions.map(({ partition }) => ({ topic, partition })))
  const found = await committedOffsets(cluster, groupId, asked)
  const ofTopic = (topic: string): CommittedTopic['partitions'] =>
    found
      .filter(offset => offset.topic === topic)
      .map(({ partition, offset, metadata }) => ({ partition, offset: String(offset), metadata, errorCode: 0 }))
  return { responses: topics.map(({ topic }) => ({ topic, partitions: ofTopic(topic) })) }
}
