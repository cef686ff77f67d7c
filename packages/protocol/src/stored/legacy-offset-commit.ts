import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int32, int64, message, string } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const legacyOffsetCommitKey = message({
  name: 'LegacyOffsetCommitKey',
  versions: '0',
  flexible: 'none',
  fields: {
    group: string,
    topic: string,
    partition: int32,
  },
})

export const legacyOffsetCommitValue = message({
  name: 'LegacyOffsetCommitValue',
  versions: '0',
  flexible: 'none',
  fields: {
    offset: int64,
    metadata: string,
    commitTimestamp: int64,
  },
})

/** Offsets in the format of the first versions; nobody writes it. */
export const legacyOffsetCommitRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 0,
  key: legacyOffsetCommitKey,
  value: legacyOffsetCommitValue,
})

export interface LegacyOffsetCommitKey extends MessageOf<typeof legacyOffsetCommitKey> {}
export interface LegacyOffsetCommitKeyInit extends MessageInitOf<typeof legacyOffsetCommitKey> {}
export interface LegacyOffsetCommitValue extends MessageOf<typeof legacyOffsetCommitValue> {}
export interface LegacyOffsetCommitValueInit extends MessageInitOf<typeof legacyOffsetCommitValue> {}
