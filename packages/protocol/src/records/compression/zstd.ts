// zstd: Node's own where it has one (22.15 and later), else WebAssembly.

import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { malformed, tooLarge } from './failures.ts'
import { zstdFrames } from './zstd-frames.ts'
import { zstdWasmCompress, zstdWasmDecompress } from './zstd-wasm.ts'

const DEFAULT_LEVEL = 3

interface CompressOptions {
  readonly params: Record<number, number>
  readonly pledgedSrcSize: number
}

/** The part of node:zlib that Node 20 and its types lack. */
interface NodeZstd {
  readonly zstdCompressSync: (bytes: Buffer, options: CompressOptions) => Buffer
  readonly zstdCompress: (bytes: Buffer, options: CompressOptions, done: (error: Error | null, result: Buffer) => void) => void
  readonly zstdDecompressSync: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer
  readonly constants: { readonly ZSTD_c_compressionLevel: number }
}

const isNodeZstd = (module: object): module is NodeZstd => 'zstdCompressSync' in module && 'zstdDecompressSync' in module
const module: object = zlib
const node = isNodeZstd(module) ? module : undefined

/** One zstd frame that says its content's size. */
export const zstdCompress = (bytes: Buffer, level = DEFAULT_LEVEL): Buffer => {
  if (node === undefined) return zstdWasmCompress(bytes, level)
  return node.zstdCompressSync(bytes, optionsOf(node, bytes, level))
}

const optionsOf = ({ constants }: NodeZstd, bytes: Buffer, level: number): CompressOptions => ({
  params: { [constants.ZSTD_c_compressionLevel]: level },
  pledgedSrcSize: bytes.length,
})

const inPool = node === undefined ? undefined : promisify(node.zstdCompress)

/** The same in a thread of Node's pool, undefined where Node has no zstd; the bytes must not be changed meanwhile. */
export const zstdCompressAside = (bytes: Buffer, level = DEFAULT_LEVEL): Promise<Buffer> | undefined =>
  node === undefined ? undefined : inPool?.(bytes, optionsOf(node, bytes, level))

/** Reads one frame or several, with or without their content's size. */
export const zstdDecompress = (bytes: Buffer, maxOutputLength: number): Buffer => {
  const frames = zstdFrames(bytes)
  if (node === undefined) {
    let possible = 0
    for (const frame of frames) possible += frame.maxLength
    return zstdWasmDecompress(bytes, Math.min(possible, maxOutputLength))
  }
  const parts: Buffer[] = []
  let left = maxOutputLength
  for (const frame of frames) {
    try {
      const part = node.zstdDecompressSync(bytes.subarray(frame.at, frame.end), { maxOutputLength: Math.max(1, left) })
      left -= part.length
      parts.push(part)
    } catch (error) {
      throw error instanceof RangeError ? tooLarge('zstd', maxOutputLength) : malformed('zstd', error)
    }
    if (left < 0) throw tooLarge('zstd', maxOutputLength)
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}
