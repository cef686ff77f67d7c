import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const shareGroupMemberMetadataKey = message({
  name: 'ShareGroupMemberMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const shareGroupMemberMetadataValue = message({
  name: 'ShareGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    rackId: string.nullable(),
    clientId: string,
    clientHost: string,
    subscribedTopicNames: array(string),
  },
})

/** A member of a share group. */
export const shareGroupMemberMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 10,
  key: shareGroupMemberMetadataKey,
  value: shareGroupMemberMetadataValue,
})

export interface ShareGroupMemberMetadataKey extends MessageOf<typeof shareGroupMemberMetadataKey> {}
export interface ShareGroupMemberMetadataKeyInit extends MessageInitOf<typeof shareGroupMemberMetadataKey> {}
export interface ShareGroupMemberMetadataValue extends MessageOf<typeof shareGroupMemberMetadataValue> {}
export interface ShareGroupMemberMetadataValueInit extends MessageInitOf<typeof shareGroupMemberMetadataValue> {}
