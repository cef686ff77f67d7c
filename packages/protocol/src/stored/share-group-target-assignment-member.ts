import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int32, message, string, uuid } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const shareGroupTargetAssignmentMemberKey = message({
  name: 'ShareGroupTargetAssignmentMemberKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const shareGroupTargetAssignmentMemberValue = message({
  name: 'ShareGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: {
    topicPartitions: array({
      topicId: uuid,
      partitions: array(int32),
    }),
  },
})

/** What a member of a share group should own. */
export const shareGroupTargetAssignmentMemberRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 13,
  key: shareGroupTargetAssignmentMemberKey,
  value: shareGroupTargetAssignmentMemberValue,
})

export interface ShareGroupTargetAssignmentMemberKey extends MessageOf<typeof shareGroupTargetAssignmentMemberKey> {}
export interface ShareGroupTargetAssignmentMemberKeyInit extends MessageInitOf<typeof shareGroupTargetAssignmentMemberKey> {}
export interface ShareGroupTargetAssignmentMemberValue extends MessageOf<typeof shareGroupTargetAssignmentMemberValue> {}
export interface ShareGroupTargetAssignmentMemberValueInit extends MessageInitOf<typeof shareGroupTargetAssignmentMemberValue> {}
