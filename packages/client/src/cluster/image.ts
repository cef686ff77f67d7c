// Images of a cluster, made of what brokers answer. Pure: an image and an answer give the next image.
import type { MetadataResponse } from '@ottla/protocol'
import { ZERO_UUID } from '@ottla/protocol'
import type { ClusterImage, NodeFacts, PartitionFacts, TopicFacts } from './cluster.ts'

/** Nothing is known. */
export const emptyImage: ClusterImage = { clusterId: null, controllerId: -1, nodes: new Map(), topics: new Map(), topicNames: new Map() }

/**
 * The image after an answer that told of the topics in `asked`, or of all; of others only those in `keep` stay. A topic whose partitions are not
 * numbered from 0 on is left out, as one with an error is.
 */
export function imageAfter(
  before: ClusterImage,
  answer: MetadataResponse,
  scope: { readonly asked: ReadonlySet<string> | 'all'; readonly keep: (name: string) => boolean },
): ClusterImage {
  const topics = new Map<string, TopicFacts>()
  if (scope.asked !== 'all')
    for (const [name, facts] of before.topics) if (!scope.asked.has(name) && scope.keep(name)) topics.set(name, facts)
  for (const topic of answer.topics) {
    if (topic.name === null || topic.errorCode !== 0) continue
    const facts = topicFacts(topic, topic.name, before.topics.get(topic.name))
    if (facts.partitions.every(({ partition }, index) => partition === index)) topics.set(topic.name, facts)
  }
  return withTopics(
    {
      ...before,
      clusterId: answer.clusterId ?? before.clusterId,
      controllerId: answer.controllerId,
      nodes: new Map(answer.brokers.map(({ nodeId, host, port, rack }) => [nodeId, { nodeId, host, port, rack }])),
    },
    topics,
  )
}

/** The image after an answer that told of a new leader (KIP-951); the same image where that is known already. */
export function imageWithLeader(
  before: ClusterImage,
  told: { topic: string; partition: number; leaderId: number; leaderEpoch: number; nodes: readonly NodeFacts[] },
): ClusterImage {
  const topic = before.topics.get(told.topic)
  const partition = topic?.partitions[told.partition]
  const fresh = told.nodes.filter(node => !isSame(before.nodes.get(node.nodeId), node))
  const nodes = fresh.length === 0 ? before.nodes : new Map([...before.nodes, ...fresh.map(node => [node.nodeId, node] as const)])
  const isNews = partition !== undefined && told.leaderId >= 0 && told.leaderEpoch > partition.leaderEpoch && nodes.has(told.leaderId)
  if (topic === undefined || !isNews) return fresh.length === 0 ? before : { ...before, nodes }
  const { leaderId: leader, leaderEpoch } = told
  const partitions = topic.partitions.map(facts => (facts === partition ? { ...facts, leader, leaderEpoch, errorCode: 0 } : facts))
  return withTopics({ ...before, nodes }, new Map(before.topics).set(topic.name, { ...topic, partitions }))
}

/** The image without some topics. */
export function imageWithout(before: ClusterImage, names: Iterable<string>): ClusterImage {
  const topics = new Map(before.topics)
  for (const name of names) topics.delete(name)
  return topics.size === before.topics.size ? before : withTopics(before, topics)
}

function withTopics(image: ClusterImage, topics: ReadonlyMap<string, TopicFacts>): ClusterImage {
  const topicNames = new Map<string, string>()
  for (const { id, name } of topics.values()) if (id !== ZERO_UUID) topicNames.set(id, name)
  return { ...image, topics, topicNames }
}

const isSame = (known: NodeFacts | undefined, node: NodeFacts): boolean => known?.host === node.host && known.port === node.port

function topicFacts(topic: MetadataResponse['topics'][number], name: string, before: TopicFacts | undefined): TopicFacts {
  // Brokers of two releases may answer in turns, those without topic ids too.
  const known = topic.topicId === ZERO_UUID || before?.id === topic.topicId ? before : undefined
  const partitions: PartitionFacts[] = []
  for (const told of topic.partitions) {
    const facts = {
      partition: told.partitionIndex,
      leader: told.leaderId,
      leaderEpoch: told.leaderEpoch,
      replicas: told.replicaNodes,
      isr: told.isrNodes,
      offlineReplicas: told.offlineReplicas,
      errorCode: told.errorCode,
    }
    // A broker that has not heard yet may tell of a leader that is known to have been followed by another.
    const former = known?.partitions[facts.partition]
    partitions.push(former !== undefined && facts.leaderEpoch >= 0 && former.leaderEpoch > facts.leaderEpoch ? former : facts)
  }
  partitions.sort((a, b) => a.partition - b.partition)
  return { name, id: topic.topicId, isInternal: topic.isInternal, partitions }
}
