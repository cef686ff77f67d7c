// zstd for versions of Node that do not have it: `zstd.wasm` of @bokuweb/zstd-wasm, instantiated here and synchronously.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { malformed, tooLarge } from './failures.ts'
import type { WasmHost, WasmMemory, WasmModule } from './webassembly.ts'

/** What the pinned version of the module exports, whose names are one letter each. */
interface Exports {
  /** memory */
  readonly f: WasmMemory
  /** constructors of the C program, to be called first */
  readonly g: () => void
  /** ZSTD_isError(result) */
  readonly h: (result: number) => number
  /** ZSTD_compressBound(size) */
  readonly i: (size: number) => number
  /** ZSTD_createCCtx() */
  readonly j: () => number
  /** ZSTD_compress_usingDict(context, to, size, from, size, dictionary, size, level) */
  readonly l: (
    context: number,
    to: number,
    toSize: number,
    from: number,
    fromSize: number,
    dictionary: number,
    size: number,
    level: number,
  ) => number
  /** ZSTD_createDCtx() */
  readonly n: () => number
  /** ZSTD_decompress_usingDict(context, to, size, from, size, dictionary, size) */
  readonly q: (context: number, to: number, toSize: number, from: number, fromSize: number, dictionary: number, size: number) => number
  /** malloc(size) */
  readonly s: (size: number) => number
  /** free(at) */
  readonly t: (at: number) => void
}

declare const WebAssembly: WasmHost<Exports>

interface Instance {
  readonly exports: Exports
  readonly compressor: number
  readonly decompressor: number
}

/** WebAssembly memory never shrinks: an instance that has grown beyond this is not kept. A new one has 16 MiB already, and 20 with its contexts. */
const KEPT_MEMORY_BYTES = 48 * 1024 * 1024
const PAGE_BYTES = 64 * 1024
const MAX_MEMORY_BYTES = 512 * 1024 * 1024
/** ZSTD_error_dstSize_tooSmall, negated as functions give it. */
const TOO_SMALL = -70

let compiled: WasmModule | undefined
let current: Instance | undefined

const stop = (): never => {
  throw new Error('zstd stopped')
}

const newInstance = (): Instance => {
  if (compiled === undefined) {
    const entry = createRequire(import.meta.url).resolve('@bokuweb/zstd-wasm')
    compiled = new WebAssembly.Module(readFileSync(join(dirname(entry), 'zstd.wasm')))
  }
  const grow = (needed: number): number => {
    const bytes = needed >>> 0
    if (bytes > MAX_MEMORY_BYTES) return 0
    const missing = Math.ceil((bytes - exports.f.buffer.byteLength) / PAGE_BYTES)
    if (missing > 0) exports.f.grow(missing)
    return 1
  }
  // In order: exit, stop keeping alive, abort, set a timer, grow the memory.
  const imports = { a: { a: stop, b: () => {}, c: stop, d: () => 0, e: grow } }
  const { exports } = new WebAssembly.Instance(compiled, imports)
  exports.g()
  return { exports, compressor: exports.j(), decompressor: exports.n() }
}

/** Runs `work` with memory for the input, filled, and for `outputSize` bytes of output, and copies out as much as it says it wrote. */
const run = (input: Uint8Array, outputSize: number, work: (instance: Instance, from: number, to: number) => number): Buffer => {
  const instance = (current ??= newInstance())
  const { f: memory, s: malloc, t: free, h: isError } = instance.exports
  let isUsable = false
  try {
    const from = malloc(Math.max(1, input.length))
    const to = malloc(Math.max(1, outputSize))
    if (from === 0 || to === 0) throw malformed('zstd', 'there is no memory for it')
    new Uint8Array(memory.buffer, from, input.length).set(input)
    const written = work(instance, from, to)
    const output = isError(written) === 0 ? Buffer.from(new Uint8Array(memory.buffer, to, written)) : undefined
    free(to)
    free(from)
    isUsable = memory.buffer.byteLength <= KEPT_MEMORY_BYTES
    if (output !== undefined) return output
    throw written === TOO_SMALL ? tooLarge('zstd', outputSize) : malformed('zstd', `error ${-written}`)
  } finally {
    if (!isUsable) current = undefined
  }
}

/** One frame that says its content's size. */
export const zstdWasmCompress = (bytes: Uint8Array, level: number): Buffer => {
  const instance = (current ??= newInstance())
  const bound = instance.exports.i(bytes.length)
  return run(bytes, bound, ({ exports, compressor }, from, to) => exports.l(compressor, to, bound, from, bytes.length, 0, 0, level))
}

/** Reads one frame or several. @throws KafkaError INVALID_RECORD or MESSAGE_TOO_LARGE. */
export const zstdWasmDecompress = (bytes: Uint8Array, maxOutputLength: number): Buffer =>
  run(bytes, maxOutputLength, ({ exports, decompressor }, from, to) =>
    exports.q(decompressor, to, maxOutputLength, from, bytes.length, 0, 0),
  )
