import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int16, int64, message } from '../schema.ts'

/** Control record: begin of a metadata snapshot. */
export const snapshotHeaderRecord = message({
  name: 'SnapshotHeaderRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16,
    lastContainedLogTimestamp: int64,
  },
})

export interface SnapshotHeaderRecord extends MessageOf<typeof snapshotHeaderRecord> {}
export interface SnapshotHeaderRecordInit extends MessageInitOf<typeof snapshotHeaderRecord> {}
