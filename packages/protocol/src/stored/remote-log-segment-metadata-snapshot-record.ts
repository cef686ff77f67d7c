import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, bool, bytes, int32, int64, int8, message, uuid } from '../schema.ts'

/** A remote segment in a snapshot. */
export const remoteLogSegmentMetadataSnapshotRecord = message({
  name: 'RemoteLogSegmentMetadataSnapshotRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    segmentId: uuid,
    startOffset: int64,
    endOffset: int64,
    brokerId: int32,
    maxTimestampMs: int64,
    eventTimestampMs: int64,
    segmentLeaderEpochs: array({
      leaderEpoch: int32,
      offset: int64,
    }),
    segmentSizeInBytes: int32,
    customMetadata: bytes.nullable().default(null),
    remoteLogSegmentState: int8,
    txnIndexEmpty: bool.tag(0, '0+'),
  },
})

export interface RemoteLogSegmentMetadataSnapshotRecord extends MessageOf<typeof remoteLogSegmentMetadataSnapshotRecord> {}
export interface RemoteLogSegmentMetadataSnapshotRecordInit extends MessageInitOf<typeof remoteLogSegmentMetadataSnapshotRecord> {}
