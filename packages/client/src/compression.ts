// Codecs of record batches. All of them are built in: what a program registers in `CompressionCodecs`, as KafkaJS needs it for snappy, lz4 and
// zstd, is accepted so that such programs go on working, and not used.
import { type CompressionName, compress, decompress, MAX_DECOMPRESSED_BYTES } from '@ottla/protocol'

/** How messages are compressed, as producers name it. */
export const CompressionTypes = { None: 0, GZIP: 1, Snappy: 2, LZ4: 3, ZSTD: 4 } as const
export type CompressionTypes = (typeof CompressionTypes)[keyof typeof CompressionTypes]

/** KafkaJS's interface of codecs. */
export interface CompressionCodec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}

/** Gives a codec. */
export type CompressionCodecFactory = () => unknown

/** The codecs that are there; see above for what assigning to it does. */
export const CompressionCodecs: Record<Exclude<CompressionTypes, 0>, CompressionCodecFactory> = {
  [CompressionTypes.GZIP]: () => builtIn('gzip'),
  [CompressionTypes.Snappy]: () => builtIn('snappy'),
  [CompressionTypes.LZ4]: () => builtIn('lz4'),
  [CompressionTypes.ZSTD]: () => builtIn('zstd'),
}

const builtIn = (name: CompressionName): CompressionCodec => ({
  compress: ({ buffer }) => Promise.resolve(compress(name, buffer)),
  decompress: async buffer => decompress(name, buffer, { maxOutputLength: MAX_DECOMPRESSED_BYTES }),
})
