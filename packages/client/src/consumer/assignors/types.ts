// What decides who gets which partitions in a classic group: KafkaJS's interface of assigners (names as there), and what built-in ones add to
// it so that they can do what Java's assignors do: cooperative rebalancing (KIP-429), stickiness, racks (KIP-881). A custom assigner that
// knows nothing of the additions works as it does with KafkaJS.
import type { Logger } from '../../logger.ts'
import type { TopicPartition } from '../parts.ts'
import type { AssignerCluster } from './assigner-cluster.ts'

/** Partitions by topic. */
export interface Assignment {
  [topic: string]: number[]
}

/** A member as the leader of a group gets to know it. */
export interface GroupMember {
  memberId: string
  /** What the member's assigner gave as `metadata` of its `protocol`. */
  memberMetadata: Buffer
  /** Of static members (KIP-345). */
  groupInstanceId?: string | null
}

/** What a member gets: `memberAssignment` is made by `AssignerProtocol.MemberAssignment.encode`. */
export interface GroupMemberAssignment {
  memberId: string
  memberAssignment: Buffer
}

/** Name and metadata with which a member enters a group: `metadata` is made by `AssignerProtocol.MemberMetadata.encode`. */
export interface GroupState {
  name: string
  metadata: Buffer
}

/** Eager members give up everything before each round, cooperative ones only what goes to others. */
export type RebalanceProtocol = 'eager' | 'cooperative'

/** What a member wants and has. */
export interface MemberSubscription {
  topics: string[]
  /** Empty with the eager protocol. */
  ownedPartitions?: readonly TopicPartition[]
  /** Generation in which it got what it owns, -1 when it has none. */
  generationId?: number
  rackId?: string | null
}

/** What an assigner is told once its member has taken an assignment. */
export interface TakenAssignment {
  readonly partitions: readonly TopicPartition[]
  readonly generationId: number
}

/** Decides who gets which partitions, when its member leads the group. */
export interface Assigner {
  name: string
  version: number
  /** `topics` are those that some member subscribes, the leader's own first. */
  assign(group: { members: GroupMember[]; topics: string[] }): Promise<GroupMemberAssignment[]>
  protocol(subscription: MemberSubscription): GroupState
  /** Ways of rebalancing that it is good for; eager when absent. A consumer uses the best one that all its assigners have. */
  readonly rebalanceProtocols?: readonly RebalanceProtocol[]
  /** Called with each assignment that was taken while this assigner was the group's. */
  onAssignment?(taken: TakenAssignment): void
}

/** What an assigner is made of. */
export interface AssignerConfig {
  cluster: AssignerCluster
  groupId: string
  logger: Logger
}

/** Makes an assigner; `partitionAssigners` of a consumer. */
export type PartitionAssigner = (config: AssignerConfig) => Assigner
