import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int16, message } from '../schema.ts'

/** Control record: end of a metadata snapshot. */
export const snapshotFooterRecord = message({
  name: 'SnapshotFooterRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16,
  },
})

export interface SnapshotFooterRecord extends MessageOf<typeof snapshotFooterRecord> {}
export interface SnapshotFooterRecordInit extends MessageInitOf<typeof snapshotFooterRecord> {}
