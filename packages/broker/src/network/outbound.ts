import type { Writable } from 'node:stream'
import type { OutputBudget } from './output-budget.ts'

/** Replies of up to this many bytes are copied into one buffer with their neighbours; larger ones are written where they lie. */
const JOINED_BYTES = 4096

/** A reply that is not there yet, in its place among the replies of the connection. */
export interface ReplySlot {
  bytes: number
  chunks: readonly Buffer[] | null
  release: (() => void) | null
  filled: boolean
}

/**
 * The replies of one connection, in the order of their requests. What is there when the turn of the connection ends goes
 * out in one gathered write.
 */
export class Outbound {
  readonly #socket: Writable
  readonly #budget: OutputBudget
  readonly #monotonic: () => number
  /** Replies that wait for themselves or for an earlier one; those before `#head` have left. */
  #slots: ReplySlot[] = []
  #head = 0
  #chunks: Buffer[] = []
  /** Bytes of `#chunks`, and of the replies behind one that is not there yet. */
  #bytes = 0
  #heldBytes = 0
  #releases: (() => void)[] = []
  #closed = false
  /** Bytes handed to the socket. */
  sentBytes = 0
  /** Monotonic milliseconds since which there have always been bytes that the client has not taken, if there are any. */
  owingSinceMs = 0

  constructor(socket: Writable, budget: OutputBudget, monotonic: () => number) {
    this.#socket = socket
    this.#budget = budget
    this.#monotonic = monotonic
  }

  /** Replies that are owed. */
  get owed(): number {
    return this.#slots.length - this.#head
  }

  /** Bytes of replies that the client has not taken. */
  get waitingBytes(): number {
    return this.#bytes + this.#heldBytes + this.#socket.writableLength
  }

  /** The place of the reply to the request that begins now. */
  reserve(): ReplySlot {
    const slot: ReplySlot = { chunks: null, bytes: 0, release: null, filled: false }
    this.#slots.push(slot)
    return slot
  }

  /** The reply to the request that begins now. `release` is called once its bytes have left, or never will. */
  send(chunks: readonly Buffer[], release: (() => void) | null): void {
    const slot = { chunks, bytes: 0, release, filled: true }
    this.#count(slot)
    if (this.#head === this.#slots.length) this.#queue(slot)
    else this.#slots.push(slot)
  }

  /** The reply for a reserved place; no chunks where nothing is to be sent. */
  fill(slot: ReplySlot, chunks: readonly Buffer[] | null, release: (() => void) | null): void {
    if (this.#closed) {
      release?.()
      return
    }
    slot.chunks = chunks
    slot.release = release
    slot.filled = true
    this.#count(slot)
    let next = this.#slots[this.#head]
    while (next?.filled) {
      this.#head++
      this.#queue(next)
      next = this.#slots[this.#head]
    }
    if (next === undefined) {
      this.#slots.length = 0
      this.#head = 0
    } else if (this.#head > 64) {
      this.#slots = this.#slots.slice(this.#head)
      this.#head = 0
    }
  }

  /** Hands everything that is ready to the socket. */
  flush(): void {
    if (this.#chunks.length === 0) return
    const chunks = this.#chunks
    const releases = this.#releases
    this.sentBytes += this.#bytes
    this.#chunks = []
    this.#bytes = 0
    if (releases.length > 0) this.#releases = []
    const done = releases.length > 0 ? () => runAll(releases) : undefined
    const [only] = chunks
    if (chunks.length === 1 && only !== undefined) {
      this.#socket.write(only, done)
      return
    }
    const joined = join(chunks)
    this.#socket.cork()
    joined.forEach((chunk, index) => this.#socket.write(chunk, index === joined.length - 1 ? done : undefined))
    this.#socket.uncork()
  }

  /** Forgets all replies; the socket is gone. */
  close(): void {
    this.#closed = true
    const releases = this.#releases
    for (const slot of this.#slots.slice(this.#head)) if (slot.release !== null) releases.push(slot.release)
    this.#slots = []
    this.#head = 0
    this.#chunks = []
    this.#bytes = 0
    this.#heldBytes = 0
    this.#releases = []
    runAll(releases)
  }

  #count(slot: ReplySlot): void {
    for (const chunk of slot.chunks ?? []) slot.bytes += chunk.length
    if (slot.bytes === 0 || this.#closed) return
    if (this.waitingBytes === 0) this.owingSinceMs = this.#monotonic()
    this.#heldBytes += slot.bytes
    this.#budget.add(slot.bytes)
  }

  #queue({ chunks, bytes, release }: ReplySlot): void {
    if (this.#closed || chunks === null) {
      release?.()
      return
    }
    for (const chunk of chunks) this.#chunks.push(chunk)
    this.#heldBytes -= bytes
    this.#bytes += bytes
    if (release !== null) this.#releases.push(release)
  }
}

function runAll(releases: readonly (() => void)[]): void {
  for (const release of releases) release()
}

/** Copies neighbouring small chunks together. */
function join(chunks: readonly Buffer[]): Buffer[] {
  const joined: Buffer[] = []
  let small: Buffer[] = []
  for (const chunk of chunks) {
    if (chunk.length <= JOINED_BYTES) {
      small.push(chunk)
      continue
    }
    if (small.length > 0) joined.push(concat(small))
    small = []
    joined.push(chunk)
  }
  if (small.length > 0) joined.push(concat(small))
  return joined
}

function concat(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
}
