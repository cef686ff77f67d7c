// ConsumerGroupDescribe (ConsumerGroup, asDescribedGroup). Topics that are gone are left out.

import type { ConsumerGroupDescribeResponseInit } from '@ottla/protocol'
import type { PartitionsByTopic } from '../../assignors/index.ts'
import type { GroupSettings, Topics } from '../world.ts'
import { NO_TARGET, type OwnedPartitions } from './assignment.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupMember } from './member.ts'
import { preferredAssignor } from './target-assignment.ts'

/** A group as ConsumerGroupDescribe shows it. */
export type DescribedConsumerGroup = ConsumerGroupDescribeResponseInit['groups'][number]
type DescribedMember = DescribedConsumerGroup['members'][number]

/** Describes a group. */
export const describe = (group: ConsumerGroup, topics: Topics, settings: GroupSettings): DescribedConsumerGroup => ({
  errorCode: 0,
  groupId: group.groupId,
  groupState: group.state,
  groupEpoch: group.groupEpoch,
  assignmentEpoch: group.assignmentEpoch,
  assignorName: preferredAssignor(group) ?? settings.groupConsumerAssignors[0] ?? '',
  members: Array.from(group.members.values(), member => describeMember(member, group.targets.get(member.memberId) ?? NO_TARGET, topics)),
})

const describeMember = (member: ConsumerGroupMember, target: PartitionsByTopic, topics: Topics): DescribedMember => ({
  memberId: member.memberId,
  instanceId: member.instanceId,
  rackId: member.rackId,
  memberEpoch: member.memberEpoch,
  clientId: member.clientId,
  clientHost: member.clientHost,
  subscribedTopicNames: [...member.subscribedTopicNames],
  subscribedTopicRegex: member.subscribedTopicRegex,
  // A member answers for partitions until it has given them up.
  assignment: { topicPartitions: named([member.assignedPartitions, member.partitionsPendingRevocation], topics) },
  targetAssignment: { topicPartitions: named([target], topics) },
  memberType: member.classic === null ? 1 : 0,
})

const named = (parts: readonly (PartitionsByTopic | OwnedPartitions)[], topics: Topics) => {
  const found = new Map<string, { topicId: string; topicName: string; partitions: number[] }>()
  for (const part of parts) {
    for (const [topicId, ids] of part) {
      const topic = topics.topicById(topicId)
      if (topic === undefined) continue
      const entry = found.get(topicId) ?? { topicId, topicName: topic.name, partitions: [] }
      entry.partitions.push(...ids.keys())
      found.set(topicId, entry)
    }
  }
  return [...found.values()]
}
