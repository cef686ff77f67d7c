import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int32, int64, message, string, uuid } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const offsetCommitKey = message({
  name: 'OffsetCommitKey',
  versions: '0',
  flexible: 'none',
  fields: {
    group: string,
    topic: string,
    partition: int32,
  },
})

export const offsetCommitValue = message({
  name: 'OffsetCommitValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    offset: int64,
    leaderEpoch: int32.default(-1).in('3+').ignorable(),
    metadata: string,
    commitTimestamp: int64,
    expireTimestamp: int64.default(-1).in('1').ignorable(),
    topicId: uuid.in('4+').tag(0, '4+').ignorable(),
  },
})

/** Offsets that a group committed. */
export const offsetCommitRecord = coordinatorRecord({
  topic: '__consumer_offsets',
  type: 1,
  key: offsetCommitKey,
  value: offsetCommitValue,
})

export interface OffsetCommitKey extends MessageOf<typeof offsetCommitKey> {}
export interface OffsetCommitKeyInit extends MessageInitOf<typeof offsetCommitKey> {}
export interface OffsetCommitValue extends MessageOf<typeof offsetCommitValue> {}
export interface OffsetCommitValueInit extends MessageInitOf<typeof offsetCommitValue> {}
