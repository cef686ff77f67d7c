// Names and numbers of the compressions that a batch's attributes can name.

/** Compression of a batch's records, by Kafka's own names. */
export type CompressionName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

const names: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Bits of a batch's attributes that hold the compression. */
export const COMPRESSION_MASK = 0x07

/** The compression that a batch's attributes name, undefined for the numbers that mean none (5 to 7). */
export const compressionOf = (attributes: number): CompressionName | undefined => names[attributes & COMPRESSION_MASK]

/** The number of a compression in a batch's attributes. */
export const compressionId = (name: CompressionName): number => names.indexOf(name)
