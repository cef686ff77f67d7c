// Memory of record batches, used again and again: fresh memory costs a page fault every 4 KiB, which is as much as copying the records. Sizes
// are powers of two, so that a buffer that comes back fits the next batch of its kind.

const SMALLEST_BITS = 12
const LARGEST_BITS = 24

/** See the top of the file. */
export class BufferPool {
  readonly #free: Buffer[][] = []
  readonly #keptBytesLimit: number
  #keptBytes = 0

  /** @param keptBytesLimit The most that lies here unused. */
  constructor(keptBytesLimit: number) {
    this.#keptBytesLimit = keptBytesLimit
  }

  /** A buffer of at least `size` bytes, with whatever was in it before. */
  take(size: number): Buffer {
    const bits = bitsFor(size)
    if (bits > LARGEST_BITS) return Buffer.allocUnsafeSlow(size)
    const buffer = this.#free[bits]?.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(2 ** bits)
    this.#keptBytes -= buffer.length
    return buffer
  }

  /** Takes back a buffer of `take` that nobody reads any more. */
  give(buffer: Buffer): void {
    const bits = bitsFor(buffer.length)
    if (bits > LARGEST_BITS || this.#keptBytes + buffer.length > this.#keptBytesLimit) return
    ;(this.#free[bits] ??= []).push(buffer)
    this.#keptBytes += buffer.length
  }
}

const bitsFor = (size: number): number => Math.max(SMALLEST_BITS, 32 - Math.clz32(size - 1))
