import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, bool, bytes, int32, int64, int8, message, string, struct, uuid } from '../schema.ts'

/** A segment copied to remote storage. */
export const remoteLogSegmentMetadataRecord = message({
  name: 'RemoteLogSegmentMetadataRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    remoteLogSegmentId: struct({
      topicIdPartition: struct({
        name: string,
        id: uuid,
        partition: int32,
      }),
      id: uuid,
    }),
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

export interface RemoteLogSegmentMetadataRecord extends MessageOf<typeof remoteLogSegmentMetadataRecord> {}
export interface RemoteLogSegmentMetadataRecordInit extends MessageInitOf<typeof remoteLogSegmentMetadataRecord> {}
