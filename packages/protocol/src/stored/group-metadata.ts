import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, bytes, int32, int64, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

const memberMetadata = {
  memberId: string,
  groupInstanceId: string.nullable().default(null).in('3+').ignorable(),
  clientId: string,
  clientHost: string,
  rebalanceTimeout: int32.default(-1).in('1+').ignorable(),
  sessionTimeout: int32,
  subscription: bytes,
  assignment: bytes,
}

export const groupMetadataKey = message({
  name: 'GroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: {
    group: string,
  },
})

export const groupMetadataValue = message({
  name: 'GroupMetadataValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    protocolType: string,
    generation: int32,
    protocol: string.nullable(),
    leader: string.nullable(),
    currentStateTimestamp: int64.default(-1).in('2+').ignorable(),
    members: array(memberMetadata),
  },
})

/** A classic group and its members. */
export const groupMetadataRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 2,
  key: groupMetadataKey,
  value: groupMetadataValue,
})

export interface GroupMetadataKey extends MessageOf<typeof groupMetadataKey> {}
export interface GroupMetadataKeyInit extends MessageInitOf<typeof groupMetadataKey> {}
export interface GroupMetadataValue extends MessageOf<typeof groupMetadataValue> {}
export interface GroupMetadataValueInit extends MessageInitOf<typeof groupMetadataValue> {}
