// Makes the target assignment of a group anew (class TargetAssignmentBuilder): who should have what, as the assignor says that most members
// ask for. Only members that should have something else than before get a record.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import { type Assignor, assignors, type MemberSpec, type PartitionsByTopic, type TopicDescriber } from '../../assignors/index.ts'
import type { CoordinatorRecord } from '../../record.ts'
import { mostVoted } from '../votes.ts'
import type { GroupSettings, Topics } from '../world.ts'
import { NO_TARGET, sameTarget } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupMember } from './member.ts'
import { targetEpochRecord, targetRecord } from './records.ts'
import { tally } from './subscribed-topics.ts'
import type { TopicIds } from './topic-ids.ts'

/** A target assignment as one member sees it. */
export interface Target {
  readonly assignmentEpoch: number
  readonly target: PartitionsByTopic
}

/** A group that is about to get a new assignment, and the member by whose request it does. */
export interface Change {
  readonly groupEpoch: number
  readonly isHomogeneous: boolean
  /** As it was before the request. */
  readonly before: ConsumerGroupMember
  readonly member: ConsumerGroupMember
}

/** What assignments are made with. */
export interface Assigning {
  readonly topics: Topics
  readonly settings: GroupSettings
  readonly topicIds: TopicIds
  /** Wall clock, in ms. */
  readonly nowMs: number
}

/**
 * Whether the group may get a new target assignment: at most one per `group.consumer.assignment.interval.ms`. One that was made later than
 * now is of a wall clock that was set back since, and no reason to wait (in Kafka it is).
 */
export const mayAssign = ({ assignmentTimestampMs: last }: ConsumerGroup, intervalMs: number, nowMs: number): boolean =>
  last === 0 || intervalMs === 0 || nowMs >= last + intervalMs || nowMs < last

/** Name of the assignor that most members ask for once the member is changed; null when none does. */
export const preferredAssignor = (
  group: ConsumerGroup,
  before: ConsumerGroupMember | null = null,
  after: ConsumerGroupMember | null = null,
): string | null => {
  const votes = new Map(group.assignorVotes)
  if (before !== null && before.serverAssignor !== null) tally(votes, before.serverAssignor, -1)
  if (after !== null && after.serverAssignor !== null) tally(votes, after.serverAssignor, 1)
  return mostVoted(votes)
}

/** The assignor by which the group is assigned. */
export const assignorOf = (name: string | null, settings: GroupSettings): Assignor => {
  const names = settings.groupConsumerAssignors
  const chosen = name !== null && names.includes(name) ? name : names[0]
  const assignor = chosen === undefined ? undefined : assignors.get(chosen)
  if (assignor === undefined) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `There is no assignor ${chosen ?? ''}.`)
  return assignor
}

/** The records of a new target assignment, and what the member by whose request it is made should have. */
export const assign = (
  group: ConsumerGroup,
  change: Change,
  assigning: Assigning,
): Target & { readonly records: readonly CoordinatorRecord[]; readonly assignor: string } => {
  const { groupEpoch, member, before } = change
  const assignor = assignorOf(preferredAssignor(group, before, member), assigning.settings)
  const members = specsOf(group, member, assigning.topicIds)
  const assignment = assigned(assignor, members, { group, change, assigning })
  const records: CoordinatorRecord[] = []
  for (const memberId of members.keys()) {
    const target = assignment.get(memberId) ?? NO_TARGET
    const old = group.targets.get(memberId)
    if (old === undefined || !sameTarget(target, old)) records.push(targetRecord(group.groupId, memberId, target))
  }
  records.push(targetEpochRecord(group.groupId, groupEpoch, assigning.nowMs))
  return { assignmentEpoch: groupEpoch, target: assignment.get(member.memberId) ?? NO_TARGET, records, assignor: assignor.name }
}

/** All members as they will be. A static member takes the place, and the partitions, of the one that it replaces. */
const specsOf = (group: ConsumerGroup, member: ConsumerGroupMember, topicIds: TopicIds): Map<string, MemberSpec> => {
  const replacedId = member.instanceId === null ? undefined : group.staticMembers.get(member.instanceId)
  const specs = new Map<string, MemberSpec>()
  const add = (one: ConsumerGroupMember, assignment: PartitionsByTopic): void => {
    const { memberId, instanceId, rackId } = one
    specs.set(memberId, { instanceId, rackId, assignment, subscribedTopicIds: topicIds.subscribedBy(one, group.resolved) })
  }
  const target = group.targets.get(replacedId ?? member.memberId) ?? NO_TARGET
  for (const one of group.members.values()) {
    if (one.memberId === member.memberId) add(member, target)
    else if (one.memberId !== replacedId) add(one, group.targets.get(one.memberId) ?? NO_TARGET)
  }
  if (!specs.has(member.memberId)) add(member, target)
  return specs
}

const assigned = (
  assignor: Assignor,
  members: ReadonlyMap<string, MemberSpec>,
  { group, change, assigning }: { readonly group: ConsumerGroup; readonly change: Change; readonly assigning: Assigning },
): ReadonlyMap<string, PartitionsByTopic> => {
  const { topics } = assigning
  const describer: TopicDescriber = {
    partitionCount: topicId => topics.topicById(topicId)?.partitionCount ?? -1,
    racksOf: (topicId, partition) => topics.topicById(topicId)?.racksOf(partition) ?? new Set(),
  }
  const { isHomogeneous, groupEpoch } = change
  try {
    return assignor.assign({ members, isHomogeneous, isAssigned: (topicId, partition) => group.isTargeted(topicId, partition) }, describer)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    throw new KafkaError(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      `Failed to compute a new target assignment for epoch ${groupEpoch}: ${error.message}`,
    )
  }
}
