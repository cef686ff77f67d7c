import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int16, message } from '../schema.ts'

/** Key of a control record. */
export const controlRecordTypeSchema = message({
  name: 'ControlRecordTypeSchema',
  versions: '0',
  flexible: 'none',
  fields: {
    type: int16,
  },
})

export interface ControlRecordTypeSchema extends MessageOf<typeof controlRecordTypeSchema> {}
export interface ControlRecordTypeSchemaInit extends MessageInitOf<typeof controlRecordTypeSchema> {}
