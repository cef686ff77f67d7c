import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int32, message, string, struct, uint16 } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

const endpoint = {
  host: string,
  port: uint16,
}

const keyValue = {
  key: string,
  value: string,
}

export const streamsGroupMemberMetadataKey = message({
  name: 'StreamsGroupMemberMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const streamsGroupMemberMetadataValue = message({
  name: 'StreamsGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    instanceId: string.nullable(),
    rackId: string.nullable(),
    clientId: string,
    clientHost: string,
    rebalanceTimeoutMs: int32.default(-1),
    topologyEpoch: int32,
    processId: string,
    userEndpoint: struct(endpoint).nullable().default(null),
    clientTags: array(keyValue),
  },
})

/** A member of a streams group. */
export const streamsGroupMemberMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 19,
  key: streamsGroupMemberMetadataKey,
  value: streamsGroupMemberMetadataValue,
})

export interface StreamsGroupMemberMetadataKey extends MessageOf<typeof streamsGroupMemberMetadataKey> {}
export interface StreamsGroupMemberMetadataKeyInit extends MessageInitOf<typeof streamsGroupMemberMetadataKey> {}
export interface StreamsGroupMemberMetadataValue extends MessageOf<typeof streamsGroupMemberMetadataValue> {}
export interface StreamsGroupMemberMetadataValueInit extends MessageInitOf<typeof streamsGroupMemberMetadataValue> {}
