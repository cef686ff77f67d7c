import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int32, message, string, uuid } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const consumerGroupTargetAssignmentMemberKey = message({
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const consumerGroupTargetAssignmentMemberValue = message({
  name: 'ConsumerGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: {
    topicPartitions: array({
      topicId: uuid,
      partitions: array(int32),
    }),
  },
})

/** What a member of a consumer group should own. */
export const consumerGroupTargetAssignmentMemberRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 7,
  key: consumerGroupTargetAssignmentMemberKey,
  value: consumerGroupTargetAssignmentMemberValue,
})

export interface ConsumerGroupTargetAssignmentMemberKey extends MessageOf<typeof consumerGroupTargetAssignmentMemberKey> {}
export interface ConsumerGroupTargetAssignmentMemberKeyInit extends MessageInitOf<typeof consumerGroupTargetAssignmentMemberKey> {}
export interface ConsumerGroupTargetAssignmentMemberValue extends MessageOf<typeof consumerGroupTargetAssignmentMemberValue> {}
export interface ConsumerGroupTargetAssignmentMemberValueInit extends MessageInitOf<typeof consumerGroupTargetAssignmentMemberValue> {}
