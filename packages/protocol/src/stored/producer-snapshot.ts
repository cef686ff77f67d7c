import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int16, int32, int64, message, uint32 } from '../schema.ts'

/** Content of a .snapshot file: producers of a partition and their last batches; version, then this, with a CRC. */
export const producerSnapshot = message({
  name: 'ProducerSnapshot',
  versions: '1',
  flexible: 'none',
  fields: {
    crc: uint32,
    producerEntries: array({
      producerId: int64,
      epoch: int16,
      lastSequence: int32,
      lastOffset: int64,
      offsetDelta: int32,
      timestamp: int64,
      coordinatorEpoch: int32,
      currentTxnFirstOffset: int64,
    }),
  },
})

export interface ProducerSnapshot extends MessageOf<typeof producerSnapshot> {}
export interface ProducerSnapshotInit extends MessageInitOf<typeof producerSnapshot> {}
