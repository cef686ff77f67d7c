// Bytes of one connection become frames: four bytes of length, then so many bytes. Reads land in a slab that all connections of the
// process share; a frame that came whole in one read is handed out where it lies, a longer one gets a buffer of its own that the rest is
// read straight into. That buffer grows with what arrives: nobody gets memory for a promise.
import { keepFreedMemory } from './freed-memory.ts'

/** Longest frame that is accepted. No broker sends as much: fetches are bounded by what was asked for plus one record batch. */
export const MAX_FRAME_BYTES = 256 * 1024 * 1024
/** A length is believed up to so many times of what has come of the frame. */
const BELIEVED_FACTOR = 8
/** And up to this, so that most frames need one buffer only. */
const BELIEVED_BYTES = 1024 * 1024

/** From this length on a frame's memory is worth keeping: it is one of many, as answers with records are. */
const LONG_BYTES = 512 * 1024

const LANDING_BYTES = 128 * 1024
let sharedLanding: Buffer | null = null

/** Whoever takes the frames of one connection. */
export interface FrameSink {
  /** One frame without its length prefix: bytes `[at, end)` of `buffer`. If it is not `own`, they are valid until this returns. */
  frame(buffer: Buffer, at: number, end: number, own: boolean): void
  /** The length cannot be one; nothing more is read. `rest` is what came after it, for the diagnosis. */
  brokenLength(length: number, rest: Buffer): void
}

/** Cuts what is received into frames. */
export class FrameAssembler {
  readonly #sink: FrameSink
  /** Length of the frame that is being read, -1 while its prefix has not come whole. */
  #size = -1
  #prefix = 0
  #prefixBytes = 0
  /** The frame that did not fit its read: `#arrived` bytes of `#size`. */
  #frame: Buffer | null = null
  #arrived = 0
  /** What `target` gave last. */
  #target: Buffer | null = null
  /** Whether that is a part of `#frame`. */
  #isDirect = false
  #closed = false
  /** The longest frame that came whole: as much is believed of the next. */
  #longest = BELIEVED_BYTES

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** The buffer for the next read; asked for after each `landed`. */
  target(): Buffer {
    const frame = this.#closed ? null : this.#frame
    this.#isDirect = frame !== null
    this.#target =
      frame === null
        ? (sharedLanding ??= Buffer.allocUnsafeSlow(LANDING_BYTES))
        : frame.subarray(this.#arrived, Math.min(this.#size, frame.length))
    return this.#target
  }

  /** So many bytes have come into the last `target()`. */
  landed(size: number): void {
    if (this.#closed || this.#target === null) return
    if (this.#isDirect) this.#arrived += size
    this.#consume(this.#target, this.#isDirect ? size : 0, size, false)
  }

  /** Bytes have come in a buffer that nobody writes to any more. */
  received(chunk: Buffer): void {
    if (!this.#closed) this.#consume(chunk, 0, chunk.length, true)
  }

  /** No frame is handed out afterwards. */
  close(): void {
    this.#closed = true
    this.#frame = null
  }

  #consume(buffer: Buffer, from: number, end: number, own: boolean): void {
    let at = from
    while (!this.#closed) {
      if (this.#frame !== null) {
        at = this.#fill(this.#frame, buffer, at, end)
        if (this.#arrived === this.#size) this.#complete(this.#frame)
        else if (this.#arrived === this.#frame.length) this.#grow(this.#frame)
        else return
        continue
      }
      if (this.#size < 0) at = this.#readPrefix(buffer, at, end)
      if (this.#size < 0 || at === end) return
      if (end - at >= this.#size) {
        const start = at
        at += this.#size
        this.#size = -1
        this.#sink.frame(buffer, start, at, own)
      } else {
        const believed = Math.max(this.#longest, (end - at) * BELIEVED_FACTOR)
        if (this.#size >= LONG_BYTES) keepFreedMemory()
        this.#frame = Buffer.allocUnsafeSlow(Math.min(this.#size, believed))
        this.#arrived = 0
      }
    }
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
    if (size < 4 || size > MAX_FRAME_BYTES) {
      this.#closed = true
      this.#sink.brokenLength(size, Buffer.from(buffer.subarray(at, Math.min(end, at + 256))))
      return end
    }
    this.#size = size
    return at
  }

  #fill(frame: Buffer, buffer: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + Math.min(this.#size, frame.length) - this.#arrived)
    if (stop > at) buffer.copy(frame, this.#arrived, at, stop)
    this.#arrived += stop - at
    return stop
  }

  #grow(frame: Buffer): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#size, this.#arrived * BELIEVED_FACTOR))
    frame.copy(larger, 0, 0, this.#arrived)
    this.#frame = larger
  }

  #complete(frame: Buffer): void {
    const size = this.#size
    if (size > this.#longest) this.#longest = size
    this.#frame = null
    this.#size = -1
    this.#sink.frame(frame, 0, size, true)
  }
}
