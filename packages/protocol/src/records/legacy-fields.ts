// What a batch view needs to know of messages of magic 0 and 1 (class LegacyRecord): offset 8, size 4, crc 4 (CRC-32 of what follows),
// magic 1, attributes 1, for magic 1 timestamp 8, key length 4 and key, value length 4 and value.

import { crc32 } from 'node:zlib'
import type { RecordBatch } from './batch.ts'
import { legacyOffsets } from './legacy.ts'

/** The least that the size field of a message can say: that of an empty message of magic 0. */
export const LEGACY_OVERHEAD_BYTES = 14

/** The least size of a whole message. */
export const legacyMinimumBytes = (magic: number): number => (magic === 0 ? 26 : 34)

/** The checksum that the message's bytes have. */
export const legacyChecksum = (batch: RecordBatch): number => crc32(batch.buffer.subarray(batch.at + 16, batch.at + batch.sizeInBytes))

/** Offset of the first message, in a wrapped message that of the first one inside. */
export const legacyBaseOffset = (batch: RecordBatch): number => (batch.isCompressed ? legacyOffsets(batch)[0]! : batch.lastOffset)
