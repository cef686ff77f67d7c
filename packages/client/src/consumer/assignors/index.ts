// The built-in assigners by the names under which `PartitionAssigners` has them.
import { roundRobinAssigner } from './round-robin-assigner.ts'
import type { PartitionAssigner } from './types.ts'

export { AssignerProtocol, type ISerializer, type MemberAssignment, type MemberMetadata } from './assigner-protocol.ts'
export type { AssignerCluster, PartitionMetadata } from './assigner-cluster.ts'
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
export const PartitionAssigners = {
  /** KafkaJS's default. */
  roundRobin: roundRobinAssigner satisfies PartitionAssigner,
}
