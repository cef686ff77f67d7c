import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, bytes, int32, message, string } from '../schema.ts'

/** Assignment that a classic consumer gets, embedded in SyncGroup. */
export const consumerProtocolAssignment = message({
  name: 'ConsumerProtocolAssignment',
  versions: '0-3',
  flexible: 'none',
  fields: {
    assignedPartitions: array({
      topic: string,
      partitions: array(int32),
    }),
    userData: bytes.nullable().default(null),
  },
})

export interface ConsumerProtocolAssignment extends MessageOf<typeof consumerProtocolAssignment> {}
export interface ConsumerProtocolAssignmentInit extends MessageInitOf<typeof consumerProtocolAssignment> {}
