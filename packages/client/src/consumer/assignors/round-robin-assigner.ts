// KafkaJS's default assigner, by its name on the wire, so that members of both clients can share a group. Partitions of all topics are dealt out to
// members in the order of their ids. Where members subscribe to different topics, one gets only what it subscribes (KafkaJS deals to all).
import type { TopicPartition } from '../parts.ts'
import { AssignerProtocol } from './assigner-protocol.ts'
import { parseSubscription } from './consumer-protocol.ts'
import { groupedByTopic } from './topic-partitions.ts'
import type { Assigner, AssignerConfig } from './types.ts'

/** Makes KafkaJS's RoundRobinAssigner. */
export function roundRobinAssigner({ cluster }: Pick<AssignerConfig, 'cluster'>): Assigner {
  const version = 0
  const name = 'RoundRobinAssigner'
  return {
    name,
    version,
    assign: async ({ members, topics }) => {
      const sorted = members
        .map(({ memberId, memberMetadata }) => ({ memberId, topics: new Set(parseSubscription(memberMetadata).topics) }))
        .toSorted((one, other) => (one.memberId < other.memberId ? -1 : 1))
      const assignments = new Map<string, TopicPartition[]>()
      let turn = 0
      for (const topic of topics) {
        if (!sorted.some(member => member.topics.has(topic))) continue
        for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
          while (sorted[turn % sorted.length]?.topics.has(topic) !== true) turn++
          const taker = sorted[turn++ % sorted.length]?.memberId ?? ''
          const partitions = assignments.get(taker) ?? []
          assignments.set(taker, partitions)
          partitions.push({ topic, partition: partitionId })
        }
      }
      return [...assignments].map(([memberId, partitions]) => {
        const assignment = Object.fromEntries(groupedByTopic(partitions))
        return { memberId, memberAssignment: AssignerProtocol.MemberAssignment.encode({ version, assignment }) }
      })
    },
    protocol: ({ topics }) => ({ name, metadata: AssignerProtocol.MemberMetadata.encode({ version, topics }) }),
  }
}
