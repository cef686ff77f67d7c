import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, bytes, int32, message, string, struct } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const consumerGroupMemberMetadataKey = message({
  name: 'ConsumerGroupMemberMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const consumerGroupMemberMetadataValue = message({
  name: 'ConsumerGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: {
    instanceId: string.nullable(),
    rackId: string.nullable(),
    clientId: string,
    clientHost: string,
    subscribedTopicNames: array(string),
    subscribedTopicRegex: string.nullable(),
    rebalanceTimeoutMs: int32.default(-1),
    serverAssignor: string.nullable(),
    classicMemberMetadata: struct({
      sessionTimeoutMs: int32,
      supportedProtocols: array({
        name: string,
        metadata: bytes,
      }),
    })
      .nullable()
      .tag(0, '0+'),
  },
})

/** A member of a consumer group. */
export const consumerGroupMemberMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 5,
  key: consumerGroupMemberMetadataKey,
  value: consumerGroupMemberMetadataValue,
})

export interface ConsumerGroupMemberMetadataKey extends MessageOf<typeof consumerGroupMemberMetadataKey> {}
export interface ConsumerGroupMemberMetadataKeyInit extends MessageInitOf<typeof consumerGroupMemberMetadataKey> {}
export interface ConsumerGroupMemberMetadataValue extends MessageOf<typeof consumerGroupMemberMetadataValue> {}
export interface ConsumerGroupMemberMetadataValueInit extends MessageInitOf<typeof consumerGroupMemberMetadataValue> {}
