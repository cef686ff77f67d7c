// The records that remove a consumer group, in Kafka's order (ConsumerGroup, createGroupTombstoneRecords).

import type { CoordinatorRecord } from '../../record.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import {
  currentTombstone,
  epochTombstone,
  memberTombstone,
  partitionMetadataTombstone,
  patternTombstone,
  targetEpochTombstone,
  targetTombstone,
} from './records.ts'

/** A member that is put in the place of another one by records that precede the tombstones. */
export interface Replacement {
  readonly leavingId: string
  readonly joiningId: string
}

/** The tombstones of a group. They name the id of a static member that joins in place of the id of the one that it replaces. */
export const tombstonesOf = (group: ConsumerGroup, replacement: Replacement | null = null): CoordinatorRecord[] => {
  const { groupId } = group
  const memberIds = Array.from(group.members.keys(), memberId => (memberId === replacement?.leavingId ? replacement.joiningId : memberId))
  return [
    ...memberIds.map(memberId => currentTombstone(groupId, memberId)),
    ...memberIds.map(memberId => targetTombstone(groupId, memberId)),
    targetEpochTombstone(groupId),
    ...memberIds.map(memberId => memberTombstone(groupId, memberId)),
    ...Array.from(group.resolved.keys(), pattern => patternTombstone(groupId, pattern)),
    partitionMetadataTombstone(groupId),
    epochTombstone(groupId),
  ]
}
