// Takes the records of consumer groups into the state, types 3 to 8 and 16 (the replay methods of GroupMetadataManager). Where Kafka refuses to
// load a log whose records contradict each other, this takes the later one: a group that can be used after all beats one that cannot.

import {
  consumerGroupCurrentMemberAssignmentRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupPartitionMetadataRecord,
  consumerGroupRegularExpressionRecord,
  consumerGroupTargetAssignmentMemberRecord,
  consumerGroupTargetAssignmentMetadataRecord,
} from '@ottla/protocol'
import { type CoordinatorRecord, isRecordOf, type RecordOf } from '../../record.ts'
import { NO_PARTITIONS, type OwnedPartitions } from './assignment.ts'
import { ConsumerGroup, isConsumerGroup } from './consumer-group.ts'
import { LEAVE_GROUP_MEMBER_EPOCH, memberStateOf, newMember } from './member.ts'
import type { Scope } from './scope.ts'

/** Takes a record; false for one that is not of consumer groups. */
export const replay = (scope: Scope, record: CoordinatorRecord): boolean => {
  const group = replayInto(scope, record)
  if (group === undefined) return false
  if (group !== null) scope.rebalances.changed(group)
  return true
}

/** The group that a record has changed; null for none, undefined for a record of something else. */
const replayInto = (scope: Scope, record: CoordinatorRecord): ConsumerGroup | null | undefined => {
  if (isRecordOf(record, consumerGroupCurrentMemberAssignmentRecord)) return replayCurrent(scope, record)
  if (isRecordOf(record, consumerGroupMemberMetadataRecord)) return replayMember(scope, record)
  if (isRecordOf(record, consumerGroupMetadataRecord)) return replayEpoch(scope, record)
  if (isRecordOf(record, consumerGroupTargetAssignmentMemberRecord)) {
    const group = groupOf(scope, record)
    group?.setTarget(record.key.memberId, record.value === null ? null : targetOf(record.value.topicPartitions))
    return group
  }
  if (isRecordOf(record, consumerGroupTargetAssignmentMetadataRecord)) {
    const group = groupOf(scope, record)
    if (group === null) return null
    group.assignmentEpoch = record.value?.assignmentEpoch ?? -1
    group.assignmentTimestampMs = record.value?.assignmentTimestamp ?? 0
    return group
  }
  if (isRecordOf(record, consumerGroupRegularExpressionRecord)) {
    const group = groupOf(scope, record)
    const { value } = record
    const resolved = value === null ? null : { topics: new Set(value.topics), version: value.version, timestampMs: value.timestamp }
    group?.setResolved(record.key.regularExpression, resolved)
    return group
  }
  if (isRecordOf(record, consumerGroupPartitionMetadataRecord)) {
    const group = groupOf(scope, record)
    if (group !== null) group.hasPartitionMetadataRecord = record.value !== null
    return group
  }
  return undefined
}

/** The group of a record. A tombstone does not make one, and one that is of another kind by now is left alone. */
const groupOf = (
  scope: Scope,
  record: { readonly key: { readonly groupId: string }; readonly value: object | null },
): ConsumerGroup | null => {
  const { groupId } = record.key
  const group = scope.groups.get(groupId)
  if (isConsumerGroup(group)) return group
  if (record.value === null) return null
  // A group that only has offsets is replaced: no record says that it exists.
  const created = new ConsumerGroup(groupId, scope.subscribed)
  scope.groups.set(groupId, created)
  return created
}

const replayEpoch = (
  scope: Scope,
  record: RecordOf<typeof consumerGroupMetadataRecord.key.fields, typeof consumerGroupMetadataRecord.value.fields>,
): ConsumerGroup | null => {
  const group = groupOf(scope, record)
  if (group === null) return null
  if (record.value !== null) {
    group.groupEpoch = record.value.epoch
    group.metadataHash = record.value.metadataHash
    return group
  }
  group.dispose()
  scope.groups.delete(group.groupId)
  scope.rebalances.forget(group.groupId)
  return null
}

const replayMember = (
  scope: Scope,
  record: RecordOf<typeof consumerGroupMemberMetadataRecord.key.fields, typeof consumerGroupMemberMetadataRecord.value.fields>,
): ConsumerGroup | null => {
  const group = groupOf(scope, record)
  const { value } = record
  const { memberId } = record.key
  if (group === null) return null
  if (value === null) {
    group.remove(memberId)
    return group
  }
  group.update({
    ...(group.members.get(memberId) ?? newMember(memberId)),
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    subscribedTopicNames: new Set(value.subscribedTopicNames),
    subscribedTopicRegex: value.subscribedTopicRegex,
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    serverAssignor: value.serverAssignor,
    classic: value.classicMemberMetadata,
  })
  return group
}

const replayCurrent = (
  scope: Scope,
  record: RecordOf<
    typeof consumerGroupCurrentMemberAssignmentRecord.key.fields,
    typeof consumerGroupCurrentMemberAssignmentRecord.value.fields
  >,
): ConsumerGroup | null => {
  const group = groupOf(scope, record)
  const { value } = record
  const { memberId } = record.key
  if (group === null) return null
  const member = group.members.get(memberId)
  if (value === null) {
    // The member itself is removed by a tombstone of its own, which follows.
    if (member !== undefined)
      group.update({
        ...member,
        memberEpoch: LEAVE_GROUP_MEMBER_EPOCH,
        previousMemberEpoch: LEAVE_GROUP_MEMBER_EPOCH,
        assignedPartitions: NO_PARTITIONS,
        partitionsPendingRevocation: NO_PARTITIONS,
      })
    return group
  }
  group.update({
    ...(member ?? newMember(memberId)),
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: memberStateOf(value.state),
    assignedPartitions: ownedOf(value.assignedPartitions, value.memberEpoch),
    partitionsPendingRevocation: ownedOf(value.partitionsPendingRevocation, value.memberEpoch),
  })
  return group
}

const targetOf = (list: readonly { readonly topicId: string; readonly partitions: readonly number[] }[]): Map<string, Set<number>> =>
  new Map(list.map(({ topicId, partitions }) => [topicId, new Set(partitions)]))

interface RecordedPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
  readonly assignmentEpochs: readonly number[] | null
}

/** Before Kafka 4.3 there were no epochs in the record: then the member's own counts, and never less than zero. */
const ownedOf = (list: readonly RecordedPartitions[], memberEpoch: number): OwnedPartitions => {
  const fallback = Math.max(memberEpoch, 0)
  return new Map(
    list.map(({ topicId, partitions, assignmentEpochs }) => {
      const epochs = assignmentEpochs?.length === partitions.length ? assignmentEpochs : null
      return [topicId, new Map(partitions.map((partition, at) => [partition, epochs?.[at] ?? fallback]))]
    }),
  )
}
