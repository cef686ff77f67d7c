// What a server-side assignor is asked and answers (KIP-848; Kafka's ConsumerGroupPartitionAssignor, GroupSpec, SubscribedTopicDescriber).
// Assignors are pure: the same group in the same order gives the same answer. They never change what they are given, and what they
// leave as it was they return as the same object, so that a caller sees at once which members got something else.
import { ErrorCode, KafkaError } from '@ottla/protocol'

/** Partitions by topic id. */
export type PartitionsByTopic = ReadonlyMap<string, ReadonlySet<number>>

/** What a member wants and has. */
export interface MemberSpec {
  readonly instanceId: string | null
  /** No assignor of Kafka 4.3 looks at it. */
  readonly rackId: string | null
  /** Topics that it subscribes to, all of which exist. */
  readonly subscribedTopicIds: ReadonlySet<string>
  /** Its present target assignment. A partition is in that of one member at most. */
  readonly assignment: PartitionsByTopic
}

/** The group that gets an assignment. */
export interface GroupSpec {
  /** Members by id. Their order decides between members that are equal otherwise. */
  readonly members: ReadonlyMap<string, MemberSpec>
  /** Whether all members subscribe to the same topics. */
  readonly isHomogeneous: boolean
  /** Whether the partition is in the present target assignment of any member. */
  isAssigned(topicId: string, partition: number): boolean
}

/** The topics as they are now. */
export interface TopicDescriber {
  /** -1 when the topic does not exist. */
  partitionCount(topicId: string): number
  /** Racks of the partition's replicas. No assignor of Kafka 4.3 looks at them. */
  racksOf(topicId: string, partition: number): ReadonlySet<string>
}

/** A strategy by which partitions go to members. */
export interface Assignor {
  /** The name that clients ask for. */
  readonly name: string
  /** The new target assignment. A member that is missing in it gets nothing. Throws KafkaError. */
  assign(group: GroupSpec, topics: TopicDescriber): ReadonlyMap<string, PartitionsByTopic>
}

/** Number of partitions of a topic that a member subscribes to. */
export function existingPartitionCount(topics: TopicDescriber, topicId: string): number {
  const count = topics.partitionCount(topicId)
  if (count !== -1) return count
  throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `Members are subscribed to topic ${topicId}, which does not exist.`)
}
