// What groups of all kinds have in common (interface org.apache.kafka.coordinator.group.Group): what offsets and administration ask of them.

import type { CoordinatorRecord } from '../record.ts'

/** Names that Kafka gives to states: `Empty`, `Stable`, `Dead` of all kinds, `PreparingRebalance` and `CompletingRebalance` of classic groups,
 * `Assigning` and `Reconciling` of consumer groups. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Assigning' | 'Reconciling' | 'Stable' | 'Dead'

/** A partition whose offset is committed. */
export interface CommittedPartition {
  readonly topic: string
  /** The topic's id as the metadata have it; that of no topic where they do not know it. */
  readonly topicId: string
  readonly partition: number
}

/** Who commits or asks for offsets. */
export interface OffsetCaller {
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Generation of a classic group, member epoch of a consumer group; negative for who is no member. */
  readonly generationIdOrMemberEpoch: number
  readonly apiVersion: number
  /**
   * What is committed. A member of a consumer group whose epoch is behind may still commit partitions that it has had since that epoch or
   * before (Kafka 4.3); without this list it may not.
   */
  readonly partitions?: Iterable<CommittedPartition>
}

/** A group of any kind. */
export interface Group {
  readonly kind: 'classic' | 'consumer'
  readonly groupId: string
  readonly state: GroupState
  /** `consumer` for consumers; empty for a group that only has offsets. */
  readonly protocolType: string
  readonly memberCount: number
  /** @throws KafkaError UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, STALE_MEMBER_EPOCH, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS */
  ensureMayCommit(caller: OffsetCaller, isTransactional: boolean): void
  /** Called after `ensureMayCommit`, for what a commit does besides: classic members show by it that they live. */
  committedBy(caller: OffsetCaller): void
  /** @throws KafkaError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH */
  ensureMayFetch(memberId: string, memberEpoch: number): void
  /** @throws KafkaError NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND */
  ensureMayBeDeleted(): void
  /** @throws KafkaError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP (of protocol types that do not tell their topics) */
  ensureOffsetsMayBeDeleted(): void
  isSubscribedTo(topic: string): boolean
  /** Records that remove the group, without its offsets. */
  tombstones(): readonly CoordinatorRecord[]
  /**
   * From when on offsets count as unused, in wall-clock ms: their commit time, or the time at which the group became empty; null while
   * they are in use (class OffsetExpirationConditionImpl). `isSubscribedTo` is asked besides.
   */
  unusedSinceMs(commitTimestampMs: number): number | null
  /** Whether the group may disappear when it has no offsets left. */
  readonly mayExpire: boolean
}

/** The groups of one coordinator partition. */
export type Groups = Map<string, Group>
