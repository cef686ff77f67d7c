// From the bytes of a request to its handler and from the outcome to the bytes of the reply.
import type { AnyApi, Clock, Codec, Logger, RequestOf, ResponseInitOf } from '@ottla/protocol'
import { apiVersionsApi, encodeResponse, KafkaError, MAX_TAGGED_FIELDS, produceApi, Reader, requestCodec } from '@ottla/protocol'
import type { Connection, RequestService } from '../network/connection.ts'
import type { ApiCounters } from '../network/counters.ts'
import { countResponse, NetworkCounters } from '../network/counters.ts'
import type { ReplySlot } from '../network/outbound.ts'
import { unsupportedVersion } from '../handlers/api-versions.ts'
import type { AnyHandler, ConnectionFacts, Reply, RequestContext } from './handler.ts'
import { Loaned, Ordered } from './handler.ts'
import { LONG_REQUEST_BYTES, LongRequests, waitsWhenLong } from './long-requests.ts'

/** Buffers above this are not held on to by the dispatcher. */
const KEPT_BYTES = 512 * 1024

// What one request may hold besides records and other plain bytes. Kafka bounds the bytes of a request alone; here decoding is one
// step of the event loop that everybody waits for. These keep it below some 50 ms, and what comes out below some 50 MiB more than
// the request itself, whatever the bytes are. Clients come nowhere near: a group's commit has to fit one batch of records.
const REQUEST_ELEMENTS = 100_000
const REQUEST_TEXT_BYTES = 8 * 1024 * 1024

// Plain bytes, such as what members of groups say to each other, are copied out of a request. Records are not.
const REQUEST_BYTES = 16 * 1024 * 1024

// Decoded requests that wait for their replies, such as fetches, are bounded over all connections. Only large ones are counted and
// refused, so that whoever sends many of them is in nobody's way but their own.
const ELEMENT_BYTES = 100
const LARGE_REQUEST_BYTES = 64 * 1024
const WAITING_REQUEST_BYTES = 256 * 1024 * 1024

type Request = RequestOf<AnyApi>
type Response = ResponseInitOf<AnyApi>

/** What is looked up by API key, once a request. */
interface Entry {
  readonly handler: AnyHandler
  readonly counters: ApiCounters
  readonly lowest: number
  readonly highest: number
  /** A longer request is not decoded. */
  readonly mostBytes: number
  /** From this length on a request waits for others that are as long. */
  readonly longBytes: number
  /** By version. */
  readonly versions: readonly Codec<Request, unknown>[]
}

/** What a request that waited for its turn has already, and what it gives back when it is done. */
interface Waited {
  readonly slot: ReplySlot | null
  readonly leave: () => void
}

/** A request on its way through its handler. */
class Call implements RequestContext {
  readonly entry: Entry
  readonly to: Connection
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly receivedAtMs: number
  readonly sizeBytes: number
  /** About what the decoded request takes, where that is much; else 0. */
  largeBytes = 0

  /** Reads the rest of the header. */
  constructor(entry: Entry, to: Connection, { reader, version, sizeBytes }: { reader: Reader; version: number; sizeBytes: number }) {
    this.entry = entry
    this.to = to
    this.apiVersion = version
    this.correlationId = reader.int32()
    this.clientId = reader.nullableString()
    if (entry.versions[version]?.flexible === true) reader.skipTags()
    this.sizeBytes = sizeBytes
    this.receivedAtMs = to.receivedAtMs
  }

  get apiKey(): number {
    return this.entry.handler.api.key
  }

  get connection(): ConnectionFacts {
    return this.to
  }

  keep(): (() => void) | null {
    return this.to.keepServed()
  }
}

/** What a Dispatcher is made of. */
export interface DispatcherOptions {
  readonly handlers: readonly AnyHandler[]
  readonly clock: Clock
  readonly logger: Logger
  readonly counters?: NetworkCounters
  /** Resolves in a later turn of the event loop, when those have had theirs who wait for one; default: at once. */
  pause?(): Promise<void>
}

/** Finds the handler of each request by one list and sees that each gets its answer, or its connection closed. */
export class Dispatcher implements RequestService {
  readonly counters: NetworkCounters
  readonly #entries: (Entry | undefined)[] = []
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #pause: () => Promise<void>
  readonly #long: LongRequests
  #reader: Reader | null = null
  #waitingRequestBytes = 0

  constructor(options: DispatcherOptions) {
    this.#clock = options.clock
    this.#logger = options.logger
    this.#pause = () => options.pause?.() ?? Promise.resolve()
    this.#long = new LongRequests(options.clock, this.#pause)
    this.counters = options.counters ?? new NetworkCounters()
    for (const handler of options.handlers) {
      const { key, name } = handler.api
      if (this.#entries[key] !== undefined) throw new Error(`two handlers for ${name}`)
      this.#entries[key] = entryOf(handler, this.counters.api(key, name))
    }
  }

  /** As RequestService. An API or version that is not served closes the connection (Kafka's `SocketServer.parseRequestHeader`). */
  serve(connection: Connection, buffer: Buffer, at: number, end: number): void {
    const apiKey = buffer.readInt16BE(at)
    const apiVersion = buffer.readInt16BE(at + 2)
    const entry = this.#entries[apiKey]
    if (entry === undefined)
      return connection.fail('api', `request for the API with key ${apiKey}, which is not served (version ${apiVersion})`)
    entry.counters.requests++
    entry.counters.requestBytes += end - at
    if (entry.versions[apiVersion] === undefined) return this.#refuseVersion(entry, connection, buffer.subarray(at, end))
    const size = end - at
    if (size > entry.mostBytes) {
      entry.counters.failures++
      return connection.fail('size', `${entry.handler.api.name} request of ${size} bytes, at most ${entry.mostBytes} may be`)
    }
    const reader = this.#readerOf(buffer, at + 4, end)
    let call: Call
    try {
      call = new Call(entry, connection, { reader, version: apiVersion, sizeBytes: size })
    } catch (error) {
      return this.#refuseMalformed(entry, connection, { apiVersion, error })
    }
    if (size < entry.longBytes) this.#begin(call, reader, null)
    else if (this.#long.mayBegin(size)) this.#begin(call, reader, { slot: null, leave: this.#long.take(size) })
    else this.#wait(call, reader)
  }

  /** Keeps a long request as it is until it is its turn. The connection's next one waits for it. */
  #wait(call: Call, { at, buffer, end }: Reader): void {
    const { entry, sizeBytes: size, to: connection } = call
    if (!this.#long.mayWait(size)) return this.#refuseLarge(entry, connection, this.#long.waitingBytes)
    const release = connection.keepServed()
    const body = release === null ? Buffer.from(buffer.subarray(at, end)) : buffer.subarray(at, end)
    connection.hold()
    const slot = connection.reserve()
    const cancel = this.#long.wait(size, () => {
      forget()
      // Where nobody is there to be answered, nothing of it begins.
      if (!connection.isClosed) this.#begin(call, this.#readerOf(body, 0, body.length), { slot, leave: this.#long.take(size) })
      release?.()
    })
    const forget = connection.onClose(() => {
      cancel()
      release?.()
    })
  }

  #begin(call: Call, reader: Reader, waited: Waited | null): void {
    const { apiVersion, entry, to } = call
    let request: Request
    try {
      request = entry.versions[apiVersion]!.read(reader)
      call.largeBytes = largeBytesOf(reader)
    } catch (error) {
      waited?.leave()
      return this.#refuseMalformed(entry, to, { apiVersion, error })
    }
    if (call.largeBytes > 0 && this.#waitingRequestBytes + call.largeBytes > WAITING_REQUEST_BYTES) {
      waited?.leave()
      return this.#refuseLarge(entry, to, this.#waitingRequestBytes)
    }
    entry.counters.requestsByVersion[apiVersion] = (entry.counters.requestsByVersion[apiVersion] ?? 0) + 1
    this.#call(call, request, waited)
  }

  #refuseMalformed(
    { counters, handler }: Entry,
    connection: Connection,
    { apiVersion, error }: { apiVersion: number; error: unknown },
  ): void {
    counters.failures++
    connection.fail('malformed', `malformed ${handler.api.name} request of version ${apiVersion}: ${messageOf(error)}`)
  }

  #refuseLarge(entry: Entry, connection: Connection, waitingBytes: number): void {
    entry.counters.failures++
    connection.fail('waiting', `large ${entry.handler.api.name} request while others of ${waitingBytes} bytes wait`)
  }

  /** Most requests lie in the one slab that all reads land in: its reader is kept and set to each. */
  #readerOf(buffer: Buffer, at: number, end: number): Reader {
    const known = this.#reader
    const reader = known?.buffer === buffer ? known : new Reader(buffer)
    if (reader !== known) this.#reader = buffer.length <= KEPT_BYTES ? reader : null
    reader.at = at
    reader.end = end
    reader.elementsLeft = REQUEST_ELEMENTS
    reader.tagsLeft = MAX_TAGGED_FIELDS
    reader.textLeft = REQUEST_TEXT_BYTES
    return reader
  }

  #call(call: Call, request: Request, waited: Waited | null): void {
    try {
      const { handler } = call.entry
      if (waited !== null || (call.largeBytes > 0 && handler.api.key !== produceApi.key)) {
        call.to.hold()
        this.#await(call, request, this.#later(call, request), { held: true, waited })
        return
      }
      const outcome = handler.handle(request, call)
      if (outcome instanceof Promise) {
        call.to.hold()
        this.#await(call, request, outcome, { held: true, waited: null })
      } else if (outcome instanceof Ordered) {
        if (outcome.ordered !== null) {
          call.to.hold()
          const letGo = () => call.to.letGo()
          outcome.ordered.then(letGo, letGo)
        }
        this.#await(call, request, outcome.reply, { held: false, waited: null })
      } else {
        this.#reply(call, null, outcome)
      }
    } catch (error) {
      this.#failed(call, null, { request, error })
    }
  }

  /** A request that took long to read is handled in a turn of its own. Not a Produce: its records are where the next read goes. */
  async #later(call: Call, request: Request): Promise<Reply<Response>> {
    await this.#pause()
    const outcome = await call.entry.handler.handle(request, call)
    return outcome instanceof Ordered ? outcome.reply : outcome
  }

  #await(call: Call, request: Request, reply: Promise<Reply<Response>>, { held, waited }: { held: boolean; waited: Waited | null }): void {
    const slot = waited?.slot ?? call.to.reserve()
    this.#waitingRequestBytes += call.largeBytes
    const ended = (): void => {
      this.#waitingRequestBytes -= call.largeBytes
      if (held) call.to.letGo()
      waited?.leave()
    }
    reply.then(
      body => {
        try {
          this.#reply(call, slot, body)
        } catch (error) {
          this.#failed(call, slot, { request, error })
        }
        ended()
      },
      (error: unknown) => {
        this.#failed(call, slot, { request, error })
        ended()
      },
    )
  }

  /** Sends a reply to its reserved place, or at once where it has none. Throws what encoding throws. */
  #reply(call: Call, slot: ReplySlot | null, reply: Reply<Response>): void {
    if (reply === null) {
      if (slot !== null) call.to.fill(slot, null, null)
      countResponse(call.entry.counters, 0, this.#clock.monotonic() - call.receivedAtMs)
      return
    }
    const release = reply instanceof Loaned ? reply.release : null
    const chunks = this.#encode(call, reply)
    if (slot !== null) call.to.fill(slot, chunks, release)
    else call.to.send(chunks, release)
    let bytes = 0
    for (const chunk of chunks) bytes += chunk.length
    countResponse(call.entry.counters, bytes, this.#clock.monotonic() - call.receivedAtMs)
  }

  #encode(call: Call, reply: Response | Loaned<Response>): Buffer[] {
    const { api } = call.entry.handler
    const { apiVersion: version, correlationId } = call
    if (!(reply instanceof Loaned)) return encodeResponse({ api, version, correlationId, body: reply })
    try {
      return encodeResponse({ api, version, correlationId, body: reply.body })
    } catch (error) {
      reply.release()
      throw error
    }
  }

  /** Answers an error where the protocol has a way to say it, else closes the connection. */
  #failed(call: Call, slot: ReplySlot | null, { request, error }: { request: Request; error: unknown }): void {
    const { handler, counters } = call.entry
    let cause = error
    if (error instanceof KafkaError && handler.onError !== undefined) {
      try {
        return this.#reply(call, slot, handler.onError(error.code, request, call))
      } catch (second) {
        cause = second
      }
    }
    counters.failures++
    if (cause instanceof KafkaError) return call.to.fail('refused', `${handler.api.name} failed: ${cause.message} (${cause.errorName})`)
    const facts = { ...call.to.facts(), api: handler.api.name, version: call.apiVersion, err: cause }
    this.#logger.error(facts, `${handler.api.name} request failed: ${messageOf(cause)}`)
    call.to.destroy()
  }

  #refuseVersion(entry: Entry, connection: Connection, request: Buffer): void {
    const { api } = entry.handler
    const version = request.readInt16BE(2)
    if (api.key !== apiVersionsApi.key) {
      entry.counters.failures++
      const { lowest, highest } = entry
      return connection.fail('version', `${api.name} request of version ${version}, versions ${lowest} to ${highest} are served`)
    }
    const correlationId = request.readInt32BE(4)
    const chunks = encodeResponse({ api: apiVersionsApi, version: 0, correlationId, body: unsupportedVersion(entry.handler) })
    connection.send(chunks, null)
    countResponse(entry.counters, 0, this.#clock.monotonic() - connection.receivedAtMs)
  }
}

function entryOf(handler: AnyHandler, counters: ApiCounters): Entry {
  const [lowest, highest] = handler.versions
  const versions: Codec<Request, unknown>[] = []
  for (let version = lowest; version <= highest; version++) versions[version] = requestCodec(handler.api, version)
  const mostBytes = handler.api.key === produceApi.key ? Infinity : REQUEST_BYTES
  const longBytes = waitsWhenLong(handler.api) ? LONG_REQUEST_BYTES : Infinity
  return { handler, counters, lowest, highest, mostBytes, longBytes, versions }
}

/** About what the message that was read takes beside its records, where that is much; else 0. */
function largeBytesOf(reader: Reader): number {
  const bytes = (REQUEST_ELEMENTS - reader.elementsLeft) * ELEMENT_BYTES + REQUEST_TEXT_BYTES - reader.textLeft
  return bytes >= LARGE_REQUEST_BYTES ? bytes : 0
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
