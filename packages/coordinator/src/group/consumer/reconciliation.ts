// Brings one member a step closer to its target assignment (class CurrentAssignmentBuilder): first it gives up what it should not have, and
// stays at its epoch until it said so; then it gets the new epoch, and of what it should have all that nobody else still has.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { PartitionsByTopic } from '../../assignors/index.ts'
import { NO_PARTITIONS, type OwnedPartitions, type TopicPartitions } from './assignment.ts'
import { type ConsumerGroupMember, MemberState } from './member.ts'

/** What a member is to be brought to. */
export interface Goal {
  readonly assignmentEpoch: number
  readonly target: PartitionsByTopic
  /** Whether the member subscribes to other topics since this very request. */
  readonly hasSubscriptionChanged: boolean
  /** What the member says it has; null when it does not say. */
  readonly reported: readonly TopicPartitions[] | null
  /** Topics that the member subscribes to. */
  readonly subscribedTopicIds: () => ReadonlySet<string>
  /** Whether any member has the partition. */
  readonly isOwned: (topicId: string, partition: number) => boolean
}

/** The next state of a member; the same object when nothing can be done for it now. */
export const reconcile = (member: ConsumerGroupMember, goal: Goal): ConsumerGroupMember => {
  switch (member.state) {
    case MemberState.STABLE:
      if (member.memberEpoch !== goal.assignmentEpoch) return nextAssignment(member, goal)
      return goal.hasSubscriptionChanged ? withoutUnsubscribed(member, goal) : member
    case MemberState.UNREVOKED_PARTITIONS:
      if (!reportsAnyOf(member.partitionsPendingRevocation, goal.reported)) return nextAssignment(member, goal)
      return goal.hasSubscriptionChanged ? withoutUnsubscribed(member, goal) : member
    case MemberState.UNRELEASED_PARTITIONS:
      return nextAssignment(member, goal)
    default:
      // A newer version wrote a state that this one does not know: the member is made to begin anew.
      if (goal.reported === null || goal.reported.length > 0)
        throw new KafkaError(
          ErrorCode.FENCED_MEMBER_EPOCH,
          'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
        )
      return nextAssignment({ ...member, memberEpoch: goal.assignmentEpoch }, goal)
  }
}

/** Whether the member still has one of these. Who does not say is taken to have them. */
const reportsAnyOf = (pending: OwnedPartitions, reported: readonly TopicPartitions[] | null): boolean =>
  reported?.some(({ topicId, partitions }) => {
    const epochs = pending.get(topicId)
    return epochs !== undefined && partitions.some(partition => epochs.has(partition))
  }) ?? true

/** Takes topics from a member that it does not want any more, without waiting for the next target assignment. */
const withoutUnsubscribed = (member: ConsumerGroupMember, goal: Goal): ConsumerGroupMember => {
  const subscribed = goal.subscribedTopicIds()
  const assignedPartitions = new Map(member.assignedPartitions)
  const partitionsPendingRevocation = new Map(member.partitionsPendingRevocation)
  for (const [topicId, epochs] of member.assignedPartitions) {
    if (subscribed.has(topicId)) continue
    assignedPartitions.delete(topicId)
    partitionsPendingRevocation.set(topicId, new Map([...(partitionsPendingRevocation.get(topicId) ?? []), ...epochs]))
  }
  if (assignedPartitions.size === member.assignedPartitions.size) return member
  const shrunk = { ...member, previousMemberEpoch: member.memberEpoch, assignedPartitions }
  if (!reportsAnyOf(partitionsPendingRevocation, goal.reported)) return shrunk
  return { ...shrunk, state: MemberState.UNREVOKED_PARTITIONS, partitionsPendingRevocation }
}

/** What becomes of the partitions that a member has or should have. */
interface Split {
  readonly kept: Map<string, Map<number, number>>
  readonly revoked: Map<string, ReadonlyMap<number, number>>
  readonly free: Map<string, number[]>
  readonly hasUnreleased: boolean
}

const nextAssignment = (member: ConsumerGroupMember, goal: Goal): ConsumerGroupMember => {
  const { kept, revoked, free, hasUnreleased } = split(member, goal)
  if (revoked.size > 0 && reportsAnyOf(revoked, goal.reported))
    return {
      ...member,
      state: MemberState.UNREVOKED_PARTITIONS,
      previousMemberEpoch: member.memberEpoch,
      assignedPartitions: kept,
      partitionsPendingRevocation: revoked,
    }
  for (const [topicId, partitions] of free) {
    const epochs = kept.get(topicId) ?? new Map<number, number>()
    for (const partition of partitions) epochs.set(partition, goal.assignmentEpoch)
    kept.set(topicId, epochs)
  }
  return {
    ...member,
    state: hasUnreleased ? MemberState.UNRELEASED_PARTITIONS : MemberState.STABLE,
    memberEpoch: goal.assignmentEpoch,
    previousMemberEpoch: member.memberEpoch,
    assignedPartitions: kept,
    partitionsPendingRevocation: NO_PARTITIONS,
  }
}

const split = (member: ConsumerGroupMember, goal: Goal): Split => {
  const subscribed = goal.subscribedTopicIds()
  const kept: Split['kept'] = new Map()
  const revoked: Split['revoked'] = new Map()
  const free: Split['free'] = new Map()
  let hasUnreleased = false
  for (const topicId of new Set([...goal.target.keys(), ...member.assignedPartitions.keys()])) {
    const target = subscribed.has(topicId) ? goal.target.get(topicId) : undefined
    const owned = member.assignedPartitions.get(topicId)
    const keptHere = new Map<number, number>()
    const revokedHere = new Map<number, number>()
    for (const [partition, epoch] of owned ?? []) (target?.has(partition) ? keptHere : revokedHere).set(partition, epoch)
    const freeHere: number[] = []
    for (const partition of target ?? []) {
      if (owned?.has(partition)) continue
      // What the member itself has still to give up is its own to get again.
      const isFree = !goal.isOwned(topicId, partition) || member.partitionsPendingRevocation.get(topicId)?.has(partition)
      if (isFree) freeHere.push(partition)
      else hasUnreleased = true
    }
    if (keptHere.size > 0) kept.set(topicId, keptHere)
    if (revokedHere.size > 0) revoked.set(topicId, revokedHere)
    if (freeHere.length > 0) free.set(topicId, freeHere)
  }
  return { kept, revoked, free, hasUnreleased }
}
