import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int32, int8, message, string, uuid } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

const topicPartitions = {
  topicId: uuid,
  partitions: array(int32),
}

export const shareGroupCurrentMemberAssignmentKey = message({
  name: 'ShareGroupCurrentMemberAssignmentKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const shareGroupCurrentMemberAssignmentValue = message({
  name: 'ShareGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    assignedPartitions: array(topicPartitions),
  },
})

/** What a member of a share group owns. */
export const shareGroupCurrentMemberAssignmentRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 14,
  key: shareGroupCurrentMemberAssignmentKey,
  value: shareGroupCurrentMemberAssignmentValue,
})

export interface ShareGroupCurrentMemberAssignmentKey extends MessageOf<typeof shareGroupCurrentMemberAssignmentKey> {}
export interface ShareGroupCurrentMemberAssignmentKeyInit extends MessageInitOf<typeof shareGroupCurrentMemberAssignmentKey> {}
export interface ShareGroupCurrentMemberAssignmentValue extends MessageOf<typeof shareGroupCurrentMemberAssignmentValue> {}
export interface ShareGroupCurrentMemberAssignmentValueInit extends MessageInitOf<typeof shareGroupCurrentMemberAssignmentValue> {}
