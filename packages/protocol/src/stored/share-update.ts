import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int16, int32, int64, int8, message, string, uuid } from '../schema.ts'
import { coordinatorRecord } from './coordinator-record.ts'

export const shareUpdateKey = message({
  name: 'ShareUpdateKey',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: string,
    topicId: uuid,
    partition: int32,
  },
})

export const shareUpdateValue = message({
  name: 'ShareUpdateValue',
  versions: '0',
  flexible: '0+',
  fields: {
    snapshotEpoch: int32,
    leaderEpoch: int32,
    startOffset: int64,
    deliveryCompleteCount: int32.default(-1).tag(0, '0+'),
    stateBatches: array({
      firstOffset: int64,
      lastOffset: int64,
      deliveryState: int8,
      deliveryCount: int16,
    }),
  },
})

/** Change of a share partition's state since its snapshot. */
export const shareUpdateRecord = coordinatorRecord({ topic: '__share_group_state', type: 1, key: shareUpdateKey, value: shareUpdateValue })

export interface ShareUpdateKey extends MessageOf<typeof shareUpdateKey> {}
export interface ShareUpdateKeyInit extends MessageInitOf<typeof shareUpdateKey> {}
export interface ShareUpdateValue extends MessageOf<typeof shareUpdateValue> {}
export interface ShareUpdateValueInit extends MessageInitOf<typeof shareUpdateValue> {}
