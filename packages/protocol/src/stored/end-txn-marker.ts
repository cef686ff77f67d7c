import type { MessageInitOf, MessageOf } from '../schema.ts'
import { int32, message } from '../schema.ts'

/** Value of a control record that ends a transaction. */
export const endTxnMarker = message({
  name: 'EndTxnMarker',
  versions: '0',
  flexible: 'none',
  fields: {
    coordinatorEpoch: int32,
  },
})

export interface EndTxnMarker extends MessageOf<typeof endTxnMarker> {}
export interface EndTxnMarkerInit extends MessageInitOf<typeof endTxnMarker> {}
