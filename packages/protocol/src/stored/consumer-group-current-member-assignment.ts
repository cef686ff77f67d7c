import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int32, int8, message, string, uuid } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

const topicPartitions = {
  topicId: uuid,
  partitions: array(int32),
  assignmentEpochs: array(int32).nullable().tag(0, '0+'),
}

export const consumerGroupCurrentMemberAssignmentKey = message({
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const consumerGroupCurrentMemberAssignmentValue = message({
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    assignedPartitions: array(topicPartitions),
    partitionsPendingRevocation: array(topicPartitions),
  },
})

/** What a member of a consumer group owns. */
export const consumerGroupCurrentMemberAssignmentRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 8,
  key: consumerGroupCurrentMemberAssignmentKey,
  value: consumerGroupCurrentMemberAssignmentValue,
})

export interface ConsumerGroupCurrentMemberAssignmentKey extends MessageOf<typeof consumerGroupCurrentMemberAssignmentKey> {}
export interface ConsumerGroupCurrentMemberAssignmentKeyInit extends MessageInitOf<typeof consumerGroupCurrentMemberAssignmentKey> {}
export interface ConsumerGroupCurrentMemberAssignmentValue extends MessageOf<typeof consumerGroupCurrentMemberAssignmentValue> {}
export interface ConsumerGroupCurrentMemberAssignmentValueInit extends MessageInitOf<typeof consumerGroupCurrentMemberAssignmentValue> {}
