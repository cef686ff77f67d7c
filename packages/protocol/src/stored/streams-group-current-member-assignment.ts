import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int32, int8, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

const taskIds = {
  subtopologyId: string,
  partitions: array(int32),
  assignmentEpochs: array(int32).nullable().tag(0, '0+'),
}

export const streamsGroupCurrentMemberAssignmentKey = message({
  name: 'StreamsGroupCurrentMemberAssignmentKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const streamsGroupCurrentMemberAssignmentValue = message({
  name: 'StreamsGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
    activeTasksPendingRevocation: array(taskIds),
    standbyTasksPendingRevocation: array(taskIds),
    warmupTasksPendingRevocation: array(taskIds),
  },
})

/** Tasks that a member of a streams group owns. */
export const streamsGroupCurrentMemberAssignmentRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 22,
  key: streamsGroupCurrentMemberAssignmentKey,
  value: streamsGroupCurrentMemberAssignmentValue,
})

export interface StreamsGroupCurrentMemberAssignmentKey extends MessageOf<typeof streamsGroupCurrentMemberAssignmentKey> {}
export interface StreamsGroupCurrentMemberAssignmentKeyInit extends MessageInitOf<typeof streamsGroupCurrentMemberAssignmentKey> {}
export interface StreamsGroupCurrentMemberAssignmentValue extends MessageOf<typeof streamsGroupCurrentMemberAssignmentValue> {}
export interface StreamsGroupCurrentMemberAssignmentValueInit extends MessageInitOf<typeof streamsGroupCurrentMemberAssignmentValue> {}
