import type { AnyApi, RequestOf, ResponseInitOf } from '@ottla/protocol'

/** What is known of the connection that a request came in on. */
export interface ConnectionFacts {
  readonly id: number
  /** Name of the listener, for the advertised addresses in answers. */
  readonly listener: string
  readonly remoteAddress: string
  /** From ApiVersions 3 on (KIP-511); 'unknown' before that. */
  clientSoftwareName: string
  clientSoftwareVersion: string
  /** Runs `run` once when the connection closes, at once if it is closed; the returned function takes it back. */
  onClose(run: () => void): () => void
  /** Closes at once, whatever is owed. */
  destroy(): void
}

/** What a handler knows of a request besides its body. */
export interface RequestContext {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly connection: ConnectionFacts
  /** Monotonic milliseconds at which the last byte of the request arrived. */
  readonly receivedAtMs: number
  readonly sizeBytes: number
  /**
   * Called within `handle`: the bytes of `records` fields stay valid until the returned function is called, once. Null, or not there, where
   * the memory is shared: what is needed later must be copied.
   */
  keep?(): (() => void) | null
}

/**
 * A response that refers to bytes on loan, such as pooled read buffers. `release` is called exactly once: when the bytes have
 * left, or as soon as it is known that they never will. It may be called within the handler's own turn.
 */
export class Loaned<R> {
  readonly body: R
  readonly release: () => void
  constructor(body: R, release: () => void) {
    this.body = body
    this.release = release
  }
}

/** A response, or none (acks=0). */
export type Reply<R> = R | Loaned<R> | null

/**
 * A reply in two steps: the next request of the connection may begin once `ordered` settles (null: at once), while replies
 * still leave in request order. A produce is ordered as soon as it is appended. `ordered` never rejects.
 */
export class Ordered<R> {
  readonly ordered: Promise<void> | null
  readonly reply: Promise<Reply<R>>
  constructor(reply: Promise<Reply<R>>, ordered: Promise<void> | null = null) {
    this.reply = reply
    this.ordered = ordered
  }
}

/**
 * The reply, now or later. A handler that answers at once costs no turn of the loop; while a promise is pending, the next
 * request of the connection waits. A thrown or rejected KafkaError is answered by `onError`; without it, and for any other
 * error, the connection is closed with a log line.
 */
export type Outcome<R> = Reply<R> | Promise<Reply<R>> | Ordered<R>

/** Goes on with something that may be there already, at once where it is. */
export const afterwards = <T, R>(something: T | Promise<T>, next: (something: T) => R): R | Promise<R> =>
  something instanceof Promise ? something.then(next) : next(something)

/**
 * Serves one API. The bytes of `records` fields, and buffers made of them, are only valid until `handle` has returned (the
 * memory is shared by all connections): what is needed later must be kept (`RequestContext.keep`) or copied. All other fields are the handler's to keep.
 */
export interface Handler<A extends AnyApi> {
  readonly api: A
  /** Lowest and highest version served. Another version closes the connection, as in Kafka; only ApiVersions is answered. */
  readonly versions: readonly [number, number]
  /** What ApiVersions says, where it differs: Produce is advertised from 0 (KAFKA-18659). */
  readonly advertised?: readonly [number, number]
  handle(request: RequestOf<A>, context: RequestContext): Outcome<ResponseInitOf<A>>
  /** The whole response for an error that concerns all of it. */
  onError?(code: number, request: RequestOf<A>, context: RequestContext): ResponseInitOf<A>
}

/** A handler of any API, as the list of handlers holds them. */
export type AnyHandler = Handler<AnyApi>

/** Gives a handler its types. */
export const handler = <A extends AnyApi>(definition: Handler<A>): Handler<A> => definition
