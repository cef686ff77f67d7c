import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int32, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

const taskIds = {
  subtopologyId: string,
  partitions: array(int32),
}

export const streamsGroupTargetAssignmentMemberKey = message({
  name: 'StreamsGroupTargetAssignmentMemberKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const streamsGroupTargetAssignmentMemberValue = message({
  name: 'StreamsGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: {
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
  },
})

/** Tasks that a member of a streams group should own. */
export const streamsGroupTargetAssignmentMemberRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 21,
  key: streamsGroupTargetAssignmentMemberKey,
  value: streamsGroupTargetAssignmentMemberValue,
})

export interface StreamsGroupTargetAssignmentMemberKey extends MessageOf<typeof streamsGroupTargetAssignmentMemberKey> {}
export interface StreamsGroupTargetAssignmentMemberKeyInit extends MessageInitOf<typeof streamsGroupTargetAssignmentMemberKey> {}
export interface StreamsGroupTargetAssignmentMemberValue extends MessageOf<typeof streamsGroupTargetAssignmentMemberValue> {}
export interface StreamsGroupTargetAssignmentMemberValueInit extends MessageInitOf<typeof streamsGroupTargetAssignmentMemberValue> {}
