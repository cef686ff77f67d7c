// Batches whose compressed bodies are small and become large, or say that they do.
import { BATCH_HEADER_BYTES, BatchBuilder, compressionId, crc32c } from '@ottla/protocol'

const MIB = 1024 * 1024

/** A batch with any body, and a right checksum. */
const batchWith = (compression: 'gzip' | 'snappy' | 'lz4' | 'zstd', body: Buffer): Buffer => {
  const { bytes } = new BatchBuilder().append({ timestamp: Date.now(), value: Buffer.from('bomb') }).build()
  const batch = Buffer.concat([bytes.subarray(0, BATCH_HEADER_BYTES), body])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt16BE(compressionId(compression), 21)
  batch.writeUInt32BE(crc32c(batch, 21), 17)
  return batch
}

const zeros = (compression: 'gzip' | 'snappy' | 'lz4' | 'zstd', size: number): Buffer => {
  const { bytes } = new BatchBuilder({ compression }).append({ timestamp: Date.now(), value: Buffer.alloc(size) }).build()
  return Buffer.from(bytes)
}

/** Zstandard, a window of 1 MiB and blocks of 4 bytes that become 128 KiB each. */
const repeatedBlocks = (count: number): Buffer => {
  const block = Buffer.from([0x02, 0x00, 0x10, 0x00])
  return Buffer.concat([
    Buffer.from('28b52ffd0050', 'hex'),
    ...Array.from({ length: count }, () => block),
    Buffer.from([0x03, 0x00, 0x00, 0x00]),
  ])
}

/** Sizes are as a codec gets below the largest batch. */
export const bombs = (): Record<string, Buffer> => ({
  gzip: zeros('gzip', 256 * MIB),
  snappy: zeros('snappy', 19 * MIB),
  lz4: zeros('lz4', 128 * MIB),
  zstd: batchWith('zstd', repeatedBlocks(200_000)),
  // Raw snappy that says that it becomes 2 GiB, and the same in the frames of the Java client.
  'snappy of a claimed length': batchWith('snappy', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07, 0x00, 0x61])),
  'snappy in frames of a claimed length': batchWith(
    'snappy',
    Buffer.concat([Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1'), Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])]),
  ),
  // LZ4 with a content size of 2^60 bytes; the header's checksum is wrong, as few readers look.
  'lz4 of a claimed length': batchWith('lz4', Buffer.from('04224d186870000000000000001000ffffff7f00000000', 'hex')),
  // Zstandard: one segment of 2^40 bytes; then a window of 2^41 bytes.
  'zstd of a claimed length': batchWith('zstd', Buffer.from('28b52ffde00000000000010000010000', 'hex')),
  'zstd of a claimed window': batchWith('zstd', Buffer.from('28b52ffd00f8010000', 'hex')),
  'gzip that is cut': zeros('gzip', 64 * MIB).subarray(0, 20_000),
})
