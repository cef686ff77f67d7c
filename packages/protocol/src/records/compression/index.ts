// Compression of record batches, both ways, with bounded output: synchronous, or for what is large in a thread of Node's pool.

import { type CompressionName } from './codecs.ts'
import { tooLarge } from './failures.ts'
import { gunzip, gzip, gzipAside } from './gzip.ts'
import { lz4Compress, lz4Decompress } from './lz4.ts'
import { snappyCompress, snappyDecompress } from './snappy.ts'
import { zstdCompress, zstdCompressAside, zstdDecompress } from './zstd.ts'

export { type CompressionName, compressionId, compressionOf } from './codecs.ts'

/** Limits and leniences of decompression. */
export interface DecompressOptions {
  /** The most bytes that come out. */
  readonly maxOutputLength: number
  /** Does not look at the header checksum of an lz4 frame, which clients computed wrongly in messages of magic 0 (KAFKA-3160). */
  readonly ignoreHeaderChecksum?: boolean
}

/** Compresses in the framing that Java's clients write. `level` is that of gzip (-1 to 9) or zstd (-131072 to 22); others have none. */
export const compress = (name: CompressionName, bytes: Buffer, level?: number): Buffer => {
  if (name === 'gzip') return gzip(bytes, level)
  if (name === 'snappy') return snappyCompress(bytes)
  if (name === 'lz4') return lz4Compress(bytes)
  if (name === 'zstd') return zstdCompress(bytes, level)
  return bytes
}

/** Up to this, a thread takes longer to be told than the work takes. */
const ASIDE_BYTES = 64 * 1024

/**
 * Compresses in a thread of Node's pool where the bytes are many and Node can do it by itself (gzip, and zstd from Node 22.15 on); else undefined.
 * The bytes must not be changed meanwhile.
 */
export const compressAside = (name: CompressionName, bytes: Buffer, level?: number): Promise<Buffer> | undefined => {
  if (bytes.length <= ASIDE_BYTES) return undefined
  return name === 'gzip' ? gzipAside(bytes, level) : name === 'zstd' ? zstdCompressAside(bytes, level) : undefined
}

/**
 * Decompresses a body.
 * @throws KafkaError INVALID_RECORD when it is malformed, MESSAGE_TOO_LARGE when more than `maxOutputLength` bytes would come out.
 */
export const decompress = (name: CompressionName, bytes: Buffer, options: DecompressOptions): Buffer => {
  const { maxOutputLength } = options
  if (name === 'gzip') return gunzip(bytes, maxOutputLength)
  if (name === 'snappy') return snappyDecompress(bytes, maxOutputLength)
  if (name === 'lz4') return lz4Decompress(bytes, maxOutputLength, options.ignoreHeaderChecksum ?? false)
  if (name === 'zstd') return zstdDecompress(bytes, maxOutputLength)
  if (bytes.length > maxOutputLength) throw tooLarge('plain', maxOutputLength)
  return bytes
}
