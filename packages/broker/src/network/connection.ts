import type { Duplex } from 'node:stream'
import type { Clock, Logger } from '@ottla/protocol'
import type { ConnectionFacts } from '../requests/handler.ts'
import type { ListenerCounters } from './counters.ts'
import type { InboundOwner } from './inbound.ts'
import { Inbound } from './inbound.ts'
import type { NetworkLimits } from './limits.ts'
import type { ReplySlot } from './outbound.ts'
import { Outbound } from './outbound.ts'
import type { OutputBudget, OutputOwner } from './output-budget.ts'
import type { RateLimitedLog } from './rate-limited-log.ts'
import type { ByteSink } from './receive.ts'
import { openReceiver, type ReceiveWay, unsentBytes } from './receive.ts'
import type { RequestMemory } from './request-memory.ts'
import { foreignAdvice, foreignProtocol } from './sniff.ts'
import type { Turns } from './turns.ts'

/** How long a client that has sent its last byte may wait for the replies that it is owed. */
const LINGER_MS = 1000

/** What bytes come and go by: a socket, or whatever else does what is used of one. */
export interface ByteStream extends Duplex {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly bytesWritten: number
  setNoDelay(on: boolean): unknown
  setKeepAlive(on: boolean): unknown
}

/** Takes the requests of all connections. */
export interface RequestService {
  /**
   * Begins one request: the bytes `[at, end)`, without length prefix, valid until it returns. It must lead to one of `send`,
   * `fill` of a reserved place, or `fail` of the connection. Never throws.
   */
  serve(connection: Connection, buffer: Buffer, at: number, end: number): void
}

/** What all connections of a broker share. */
export interface ConnectionSurroundings {
  readonly service: RequestService
  readonly clock: Clock
  readonly limits: Readonly<NetworkLimits>
  readonly turns: Turns
  readonly memory: RequestMemory
  readonly output: OutputBudget
  readonly landing: Buffer
  readonly logger: Logger
  readonly log: RateLimitedLog
  readonly receive: ReceiveWay
  /** Has `flush` of the connection called when all promises that are settled now have been heard. */
  flushLater(connection: Connection): void
}

/** What is particular to one connection. */
export interface ConnectionOptions {
  readonly id: number
  readonly listener: string
  readonly remoteAddress: string
  readonly counters: ListenerCounters
}

/** One client's connection: its requests in, its replies out, and the rules between them. */
export class Connection implements ConnectionFacts, InboundOwner, OutputOwner, ByteSink {
  readonly id: number
  readonly listener: string
  readonly remoteAddress: string
  readonly remotePort: number
  clientSoftwareName = 'unknown'
  clientSoftwareVersion = 'unknown'
  /** Monotonic milliseconds of the last read. */
  receivedAtMs: number
  readonly way: ReceiveWay
  readonly #surroundings: ConnectionSurroundings
  readonly #counters: ListenerCounters
  readonly #socket: ByteStream
  readonly #inbound: Inbound
  readonly #outbound: Outbound
  #closeCallbacks: Set<() => void> | null = null
  /** A request has begun that the next one has to wait for. */
  #held = false
  /** No further request is taken: the broker is closing. */
  #draining = false
  /** The client has sent its last byte. */
  #ended = false
  #closed = false
  #reading = false
  #flushPlanned = false
  /** Others are being served; the next request begins in a later turn of the event loop, which must not refuse it then. */
  #isYielding = false
  #isNext = false
  // What the sweep saw last.
  #sweptBytes = 0
  #activeAtMs: number
  #frameNumber = -1
  #frameSinceMs = 0
  #frameSinceBytes = 0
  #endedAtMs = 0

  constructor(accepted: ByteStream, options: ConnectionOptions, surroundings: ConnectionSurroundings) {
    this.id = options.id
    this.listener = options.listener
    this.remoteAddress = options.remoteAddress
    this.remotePort = accepted.remotePort ?? 0
    this.#counters = options.counters
    this.#surroundings = surroundings
    this.receivedAtMs = surroundings.clock.monotonic()
    this.#activeAtMs = this.receivedAtMs
    const { landing, memory, limits } = surroundings
    this.#inbound = new Inbound({ landing, memory, limits, owner: this })
    const { socket, way } = openReceiver(accepted, this, surroundings.receive)
    this.way = way
    this.#socket = socket
    this.#outbound = new Outbound(socket, surroundings.output, () => surroundings.clock.monotonic())
    socket.setNoDelay(true)
    socket.setKeepAlive(true)
    socket.on('drain', () => this.#inbound.proceed())
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose())
    socket.resume()
  }

  get isClosed(): boolean {
    return this.#closed || this.#socket.destroyed
  }

  /** As OutputOwner. */
  get waitingBytes(): number {
    return this.isClosed ? 0 : this.#outbound.waitingBytes
  }

  /** As OutputOwner. */
  get owingSinceMs(): number {
    return this.#outbound.owingSinceMs
  }

  /** As ByteSink. */
  target(): Buffer {
    return this.#inbound.target()
  }

  /** As ByteSink. */
  received(buffer: Buffer, size: number): void {
    if (this.isClosed) return
    this.receivedAtMs = this.#surroundings.clock.monotonic()
    this.#counters.bytesIn += size
    this.#reading = true
    this.#inbound.received(buffer, size)
    this.#reading = false
    this.flush()
  }

  /** As InboundOwner. */
  mayBegin(): boolean {
    if (this.#held || this.#draining || this.#isYielding || this.isClosed) return false
    const { limits, turns } = this.#surroundings
    if (this.#outbound.owed >= limits.inFlightRequests) return false
    if (this.#isOverdrawn()) {
      this.flush()
      if (this.#isOverdrawn()) return false
    }
    if (turns.hasTime() || this.#isNext) return true
    this.#isYielding = true
    turns.wait(() => this.#nextTurn())
    return false
  }

  /** As InboundOwner. */
  serve(buffer: Buffer, at: number, end: number): void {
    this.#isNext = false
    this.#surroundings.service.serve(this, buffer, at, end)
  }

  /** As InboundOwner. */
  brokenLength(length: number, first: boolean): void {
    const foreign = first ? foreignProtocol(length) : null
    const { requestMaxBytes } = this.#surroundings.limits
    if (foreign !== null) this.fail(foreign, foreignAdvice(foreign, this.listener))
    else if (length > requestMaxBytes) this.fail('size', `request of ${length} bytes, socket.request.max.bytes is ${requestMaxBytes}`)
    else this.fail('size', `request with the impossible length ${length}`)
  }

  /** As InboundOwner. */
  pauseReading(): void {
    this.#socket.pause()
  }

  /** As InboundOwner. */
  resumeReading(): void {
    this.#socket.resume()
  }

  /** Replies to the request that has just begun. `release` is called once the bytes have left, or never will. */
  send(chunks: readonly Buffer[], release: (() => void) | null): void {
    this.#outbound.send(chunks, release)
    this.#planFlush()
  }

  /** Keeps the place of the reply to the request that has just begun. */
  reserve(): ReplySlot {
    return this.#outbound.reserve()
  }

  /** Replies in a reserved place; no chunks where nothing is to be sent. */
  fill(slot: ReplySlot, chunks: readonly Buffer[] | null, release: (() => void) | null): void {
    this.#outbound.fill(slot, chunks, release)
    this.#planFlush()
    this.#inbound.proceed()
  }

  /** As `RequestContext.keep`, for the request that is being served. */
  keepServed(): (() => void) | null {
    return this.#inbound.keepServed()
  }

  /** No request begins until `letGo`. */
  hold(): void {
    this.#held = true
  }

  letGo(): void {
    this.#held = false
    this.#inbound.proceed()
  }

  /** Hands ready replies to the socket. */
  flush(): void {
    this.#flushPlanned = false
    if (this.isClosed) return
    const before = this.#outbound.sentBytes
    this.#outbound.flush()
    this.#counters.bytesOut += this.#outbound.sentBytes - before
    if (this.#ended || this.#draining) this.#endIfDone()
  }

  /** As ConnectionFacts. */
  onClose(run: () => void): () => void {
    if (this.isClosed) {
      this.#runGuarded(run)
      return () => undefined
    }
    this.#closeCallbacks ??= new Set()
    const callback = () => run()
    this.#closeCallbacks.add(callback)
    return () => this.#closeCallbacks?.delete(callback)
  }

  /** Closes because of what the client sent, saying so. `kind` groups such lines for the limit on them. */
  fail(kind: string, reason: string): void {
    if (this.isClosed) return
    this.#counters.closedBroken++
    this.#close(kind, reason)
  }

  /** As OutputOwner. */
  closeUnread(bytes: number, ageMs: number): void {
    this.#counters.closedSlow++
    const [size, age] = [(bytes / 1_048_576).toFixed(1), Math.round(ageMs / 1000)]
    this.#close('unread', `it has not taken ${size} MiB of replies for ${age} s, and the replies of all connections take too much memory`)
  }

  /** What log lines about this connection say of it. */
  facts(): { listener: string; client: string; connection: number } {
    return { listener: this.listener, client: `${this.remoteAddress}:${this.remotePort}`, connection: this.id }
  }

  /** Takes no further request and closes once the replies to those that began have left. */
  drain(): void {
    this.#draining = true
    this.#endIfDone()
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy()
    this.#inbound.close()
  }

  /** Looks whether the connection has been idle or slow for too long. Called every second or so. */
  sweep(nowMs: number): void {
    if (this.isClosed) return
    const { idleMs, slowFrameGraceMs, slowFrameBytesPerSecond } = this.#surroundings.limits
    const bytes = this.#inbound.receivedBytes + this.#socket.bytesWritten - unsentBytes(this.#socket)
    if (bytes !== this.#sweptBytes) {
      this.#sweptBytes = bytes
      this.#activeAtMs = nowMs
    } else if (idleMs >= 0 && nowMs - this.#activeAtMs >= idleMs) {
      this.#counters.closedIdle++
      return this.destroy()
    }
    if (this.#ended && nowMs - this.#endedAtMs >= LINGER_MS) return this.destroy()
    if (!this.#inbound.unfinished || this.#inbound.requests !== this.#frameNumber) {
      this.#frameNumber = this.#inbound.unfinished ? this.#inbound.requests : -1
      this.#frameSinceMs = nowMs
      this.#frameSinceBytes = this.#inbound.receivedBytes
      return
    }
    const takenMs = nowMs - this.#frameSinceMs
    const came = this.#inbound.receivedBytes - this.#frameSinceBytes
    if (takenMs < slowFrameGraceMs || came * 1000 >= (takenMs - slowFrameGraceMs) * slowFrameBytesPerSecond) return
    this.#counters.closedSlow++
    this.#close('slow', `a request has been arriving for ${Math.round(takenMs / 1000)} s, ${came} bytes in that time`)
  }

  #close(kind: string, reason: string): void {
    this.#surroundings.log.warn(kind, this.facts(), `Closing the connection: ${reason}`)
    this.flush()
    this.destroy()
  }

  /** Whether the client has to take replies before it gets more of them. */
  #isOverdrawn(): boolean {
    const { limits, output } = this.#surroundings
    const { waitingBytes } = this.#outbound
    return waitingBytes >= limits.outputHighWaterBytes || (waitingBytes >= limits.crowdedHighWaterBytes && output.isCrowded)
  }

  #planFlush(): void {
    if (this.#reading || this.#flushPlanned) return
    this.#flushPlanned = true
    this.#surroundings.flushLater(this)
  }

  #nextTurn(): void {
    this.#isYielding = false
    this.#isNext = true
    this.#inbound.proceed()
  }

  #onEnd(): void {
    this.#ended = true
    this.#endedAtMs = this.#surroundings.clock.monotonic()
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (this.#outbound.owed === 0 && !this.#flushPlanned && !this.#socket.writableEnded && !this.#closed)
      this.#socket.end(() => this.#socket.destroy())
  }

  /** One part's failure to clean up must not keep the others from it. */
  #runGuarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#surroundings.logger.error({ ...this.facts(), err: error }, 'Cleaning up after a connection failed')
    }
  }

  #onClose(): void {
    if (this.#closed) return
    this.#closed = true
    this.#inbound.close()
    this.#outbound.close()
    const callbacks = this.#closeCallbacks
    this.#closeCallbacks = null
    for (const run of callbacks ?? []) this.#runGuarded(run)
  }
}
