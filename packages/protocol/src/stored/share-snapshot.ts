import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int16, int32, int64, int8, message, string, uuid } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const shareSnapshotKey = message({
  name: 'ShareSnapshotKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    topicId: uuid,
    partition: int32,
  },
})

export const shareSnapshotValue = message({
  name: 'ShareSnapshotValue',
  versions: '0',
  flexible: '0+',
  fields: {
    snapshotEpoch: int32,
    stateEpoch: int32,
    leaderEpoch: int32,
    startOffset: int64,
    deliveryCompleteCount: int32.default(-1).tag(0, '0+'),
    createTimestamp: int64,
    writeTimestamp: int64,
    stateBatches: array({
      firstOffset: int64,
      lastOffset: int64,
      deliveryState: int8,
      deliveryCount: int16,
    }),
  },
})

/** Whole state of a share partition. */
export const shareSnapshotRecord = coordinatorRecord({
  topic: '__share_group_state',
  type: 0,
  key: shareSnapshotKey,
  value: shareSnapshotValue,
})

export interface ShareSnapshotKey extends MessageOf<typeof shareSnapshotKey> {}
export interface ShareSnapshotKeyInit extends MessageInitOf<typeof shareSnapshotKey> {}
export interface ShareSnapshotValue extends MessageOf<typeof shareSnapshotValue> {}
export interface ShareSnapshotValueInit extends MessageInitOf<typeof shareSnapshotValue> {}
