import type { NetworkLimits } from './limits.ts'
import type { ByteSink } from './receive.ts'
import type { MemoryWaiter, RequestMemory } from './request-memory.ts'

/** Shortest request: api key, version, correlation id. */
const SHORTEST_BYTES = 8
/** A length is believed up to so many times of what has come of the request. */
const BELIEVED_FACTOR = 8
/** And up to this, so that small requests need one buffer only. */
const BELIEVED_BYTES = 16 * 1024

/** What a connection does with requests, and how its socket is told to stop and go on. */
export interface InboundOwner {
  /** Whether the next request may begin now; when the answer becomes yes the owner calls `proceed`. */
  mayBegin(): boolean
  /** One request without its length prefix: bytes of `buffer` that are valid until it returns. */
  serve(buffer: Buffer, at: number, end: number): void
  /** The length prefix cannot be one. The connection is to be closed. */
  brokenLength(length: number, first: boolean): void
  pauseReading(): void
  resumeReading(): void
}

/** What an `Inbound` works with. */
export interface InboundParts {
  /** The slab that reads land in, the same for all connections of a broker. */
  readonly landing: Buffer
  readonly memory: RequestMemory
  readonly limits: Readonly<NetworkLimits>
  readonly owner: InboundOwner
}

/**
 * Cuts the bytes of one connection into requests. Reads land in a slab that all connections share, so what has come is served
 * or copied out before `received` returns. The start of a request that continues past a read is copied into a buffer of its
 * own, and the rest is read straight into that. The buffer grows with what arrives: nobody gets memory for a promise.
 */
export class Inbound implements ByteSink, MemoryWaiter {
  readonly #parts: InboundParts
  /** Length of the request that is being read, -1 while its prefix has not come whole. */
  #size = -1
  #prefix = 0
  #prefixBytes = 0
  #first = true
  /** The request that did not fit its read: `#arrived` bytes of `#size`, with room for all or some of the rest. */
  #frame: Buffer | null = null
  /** The buffer of the request that is being served, unless somebody keeps it. */
  #served: Buffer | null = null
  /** Requests whose memory somebody keeps. */
  #kept = 0
  #arrived = 0
  /** The part of `#frame` that the socket was told to read into. */
  #view: Buffer | null = null
  /** What came behind a request that could not be served yet. Nothing is read while there is something here. */
  #stash: Buffer | null = null
  #stashAt = 0
  #stashEnd = 0
  #waitsForMemory = false
  #paused = false
  #busy = false
  #closed = false
  /** The longest request that came whole: as much is believed of the next. */
  #longest = 0
  /** Bytes received and requests cut out of them. */
  receivedBytes = 0
  requests = 0

  constructor(parts: InboundParts) {
    this.#parts = parts
  }

  /** Whether the client owes the rest of a request: part of it has come and the broker is reading. */
  get unfinished(): boolean {
    return !this.#paused && (this.#frame !== null || this.#size >= 0 || this.#prefixBytes > 0)
  }

  /** As ByteSink. Where the own buffer may be replaced before the next read, that read goes to the slab. */
  target(): Buffer {
    this.#view = null
    const frame = this.#frame
    if (frame === null || this.#paused || this.#closed) return this.#parts.landing
    this.#view = frame.subarray(this.#arrived, Math.min(this.#size, frame.length))
    return this.#view
  }

  /** As ByteSink. */
  received(buffer: Buffer, size: number): void {
    if (this.#closed) return
    this.receivedBytes += size
    let at = 0
    if (buffer === this.#view) {
      this.#arrived += size
      at = size
    }
    this.#view = null
    this.#busy = true
    at = this.#consume(buffer, at, size)
    this.#busy = false
    if (this.#closed) return
    if (at < size) this.#keep(buffer, at, size)
    if (at < size || this.#isHeldUp()) {
      this.#paused = true
      this.#parts.owner.pauseReading()
    }
  }

  /** Goes on where the owner or the memory held it up. */
  proceed(): void {
    if (this.#closed || this.#busy || !this.#paused) return
    this.#busy = true
    const stash = this.#stash
    const at = this.#consume(stash ?? this.#parts.landing, this.#stashAt, this.#stashEnd)
    this.#busy = false
    if (stash !== null) {
      this.#stashAt = at
      if (this.#closed || at === this.#stashEnd) this.#dropStash(stash)
    }
    if (this.#closed || this.#stash !== null || this.#isHeldUp()) return
    this.#paused = false
    this.#parts.owner.resumeReading()
  }

  /** As MemoryWaiter. */
  memoryFreed(): void {
    this.#waitsForMemory = false
    this.proceed()
  }

  /** Gives all memory back; nothing is served afterwards. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const frame = this.#frame
    this.#frame = null
    if (frame !== null) this.#parts.memory.give(frame)
    if (this.#stash !== null && !this.#busy) this.#dropStash(this.#stash)
    this.#parts.memory.forget(this)
    if (this.#kept === 0) this.#parts.memory.emptied(this)
  }

  /** Whether more bytes would not help: a whole request waits for its turn, or an unfinished one for memory. */
  #isHeldUp(): boolean {
    return this.#waitsForMemory || (this.#frame !== null && this.#arrived === this.#size)
  }

  /** Serves the requests in `buffer` and returns where it stopped: short of `end` only where it was held up. */
  #consume(buffer: Buffer, from: number, end: number): number {
    const { owner } = this.#parts
    let at = from
    while (!this.#closed) {
      if (this.#frame !== null) {
        at = this.#fill(this.#frame, buffer, at, end)
        if (this.#arrived === this.#size) {
          if (!owner.mayBegin()) return at
          this.#serveFrame(this.#frame)
        } else if (this.#arrived < this.#frame.length || !this.#grow(this.#frame)) {
          return at
        }
        continue
      }
      if (this.#size < 0) at = this.#readPrefix(buffer, at, end)
      if (this.#size < 0 || at === end) return at
      if (end - at >= this.#size) {
        if (!owner.mayBegin()) return at
        const start = at
        at += this.#size
        this.#nextRequest()
        owner.serve(buffer, start, at)
      } else if (!this.#begin(end - at)) {
        return at
      }
    }
    return end
  }

  #nextRequest(): void {
    if (this.#size > this.#longest) this.#longest = this.#size
    this.#size = -1
    this.requests++
  }

  /** Reads the length, which may come in pieces. Returns where it ended; `#size` stays -1 where it is incomplete or impossible. */
  #readPrefix(buffer: Buffer, from: number, end: number): number {
    let at = from
    if (this.#prefixBytes === 0 && end - at >= 4) {
      this.#prefix = buffer.readInt32BE(at)
      at += 4
    } else {
      for (; at < end && this.#prefixBytes < 4; this.#prefixBytes++) this.#prefix = (this.#prefix << 8) | (buffer[at++] ?? 0)
      if (this.#prefixBytes < 4) return at
    }
    const size = this.#prefix
    this.#prefix = 0
    this.#prefixBytes = 0
    if (size < SHORTEST_BYTES || size > this.#parts.limits.requestMaxBytes) {
      this.#parts.owner.brokenLength(size, this.#first)
      return end
    }
    this.#first = false
    this.#size = size
    return at
  }

  /** Gets a buffer for a request of which `here` bytes have come. Returns whether there was memory. */
  #begin(here: number): boolean {
    const believed = Math.max(BELIEVED_BYTES, here * BELIEVED_FACTOR, this.#longest)
    this.#frame = this.#parts.memory.take(Math.min(this.#size, believed), this, this.#kept > 0)
    this.#arrived = 0
    this.#waitsForMemory = this.#frame === null
    return this.#frame !== null
  }

  /** Moves the request to a larger buffer. Returns whether there was memory. */
  #grow(frame: Buffer): boolean {
    const { memory } = this.#parts
    const larger = memory.take(Math.min(this.#size, this.#arrived * BELIEVED_FACTOR), this)
    this.#waitsForMemory = larger === null
    if (larger === null) return false
    frame.copy(larger, 0, 0, this.#arrived)
    this.#frame = larger
    memory.give(frame)
    return true
  }

  /** Copies what belongs to the unfinished request and has room; returns where that ended. */
  #fill(frame: Buffer, buffer: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + Math.min(this.#size, frame.length) - this.#arrived)
    if (stop > at) buffer.copy(frame, this.#arrived, at, stop)
    this.#arrived += stop - at
    return stop
  }

  #serveFrame(frame: Buffer): void {
    const size = this.#size
    this.#frame = null
    this.#nextRequest()
    this.#served = frame
    this.#parts.owner.serve(frame, 0, size)
    if (this.#served === null) return
    this.#served = null
    this.#parts.memory.give(frame)
    if (this.#kept === 0) this.#parts.memory.leave(this)
  }

  /**
   * Keeps the bytes of the request that is being served until the returned function is called, once; they count as memory of requests until
   * then. Null where they lie among those of others, and must be copied.
   */
  keepServed(): (() => void) | null {
    const frame = this.#served
    if (frame === null) return null
    this.#served = null
    this.#kept++
    return () => {
      const { memory } = this.#parts
      this.#kept--
      memory.give(frame)
      if (this.#frame === null && this.#kept === 0) memory.emptied(this)
    }
  }

  #keep(buffer: Buffer, at: number, end: number): void {
    this.#stash = this.#parts.memory.force(end - at)
    this.#stashAt = 0
    this.#stashEnd = buffer.copy(this.#stash, 0, at, end)
  }

  #dropStash(stash: Buffer): void {
    this.#stash = null
    this.#stashAt = 0
    this.#stashEnd = 0
    this.#parts.memory.give(stash)
  }
}
