// The requests of one connection: which wait, which are in flight, and when their time is over. A broker answers in the order in which
// it was asked, so what is in flight is a queue. No socket is known here: bytes go out by `send` and come in by `answered`.
import type { AnyApi, Clock, RequestInitOf, ResponseOf, Timer } from '@ottla/protocol'
import { encodeRequest, ErrorCode, ProtocolError, readResponse } from '@ottla/protocol'
import { KafkaJSConnectionError, KafkaJSRequestTimeoutError, protocolError } from '../errors/index.ts'
import type { EventEmitter } from '../events/emitter.ts'
import { Fifo } from '../fifo.ts'
import type { Logger } from '../logger.ts'
import { asError } from './as-error.ts'
import type { EntryFacts } from './entry.ts'
import { Entry, nameOf, timesOf } from './entry.ts'
import { throttleTimeOf } from './throttle.ts'

const noFrame = Buffer.alloc(0)
const MAX_CORRELATION_ID = 0x7fff_ffff

/** APIs whose answers hold slices of what was received; all others are copied out of it by decoding. */
const keepsSlices: ReadonlySet<string> = new Set(['Fetch', 'ShareFetch'])

/** What a pipeline works with. */
export interface PipelineParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly events: EventEmitter
  readonly clientId: string
  /** host:port, for messages and events. */
  readonly broker: string
  readonly maxInFlightRequests: number | null
  /** Sends the pieces of one request; `taken` is called when the system has them. */
  send(chunks: readonly Buffer[], taken?: () => void): void
  /** Whether more may be sent now; when the answer becomes yes the owner calls `proceed`. */
  maySend(): boolean
  /** Nothing at all has come since a request was sent whose time is over, after so many ms: the connection is of no use. */
  silent(waitedMs: number): void
}

/** How one request is sent. */
export interface SendOptions {
  /** `Infinity` for no end. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** The requests of one connection. */
export class Pipeline {
  readonly #parts: PipelineParts
  readonly #waiting = new Fifo<Entry>()
  readonly #inFlight = new Fifo<Entry>()
  /** Requests without answers that the socket has not given away yet. */
  readonly #posted = new Set<Entry>()
  #correlationId = 0
  #timer: Timer | null = null
  #timerAtMs = Number.POSITIVE_INFINITY
  #throttledUntilMs = 0
  #heardMs = 0
  #closed: Error | null = null

  constructor(parts: PipelineParts) {
    this.#parts = parts
  }

  /** Requests that were sent and are not answered. */
  get inFlight(): number {
    return this.#inFlight.length
  }

  /** Name of the API of the oldest request without an answer. */
  get oldest(): string | undefined {
    return this.#inFlight.peek()?.api.name
  }

  /** Sends a request and resolves with the body of its answer. */
  request<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>, options: SendOptions): Promise<ResponseOf<A>> {
    return new Promise((resolve, reject) => {
      const read: EntryFacts['read'] = frame => {
        const answer = readResponse(api, version, frame)
        return { body: answer.body, resolve: () => resolve(answer.body) }
      }
      this.#add({ api, version, encode: this.#encoder(api, version, body), isAnswered: true, ...options, read, reject })
    })
  }

  /** Sends a request that is never answered; resolves when the system has taken it. */
  post<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>, options: SendOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const read = (): { body: object; resolve: () => void } => ({ body: {}, resolve })
      this.#add({ api, version, encode: this.#encoder(api, version, body), isAnswered: false, ...options, read, reject })
    })
  }

  /**
   * Takes a frame: bytes `[at, end)`, valid only until this returns unless they are `own`. Throws for an answer that nobody asked for and for
   * one that cannot be read.
   */
  answered(buffer: Buffer, at: number, end: number, own: boolean): void {
    const { broker, clock } = this.#parts
    this.#heardMs = clock.monotonic()
    const entry = this.#inFlight.shift()
    const correlationId = buffer.readInt32BE(at)
    if (entry?.correlationId !== correlationId) {
      const expected = entry === undefined ? 'nothing was asked' : `${entry.correlationId} was expected`
      const error = new KafkaJSConnectionError(`${broker} sent an answer with correlation id ${correlationId} where ${expected}`, {
        broker,
      })
      entry?.reject(error)
      throw error
    }
    if (!entry.isOver) {
      const slice = buffer.subarray(at, end)
      this.#settle(entry, own || !keepsSlices.has(entry.api.name) ? slice : Buffer.from(slice))
    }
    this.proceed()
  }

  /** Sends what waits, as far as may be. */
  proceed(): void {
    this.#dropOver()
    while (this.#waiting.length > 0 && this.#maySend()) {
      const entry = this.#waiting.shift()
      if (entry !== undefined && !entry.isOver) this.#send(entry)
      this.#tellQueueSize()
    }
    this.#awaitThrottle()
  }

  /** Rejects all requests, those to come as well. */
  close(error: Error): void {
    if (this.#closed !== null) return
    this.#closed = error
    this.#timer?.cancel()
    const hadWaiting = this.#waiting.length > 0
    for (const entry of [...this.#inFlight.drain(), ...this.#posted, ...this.#waiting.drain()]) entry.reject(error)
    this.#posted.clear()
    if (hadWaiting) this.#tellQueueSize()
  }

  #encoder<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>): (correlationId: number) => Buffer[] {
    const { clientId } = this.#parts
    return correlationId => {
      try {
        return encodeRequest({ api, version, correlationId, clientId, body })
      } catch (error) {
        throw error instanceof ProtocolError && error.kind === 'version' ? this.#unsent(api, version, error) : error
      }
    }
  }

  /** A program asked for what the broker's version of a request has no field for. */
  #unsent({ name }: AnyApi, version: number, { message }: ProtocolError): Error {
    return protocolError(
      ErrorCode.UNSUPPORTED_VERSION,
      `${this.#parts.broker} is too old for this call of ${name} (version ${version}): ${message}`,
    )
  }

  #add(facts: Omit<EntryFacts, 'createdMs'>): void {
    const entry = new Entry({ ...facts, createdMs: this.#parts.clock.monotonic() })
    if (entry.isOver) return
    if (this.#closed !== null) return entry.reject(this.#closed)
    this.#dropOver()
    if (this.#waiting.length === 0 && this.#maySend()) {
      this.#send(entry)
    } else {
      this.#waiting.push(entry)
      this.#tellQueueSize()
      this.#awaitThrottle()
    }
    if (!entry.isOver && entry.deadlineMs < this.#timerAtMs) this.#arm(entry.deadlineMs)
  }

  /** What nobody waits for any more is not kept until a connection that takes nothing takes it. */
  #dropOver(): void {
    const before = this.#waiting.length
    while (this.#waiting.peek()?.isOver === true) this.#waiting.shift()
    if (this.#waiting.length < before) this.#tellQueueSize()
  }

  #maySend(): boolean {
    const { maxInFlightRequests, clock } = this.#parts
    if (this.#closed !== null || !this.#parts.maySend()) return false
    if (maxInFlightRequests !== null && this.#inFlight.length >= maxInFlightRequests) return false
    if (this.#throttledUntilMs === 0) return true
    if (clock.monotonic() < this.#throttledUntilMs) return false
    this.#throttledUntilMs = 0
    return true
  }

  #send(entry: Entry): void {
    const correlationId = this.#correlationId
    let chunks: Buffer[]
    try {
      chunks = entry.encode(correlationId)
    } catch (error) {
      return entry.reject(error)
    }
    this.#correlationId = correlationId === MAX_CORRELATION_ID ? 0 : correlationId + 1
    entry.correlationId = correlationId
    entry.sentMs = this.#parts.clock.monotonic()
    if (entry.isAnswered) {
      this.#inFlight.push(entry)
      return this.#parts.send(chunks)
    }
    this.#posted.add(entry)
    this.#parts.send(chunks, () => {
      this.#posted.delete(entry)
      if (entry.isOver) return
      entry.resolve(noFrame)
      this.#tellRequest(entry, 0)
    })
  }

  #settle(entry: Entry, frame: Buffer): void {
    const { api, version } = entry
    const { broker, logger } = this.#parts
    let body: object
    try {
      body = entry.resolve(frame)
    } catch (cause) {
      const why = asError(cause).message
      const error = new KafkaJSConnectionError(`${broker} answered ${nameOf(entry)} with something that cannot be read: ${why}`, { broker })
      entry.reject(error)
      throw error
    }
    const throttleMs = throttleTimeOf(api.name, version, body)
    if (throttleMs > 0) {
      this.#throttledUntilMs = Math.max(this.#throttledUntilMs, this.#heardMs + throttleMs)
      logger.debug(`Client side throttling in effect for ${throttleMs}ms`, { broker, apiName: api.name })
    }
    this.#tellRequest(entry, frame.length)
  }

  #awaitThrottle(): void {
    if (this.#waiting.length > 0 && this.#throttledUntilMs > 0 && this.#throttledUntilMs < this.#timerAtMs)
      this.#arm(this.#throttledUntilMs)
  }

  /** One timer serves all requests: it is set for the earliest that something may be due. */
  #arm(atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY || this.#closed !== null) return
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    this.#timer = this.#parts.clock.after(Math.max(0, atMs - this.#parts.clock.monotonic()), () => this.#due())
  }

  #due(): void {
    this.#timer = null
    this.#timerAtMs = Number.POSITIVE_INFINITY
    const nowMs = this.#parts.clock.monotonic()
    let nextMs = Number.POSITIVE_INFINITY
    let silentMs = 0
    for (const queue of [this.#inFlight, this.#waiting, this.#posted]) {
      for (const entry of queue) {
        if (entry.isOver) continue
        if (entry.deadlineMs > nowMs) nextMs = Math.min(nextMs, entry.deadlineMs)
        else silentMs = Math.max(silentMs, this.#timeOut(entry))
      }
    }
    this.#arm(nextMs)
    if (silentMs > 0) return this.#parts.silent(silentMs)
    this.proceed()
  }

  /** Returns for how many ms the connection has been silent since the request was sent, 0 if it was not. */
  #timeOut(entry: Entry): number {
    const { broker, clientId, clock, events } = this.#parts
    const { correlationId } = entry
    const times = timesOf(entry, clock)
    const error = new KafkaJSRequestTimeoutError(`Request ${nameOf(entry)} timed out`, { broker, correlationId, ...times })
    entry.reject(error)
    if (events.has('network.request_timeout')) {
      const { name: apiName, key: apiKey } = entry.api
      const payload = { broker, clientId, correlationId, ...times, apiName, apiKey, apiVersion: entry.version }
      events.emit('network.request_timeout', payload)
    }
    return entry.sentMs > 0 && this.#heardMs < entry.sentMs ? Math.max(1, Math.round(clock.monotonic() - entry.sentMs)) : 0
  }

  #tellRequest(entry: Entry, size: number): void {
    const { broker, clientId, clock, events } = this.#parts
    if (!events.has('network.request')) return
    const { name: apiName, key: apiKey } = entry.api
    const duration = Math.round(clock.monotonic() - entry.sentMs)
    const { correlationId, version: apiVersion } = entry
    const payload = { broker, clientId, correlationId, size, ...timesOf(entry, clock), duration, apiName, apiKey, apiVersion }
    events.emit('network.request', payload)
  }

  #tellQueueSize(): void {
    const { broker, clientId, events } = this.#parts
    if (events.has('network.request_queue_size'))
      events.emit('network.request_queue_size', { broker, clientId, queueSize: this.#waiting.length })
  }
}
