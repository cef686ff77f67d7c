// zstd: Node's own where it has one (22.15 and later), else WebAssembly.

import * as zlib from 'node:zlib'
import { malformed, tooLarge } from './failures.ts'
import { zstdFrames } from './zstd-frames.ts'
import { zstdWasmCompress, zstdWasmDecompress } from './zstd-wasm.ts'

const DEFAULT_LEVEL = 3

/** The part of node:zlib that Node 20 and its types lack. */
interface NodeZstd {
  readonly zstdCompressSync: (bytes: Buffer, options: { params: Record<number, number>; pledgedSrcSize: number }) => Buffer
  readonly zstdDecompressSync: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer
  readonly constants: { readonly ZSTD_c_compressionLevel: number }
}

const isNodeZstd = (module: object): module is NodeZstd => 'zstdCompressSync' in module && 'zstdDecompressSync' in module
const module: object = zlib
const node = isNodeZstd(module) ? module : undefined

/** One zstd frame that says its content's size. */
export const zstdCompress = (bytes: Buffer, level = DEFAULT_LEVEL): Buffer => {
  if (node === undefined) return zstdWasmCompress(bytes, level)
  return node.zstdCompressSync(bytes, { params: { [node.constants.ZSTD_c_compressionLevel]: level }, pledgedSrcSize: bytes.length })
}

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
