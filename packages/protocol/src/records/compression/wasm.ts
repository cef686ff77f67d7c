// Loads `native.wasm` of @platformatic/wasm-utils (snappy and the lz4 frame format, made from Rust) with a loader of our own. The package's
// own entry loses the memory of every body that makes the code trap, until nothing works any more; here an instance that trapped, or
// that grew large, is thrown away and the next call gets a new one.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { malformed } from './failures.ts'
import type { WasmHost, WasmMemory, WasmModule } from './webassembly.ts'

/** What the module exports; the functions take where the input lies and give the place of the output in the upper, its length in the lower half. */
interface Exports {
  readonly memory: WasmMemory
  readonly alloc: (size: number) => number
  readonly dealloc: (at: number, size: number) => void
  readonly lz4_compress: (at: number, size: number) => bigint
  readonly lz4_decompress: (at: number, size: number) => bigint
  readonly snappy_compress: (at: number, size: number) => bigint
  readonly snappy_decompress: (at: number, size: number) => bigint
}

declare const WebAssembly: WasmHost<Exports>

/** The functions that can be called. */
export type WasmFunction = 'lz4_compress' | 'lz4_decompress' | 'snappy_compress' | 'snappy_decompress'

/** An instance whose memory has grown beyond this is not kept: WebAssembly memory never shrinks. */
const KEPT_MEMORY_BYTES = 16 * 1024 * 1024
const FIRST_INPUT_BYTES = 64 * 1024

interface Instance {
  readonly exports: Exports
  inputAt: number
  inputSize: number
}

let compiled: WasmModule | undefined
let current: Instance | undefined

const newInstance = (): Instance => {
  if (compiled === undefined) {
    const entry = createRequire(import.meta.url).resolve('@platformatic/wasm-utils')
    compiled = new WebAssembly.Module(readFileSync(join(dirname(entry), 'native.wasm')))
  }
  const { exports } = new WebAssembly.Instance(compiled)
  return { exports, inputAt: exports.alloc(FIRST_INPUT_BYTES), inputSize: FIRST_INPUT_BYTES }
}

/**
 * Calls a function with a copy of `input` and gives a copy of its output to the place that `place` names for its length.
 * @throws KafkaError INVALID_RECORD when the function traps, as it does on malformed input.
 */
export const callWasm = <T>(name: WasmFunction, input: Uint8Array, take: (output: Uint8Array) => T): T => {
  const instance = (current ??= newInstance())
  const { exports } = instance
  let output: bigint
  try {
    if (input.length > instance.inputSize) {
      exports.dealloc(instance.inputAt, instance.inputSize)
      instance.inputAt = exports.alloc(input.length)
      instance.inputSize = input.length
    }
    new Uint8Array(exports.memory.buffer, instance.inputAt, input.length).set(input)
    output = exports[name](instance.inputAt, input.length)
  } catch (error) {
    current = undefined
    throw malformed(name, error)
  }
  const length = Number(output & 0xffffffffn)
  const at = Number(output >> 32n) >>> 0
  const result = take(new Uint8Array(exports.memory.buffer, at, length))
  exports.dealloc(at, length)
  if (exports.memory.buffer.byteLength > KEPT_MEMORY_BYTES) current = undefined
  return result
}
