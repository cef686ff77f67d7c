// The assigners that Java's consumers have, by their names and with their bytes, so that members of both clients can share a group: `range`, `roundrobin`, `sticky`
// and `cooperative-sticky`. Metadata and assignments are of the consumer protocol's version 3, as Java writes them.
import type { TopicPartition } from '../parts.ts'
import type { AssignerCluster } from './assigner-cluster.ts'
import { type ConsumerSubscription, encodeAssignment, encodeSubscription, parseSubscription } from './consumer-protocol.ts'
import { type AssignableMember, type AssignablePartition, type GroupInput, type GroupOutput, partitionIndex } from './group-input.ts'
import { assignRange } from './range.ts'
import { assignRoundRobin } from './round-robin.ts'
import { assignCooperativeSticky, assignSticky } from './sticky/sticky.ts'
import { encodeGeneration, encodePrevious, type PreviousAssignment, parseGeneration, parsePrevious } from './sticky/user-data.ts'
import { partitionKey } from './topic-partitions.ts'
import type { Assigner, GroupMember, PartitionAssigner, RebalanceProtocol, TakenAssignment } from './types.ts'

/** Version of the bytes. */
const version = 3

/** What tells these assigners apart. */
interface Kind {
  readonly name: string
  readonly rebalanceProtocols: readonly RebalanceProtocol[]
  assign(input: GroupInput): GroupOutput
  /** What a member says it had. */
  previous(subscription: ConsumerSubscription): PreviousAssignment
  /** What a member tells of the assignment that it took last. */
  userData(taken: TakenAssignment | undefined): Buffer | null
}

const told = ({ ownedPartitions, generationId }: ConsumerSubscription): PreviousAssignment => ({
  partitions: ownedPartitions,
  generationId,
})

/** Runs of partitions of each topic, so that partitions of the same number of several topics go together. */
export const rangeAssigner = assignerOf({
  name: 'range',
  rebalanceProtocols: ['eager'],
  assign: assignRange,
  previous: told,
  userData: () => null,
})

/** Partitions of all topics in turn, as Java's consumers do it. */
export const kafkaRoundRobinAssigner = assignerOf({
  name: 'roundrobin',
  rebalanceProtocols: ['eager'],
  assign: assignRoundRobin,
  previous: told,
  userData: () => null,
})

/** Even, and members keep what they had; everything is given up and given out again in each round. */
export const stickyAssigner = assignerOf({
  name: 'sticky',
  rebalanceProtocols: ['eager'],
  assign: assignSticky,
  previous: ({ userData }) => parsePrevious(userData),
  userData: taken => (taken === undefined ? null : encodePrevious(taken)),
})

/** The same, where members give up only what goes to others (KIP-429). */
export const cooperativeStickyAssigner = assignerOf({
  name: 'cooperative-sticky',
  rebalanceProtocols: ['cooperative', 'eager'],
  assign: assignCooperativeSticky,
  previous: subscription => ({
    partitions: subscription.ownedPartitions,
    generationId: subscription.generationId ?? parseGeneration(subscription.userData),
  }),
  userData: taken => encodeGeneration(taken?.generationId ?? -1),
})

function assignerOf(kind: Kind): PartitionAssigner {
  return ({ cluster }): Assigner => {
    let last: TakenAssignment | undefined
    return {
      name: kind.name,
      version,
      rebalanceProtocols: kind.rebalanceProtocols,
      assign: async ({ members }) => {
        const output = kind.assign(groupInput(kind, members, cluster))
        return [...output].map(([memberId, partitions]) => ({ memberId, memberAssignment: encodeAssignment(version, partitions) }))
      },
      protocol: ({ topics, ownedPartitions = [], generationId = -1, rackId = null }) => ({
        name: kind.name,
        metadata: encodeSubscription(version, { topics, ownedPartitions, generationId, rackId, userData: kind.userData(last) }),
      }),
      onAssignment: taken => {
        last = taken
      },
    }
  }
}

function groupInput(kind: Kind, members: readonly GroupMember[], cluster: AssignerCluster): GroupInput {
  const parsed = members.map(member => ({ ...member, subscription: parseSubscription(member.memberMetadata) }))
  const topics = new Map<string, AssignablePartition[]>()
  for (const topic of new Set(parsed.flatMap(({ subscription }) => subscription.topics))) {
    const partitions = partitionsOf(topic, cluster)
    if (partitions.length > 0) topics.set(topic, partitions)
  }
  const index = partitionIndex(topics)
  const find = (partition: TopicPartition): AssignablePartition | [] => index.get(partitionKey(partition)) ?? []
  return {
    topics,
    members: parsed.map(({ memberId, groupInstanceId = null, subscription }): AssignableMember => {
      const { partitions, generationId } = kind.previous(subscription)
      const owned = [...new Set(partitions.flatMap(find))]
      return { memberId, groupInstanceId, topics: [...new Set(subscription.topics)], rackId: subscription.rackId, owned, generationId }
    }),
  }
}

function partitionsOf(topic: string, cluster: AssignerCluster): AssignablePartition[] {
  return cluster
    .findTopicPartitionMetadata(topic)
    .toSorted((one, other) => one.partitionId - other.partitionId)
    .map(({ partitionId, replicas }) => ({
      topic,
      partition: partitionId,
      racks: new Set(replicas.flatMap(id => cluster.rackOf(id) ?? [])),
    }))
}
