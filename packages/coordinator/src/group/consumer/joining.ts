// Which member a request is about: one of the group, a new one, or one that takes the place of a static member (GroupMetadataManager,
// getOrMaybeSubscribeDynamicConsumerGroupMember and getOrMaybeSubscribeStaticConsumerGroupMember).

import type { CoordinatorRecord } from '../../record.ts'
import type { TopicPartitions } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerGroupMember, newMember } from './member.ts'
import { currentRecord, memberRecord, removalOf, targetRecord } from './records.ts'
import { ensureEpoch, ensureReleased, staticMemberOf } from './request-checks.ts'

/** Who asks. */
export interface Applicant {
  readonly memberId: string
  readonly instanceId: string | null
  /** Of the consumer protocol; null for a member of the classic one, which is checked elsewhere. */
  readonly memberEpoch: number | null
  readonly reported: readonly TopicPartitions[] | null
  /** Whether it may be a member that the group does not know yet. */
  readonly joins: boolean
}

/** The member that asks, and what is to be written if it replaces another one. */
export interface Found {
  readonly member: ConsumerGroupMember
  readonly records: CoordinatorRecord[]
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, FENCED_INSTANCE_ID, UNRELEASED_INSTANCE_ID */
export const memberFor = (group: ConsumerGroup, applicant: Applicant): Found =>
  applicant.instanceId === null
    ? { member: dynamicMember(group, applicant), records: [] }
    : staticMember(group, applicant, applicant.instanceId)

const dynamicMember = (group: ConsumerGroup, { memberId, memberEpoch, reported, joins }: Applicant): ConsumerGroupMember => {
  const member = group.members.get(memberId) ?? (joins ? newMember(memberId) : group.memberOf(memberId))
  if (memberEpoch !== null) ensureEpoch(member, memberEpoch, reported)
  return member
}

const staticMember = (group: ConsumerGroup, applicant: Applicant, instanceId: string): Found => {
  const { memberId, memberEpoch, reported, joins } = applicant
  if (!joins) {
    const member = staticMemberOf(group, memberId, instanceId)
    if (memberEpoch !== null) ensureEpoch(member, memberEpoch, reported)
    return { member, records: [] }
  }
  const existing = group.staticMember(instanceId)
  if (existing === undefined) return { member: group.members.get(memberId) ?? newMember(memberId), records: [] }
  if (memberEpoch !== null && existing.classic === null) ensureReleased(existing, memberId, instanceId)
  const member = { ...existing, memberId, memberEpoch: 0, previousMemberEpoch: 0 }
  return { member, records: replacement(group, existing, member) }
}

/** Puts a static member in the place of another one. Timers of the old one find nobody when they expire. */
const replacement = (group: ConsumerGroup, old: ConsumerGroupMember, member: ConsumerGroupMember): CoordinatorRecord[] => [
  ...removalOf(group.groupId, old.memberId),
  memberRecord(group.groupId, member),
  targetRecord(group.groupId, member.memberId, group.targets.get(old.memberId) ?? new Map()),
  currentRecord(group.groupId, member),
]
