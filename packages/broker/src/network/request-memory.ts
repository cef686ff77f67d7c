const SMALLEST_CLASS_BITS = 14
const LARGEST_CLASS_BITS = 22
const KEPT_BYTES = 16 * 1024 * 1024

/** Somebody who was refused memory and wants to hear when it is worth asking again. */
export interface MemoryWaiter {
  memoryFreed(): void
}

/**
 * Memory of requests that have not arrived whole or wait for their turn, over all connections of a broker. Whoever is refused
 * stops reading its socket and is called back in the order of refusal. So that half-received requests that fill the limit do
 * not wait for each other for ever, the first who is refused becomes the favoured one and may go past the limit until
 * it has given everything back: the excess is one request at most.
 */
export class RequestMemory {
  limitBytes: number
  usedBytes = 0
  readonly #free: Buffer[][] = []
  #keptBytes = 0
  #favoured: MemoryWaiter | null = null
  #waiting = new Set<MemoryWaiter>()
  #waking = false

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  /** Number of connections that wait for memory. */
  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * A buffer of at least `size` bytes with old content, or null: then `memoryFreed` of `owner` is called once some is free. With
   * `holdsAnother` it is for a further request, which goes past the limit no more once the other has.
   */
  take(size: number, owner: MemoryWaiter, holdsAnother = false): Buffer | null {
    const bytes = roundUp(size)
    const isFavoured = this.#favoured === owner
    if (isFavoured ? holdsAnother : this.usedBytes + bytes > this.limitBytes && this.usedBytes > 0) {
      if (this.#favoured !== null) {
        this.#waiting.add(owner)
        return null
      }
      this.#favoured = owner
    }
    return this.#allot(bytes)
  }

  /** As `take`, whatever the limit: for the rest of what one read brought, which has to be kept somewhere. */
  force(size: number): Buffer {
    return this.#allot(roundUp(size))
  }

  /** Gives back a buffer that `take` gave. Its bytes may be written over at once. */
  give(buffer: Buffer): void {
    const bytes = buffer.length
    this.usedBytes -= bytes
    if (isPooled(bytes) && this.#keptBytes + bytes <= KEPT_BYTES) {
      const index = classOf(bytes)
      const list = this.#free[index]
      if (list) list.push(buffer)
      else this.#free[index] = [buffer]
      this.#keptBytes += bytes
    }
    if (this.#waiting.size > 0) this.#wake()
  }

  /** `owner` wants nothing any more. */
  forget(owner: MemoryWaiter): void {
    this.#waiting.delete(owner)
  }

  /** `owner` holds nothing any more and wants nothing. */
  leave(owner: MemoryWaiter): void {
    this.forget(owner)
    this.emptied(owner)
  }

  /** `owner` holds nothing any more. */
  emptied(owner: MemoryWaiter): void {
    if (this.#favoured === owner) {
      this.#favoured = null
      if (this.#waiting.size > 0) this.#wake()
    }
  }

  /** Lets go of the buffers kept for reuse. */
  trim(): void {
    this.#free.length = 0
    this.#keptBytes = 0
  }

  #allot(bytes: number): Buffer {
    this.usedBytes += bytes
    const kept = isPooled(bytes) ? this.#free[classOf(bytes)]?.pop() : undefined
    if (kept === undefined) return Buffer.allocUnsafeSlow(bytes)
    this.#keptBytes -= bytes
    return kept
  }

  /** Calls the waiters in order; the first who is refused again stays the first. */
  #wake(): void {
    if (this.#waking) return
    this.#waking = true
    while (this.#favoured === null || this.usedBytes < this.limitBytes) {
      const [first] = this.#waiting
      if (first === undefined) break
      this.#waiting.delete(first)
      first.memoryFreed()
      if (!this.#waiting.delete(first)) continue
      this.#waiting = new Set([first, ...this.#waiting])
      break
    }
    this.#waking = false
  }
}

/** Requests below 16 KiB get what they need, up to 4 MiB the next power of two, beyond whole pages. */
function roundUp(size: number): number {
  if (size < 1 << SMALLEST_CLASS_BITS) return size
  if (size <= 1 << LARGEST_CLASS_BITS) return 1 << classOf(size)
  return Math.ceil(size / 4096) * 4096
}

/** The exponent of the smallest power of two that is not below `size`. */
function classOf(size: number): number {
  return 32 - Math.clz32(size - 1)
}

function isPooled(bytes: number): boolean {
  return bytes >= 1 << SMALLEST_CLASS_BITS && bytes <= 1 << LARGEST_CLASS_BITS
}
