// The built-in assigners by the names under which `PartitionAssigners` has them.
import { cooperativeStickyAssigner, kafkaRoundRobinAssigner, rangeAssigner, stickyAssigner } from './kafka-assigners.ts'
import { roundRobinAssigner } from './round-robin-assigner.ts'
import type { PartitionAssigner } from './types.ts'

export { AssignerProtocol, type ISerializer, type MemberAssignment, type MemberMetadata } from './assigner-protocol.ts'
export type { AssignerCluster } from './assigner-cluster.ts'
export type {
  Assigner,
  AssignerConfig,
  Assignment,
  GroupMember,
  GroupMemberAssignment,
  GroupState,
  MemberSubscription,
  PartitionAssigner,
  RebalanceProtocol,
  TakenAssignment,
} from './types.ts'

/** For `partitionAssigners` of a consumer. */
export const PartitionAssigners: {
  /** KafkaJS's default. */
  readonly roundRobin: PartitionAssigner
  /** `range` of Java's consumers. */
  readonly range: PartitionAssigner
  /** `roundrobin` of Java's consumers. */
  readonly kafkaRoundRobin: PartitionAssigner
  /** `sticky` of Java's consumers. */
  readonly sticky: PartitionAssigner
  /** `cooperative-sticky` of Java's consumers: rebalances without stopping what goes on (KIP-429). */
  readonly cooperativeSticky: PartitionAssigner
} = {
  roundRobin: roundRobinAssigner,
  range: rangeAssigner,
  kafkaRoundRobin: kafkaRoundRobinAssigner,
  sticky: stickyAssigner,
  cooperativeSticky: cooperativeStickyAssigner,
}
