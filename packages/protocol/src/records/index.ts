export { Attribute, BATCH_HEADER_BYTES, batchesIn, batchSizeAt, LOG_OVERHEAD_BYTES, nextSequence, RecordBatch } from './batch.ts'
export { BatchBuilder, type BatchOptions, type BatchProducer, type RecordInit } from './builder.ts'
export { type CompressionName, compress, compressionId, compressionOf, type DecompressOptions, decompress } from './compression/index.ts'
export { ControlType, controlBatch, controlTypeOf, type EndTransaction, endTransactionMarker, readEndTransaction } from './control.ts'
export { crc32c } from './crc32c.ts'
export { RecordCursor } from './cursor.ts'
export { murmur2 } from './murmur2.ts'
export {
  MAX_DECOMPRESSED_BYTES,
  openRecords,
  type ReadOptions,
  type RecordHeader,
  type RecordView,
  recordsOf,
  walkRecords,
} from './record.ts'
