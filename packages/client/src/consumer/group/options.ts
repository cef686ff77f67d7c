// Settings of a membership, with KafkaJS's names and defaults where KafkaJS has them.
import type { PartitionAssigner } from '../assignors/types.ts'
import { roundRobinAssigner } from '../assignors/round-robin-assigner.ts'
import type { Subscription } from '../parts.ts'

/** How a consumer is a member of its group. */
export interface MembershipOptions {
  readonly groupId: string
  /** Makes a static member (KIP-345): after a restart it gets back what it had, without a rebalance. */
  readonly groupInstanceId?: string | null
  /** `classic` (default), or `consumer`: KIP-848, where the broker assigns partitions and members change them one by one. */
  readonly groupProtocol?: 'classic' | 'consumer'
  /** Without a heartbeat for this long a member is out of its group; 30,000 ms. With KIP-848 the broker decides. */
  readonly sessionTimeout?: number
  /** How long members have to give up partitions and join again; 60,000 ms. */
  readonly rebalanceTimeout?: number
  /** 3,000 ms. With KIP-848 the broker decides. */
  readonly heartbeatInterval?: number
  /** In order of preference; KafkaJS's round robin by default. Not used with KIP-848. */
  readonly partitionAssigners?: readonly PartitionAssigner[]
  /** KIP-848: the broker's assignor, such as `uniform` or `range`; the broker's choice by default. */
  readonly groupRemoteAssignor?: string
  readonly rackId?: string
  /** What is subscribed from the beginning. */
  readonly subscription?: Subscription
}

/** The settings with their defaults. */
export interface MembershipSettings {
  readonly groupId: string
  readonly groupInstanceId: string | null
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly partitionAssigners: readonly PartitionAssigner[]
  readonly groupRemoteAssignor: string | null
  readonly rackId: string | null
}

/** Adds the defaults. */
export const settingsOf = (options: MembershipOptions): MembershipSettings => ({
  groupId: options.groupId,
  groupInstanceId: options.groupInstanceId ?? null,
  sessionTimeoutMs: options.sessionTimeout ?? 30_000,
  rebalanceTimeoutMs: options.rebalanceTimeout ?? 60_000,
  heartbeatIntervalMs: options.heartbeatInterval ?? 3_000,
  partitionAssigners: options.partitionAssigners ?? [roundRobinAssigner],
  groupRemoteAssignor: options.groupRemoteAssignor ?? null,
  rackId: options.rackId === '' ? null : (options.rackId ?? null),
})
