// Requests on their way into a socket: what was asked for in one turn of the event loop leaves in one gathered write.
import type { Duplex } from 'node:stream'

/** Pieces of up to this many bytes are copied into one buffer with their neighbours; larger ones are written where they lie. */
const JOINED_BYTES = 4096

/** The writing side of one connection. */
export class Outgoing {
  readonly #socket: Duplex
  #chunks: Buffer[] = []
  #taken: (() => void)[] = []
  #planned = false

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /** Whether the socket has more than it wants to keep: nothing should be added until its 'drain'. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain
  }

  /** Adds the pieces of a request. `taken` is called once the socket has given them to the system. */
  add(chunks: readonly Buffer[], taken?: () => void): void {
    for (const chunk of chunks) this.#chunks.push(chunk)
    if (taken !== undefined) this.#taken.push(taken)
    if (this.#planned) return
    this.#planned = true
    process.nextTick(() => this.flush())
  }

  /** Hands everything to the socket. */
  flush(): void {
    this.#planned = false
    const chunks = joined(this.#chunks)
    const taken = this.#taken
    if (chunks.length === 0 || this.#socket.destroyed || this.#socket.writableEnded) return
    this.#chunks = []
    if (taken.length > 0) this.#taken = []
    const done = taken.length > 0 ? (error?: Error | null) => error || runAll(taken) : undefined
    const last = chunks.length - 1
    if (last > 0) this.#socket.cork()
    for (let index = 0; index <= last; index++) this.#socket.write(chunks[index], index === last ? done : undefined)
    if (last > 0) this.#socket.uncork()
  }
}

function runAll(runs: readonly (() => void)[]): void {
  for (const run of runs) run()
}

/** Copies neighbouring small pieces together. */
function joined(chunks: readonly Buffer[]): readonly Buffer[] {
  if (chunks.length < 2) return chunks
  const list: Buffer[] = []
  for (let at = 0; at < chunks.length; ) {
    let end = at
    while (end < chunks.length && (chunks[end]?.length ?? 0) <= JOINED_BYTES) end++
    const single = end <= at + 1 ? chunks[at] : undefined
    if (single !== undefined) list.push(single)
    else list.push(Buffer.concat(chunks.slice(at, end)))
    at = Math.max(end, at + 1)
  }
  return list
}
