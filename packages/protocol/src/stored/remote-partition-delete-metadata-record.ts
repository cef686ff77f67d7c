import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int32, int64, int8, message, string, struct, uuid } from '../schema.ts'

/** Deletion of a partition's remote segments. */
export const remotePartitionDeleteMetadataRecord = message({
  name: 'RemotePartitionDeleteMetadataRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    topicIdPartition: struct({
      name: string,
      id: uuid,
      partition: int32,
    }),
    brokerId: int32,
    eventTimestampMs: int64,
    remotePartitionDeleteState: int8,
  },
})

export interface RemotePartitionDeleteMetadataRecord extends MessageOf<typeof remotePartitionDeleteMetadataRecord> {}
export interface RemotePartitionDeleteMetadataRecordInit extends MessageInitOf<typeof remotePartitionDeleteMetadataRecord> {}
