// The group coordinator of this broker: which partition of __consumer_offsets a group belongs to, and the groups of those that it leads
// (classes GroupCoordinatorService and, for its place in the broker, BrokerMetadataPublisher).
import type { Decision, GroupPartition } from '@ottla/coordinator'

/** What handlers see of it. */
export interface GroupService {
  /** Partition of __consumer_offsets that a group belongs to. */
  partitionOf(groupId: string): number
  /**
   * Decides for a group; the reply is given out once everything it is based on is committed, at once where that is so already.
   * @throws KafkaError, or rejects with it: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, and what `decide` throws.
   */
  run<R>(groupId: string, decide: (groups: GroupPartition) => Decision<R>): R | Promise<R>
  /** Asks every partition that is led here; one that is still loading is a promise that rejects with COORDINATOR_LOAD_IN_PROGRESS. */
  eachLed<R>(decide: (groups: GroupPartition) => Decision<R>): (R | Promise<R>)[]
}
