// Reusable page-aligned memory. The kernel copies several times slower between a buffer and a file position whose addresses
// differ by a few bytes modulo the page, so bytes for position `p` of a file are kept at offset `p % 4096` of an aligned slab.

/** Bytes of a memory page. */
export const PAGE_BYTES = 4096

/** A piece of reusable memory; `view` covers the same bytes as `bytes`. */
export interface Slab {
  readonly bytes: Buffer
  readonly view: DataView
}

interface WasmMemory {
  readonly buffer: ArrayBuffer
}

type MemoryOf = new (limits: { initial: number; maximum: number }) => WasmMemory

// The compiler's library for Node does not know WebAssembly.
const wasm: { readonly Memory: MemoryOf } | undefined = Reflect.get(globalThis, 'WebAssembly')

const WASM_PAGE_BYTES = 65_536
const SMALLEST_ARENA_BYTES = 4 * 1024 * 1024

/** The memory of WebAssembly is the only one that Node aligns to pages; it costs no RAM before it is touched. */
const arenaOf = (lengthBytes: number): Buffer => {
  if (wasm === undefined || lengthBytes < SMALLEST_ARENA_BYTES) return Buffer.allocUnsafeSlow(lengthBytes)
  const pages = Math.ceil(lengthBytes / WASM_PAGE_BYTES)
  try {
    return Buffer.from(new wasm.Memory({ initial: pages, maximum: pages }).buffer, 0, lengthBytes)
  } catch (error) {
    if (error instanceof RangeError) return Buffer.allocUnsafeSlow(lengthBytes)
    throw error
  }
}

const slabOf = (bytes: Buffer): Slab => ({ bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) })

/** Slabs of one size, at most `limit` of them from one arena that is made at first use. */
export class SlabPool {
  readonly slabBytes: number
  readonly limit: number
  #arena: Buffer | null = null
  #made = 0
  readonly #free: Slab[] = []

  constructor(slabBytes: number, limit: number) {
    this.slabBytes = slabBytes
    this.limit = limit
  }

  /** Slabs that can be taken before the pool is empty. */
  get available(): number {
    return this.#free.length + this.limit - this.#made
  }

  /** A slab with any content, undefined when all are in use. */
  take(): Slab | undefined {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#made >= this.limit) return undefined
    this.#arena ??= arenaOf(this.slabBytes * this.limit)
    const at = this.#made++ * this.slabBytes
    return slabOf(this.#arena.subarray(at, at + this.slabBytes))
  }

  /** A slab of the pool, or one of its own that the collector frees; `give` takes both. */
  takeOrMake(): Slab {
    return this.take() ?? slabOf(Buffer.allocUnsafeSlow(this.slabBytes))
  }

  /** Takes a slab back; one that `takeOrMake` made is left to the collector. */
  give(slab: Slab): void {
    if (this.#arena !== null && slab.bytes.buffer === this.#arena.buffer) this.#free.push(slab)
  }
}

/** A slab for one use, of any length; not pooled. */
export const looseSlab = (lengthBytes: number): Slab => slabOf(Buffer.allocUnsafeSlow(lengthBytes))
