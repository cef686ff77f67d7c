import type { MessageInitOf, MessageOf } from '../schema.ts'
import { bytes, int32, int64, int8, message, string, struct, uuid } from '../schema.ts'

/** Change of a remote segment's state. */
export const remoteLogSegmentMetadataUpdateRecord = message({
  name: 'RemoteLogSegmentMetadataUpdateRecord',
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
    brokerId: int32,
    eventTimestampMs: int64,
    customMetadata: bytes.nullable().default(null),
    remoteLogSegmentState: int8,
  },
})

export interface RemoteLogSegmentMetadataUpdateRecord extends MessageOf<typeof remoteLogSegmentMetadataUpdateRecord> {}
export interface RemoteLogSegmentMetadataUpdateRecordInit extends MessageInitOf<typeof remoteLogSegmentMetadataUpdateRecord> {}
