import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int32, int64, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

const lastAssignmentConfig = {
  key: string,
  value: string,
}

export const streamsGroupMetadataKey = message({
  name: 'StreamsGroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
  },
})

export const streamsGroupMetadataValue = message({
  name: 'StreamsGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    epoch: int32,
    metadataHash: int64,
    validatedTopologyEpoch: int32.default(-1).tag(0, '0+'),
    lastAssignmentConfigs: array(lastAssignmentConfig).nullable().tag(1, '0+'),
  },
})

/** Epochs of a streams group. */
export const streamsGroupMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 17,
  key: streamsGroupMetadataKey,
  value: streamsGroupMetadataValue,
})

export interface StreamsGroupMetadataKey extends MessageOf<typeof streamsGroupMetadataKey> {}
export interface StreamsGroupMetadataKeyInit extends MessageInitOf<typeof streamsGroupMetadataKey> {}
export interface StreamsGroupMetadataValue extends MessageOf<typeof streamsGroupMetadataValue> {}
export interface StreamsGroupMetadataValueInit extends MessageInitOf<typeof streamsGroupMetadataValue> {}
