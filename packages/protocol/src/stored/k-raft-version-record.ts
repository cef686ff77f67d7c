import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int16, message } from '../schema.ts'

/** Control record of a metadata log: its feature level. */
export const kraftVersionRecord = message({
  name: 'KRaftVersionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16,
    kRaftVersion: int16,
  },
})

export interface KRaftVersionRecord extends MessageOf<typeof kraftVersionRecord> {}
export interface KRaftVersionRecordInit extends MessageInitOf<typeof kraftVersionRecord> {}
