// Stands between requests and their handlers, beside the broker: takes the requests that a fault is for, and does to them what it says.
import type { AnyHandler, Outcome, Reply, RequestContext } from '@ottla/broker'
import { Loaned, Ordered } from '@ottla/broker'
import type { AnyApi, Clock, Random, RequestOf, ResponseInitOf } from '@ottla/protocol'
import { ErrorCode, fetchApi, metadataApi } from '@ottla/protocol'
import { OWN_CLIENT_ID } from '../wire/wire-client.ts'
import { anyBatch, corrupted } from './corruption.ts'
import { canFail, errorAnswer, withError } from './error-answer.ts'
import { RandomFaults } from './random-faults.ts'
import { matches } from './request-facts.ts'
import type { FaultAction, FaultSpec, RandomFaultSpec } from './specs.ts'

type Request = RequestOf<AnyApi>
type Response = ResponseInitOf<AnyApi>

/** What an engine works with. */
export interface EngineParts {
  readonly clock: Clock
  readonly random: Random
  /** The name of a topic id. */
  readonly nameOf: (topicId: string) => string | undefined
  /** Told of each request that a fault took. */
  readonly onHit: (id: number) => void
}

interface Entry {
  readonly spec: FaultSpec
  seen: number
  hits: number
}

/** One request on its way. */
interface Call {
  readonly handler: AnyHandler
  readonly request: Request
  readonly context: RequestContext
}

/** APIs whose answers a client cannot do without: these are made by the broker, and the error is put into them. */
const answeredAnyway: ReadonlySet<string> = new Set(['Metadata', 'DescribeCluster', 'ApiVersions'])

const sessionErrors: ReadonlySet<number> = new Set([
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
  ErrorCode.INCONSISTENT_TOPIC_ID,
])

/** See the top of the file. */
export class FaultEngine {
  /** Requests that came. */
  requests = 0
  readonly #parts: EngineParts
  #entries: Entry[] = []
  #random: RandomFaults[] = []
  /** Fetch sessions that were ended so that the next fetch names its partitions. */
  readonly #endedSessions = new Set<unknown>()

  /** Requests that a fault holds up. */
  readonly #waiting = new Set<{ readonly id: number; end(): void }>()

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  /** The handlers with this in front of them. */
  readonly wrap = (handlers: readonly AnyHandler[]): readonly AnyHandler[] =>
    handlers.map(handler => ({
      ...handler,
      handle: (request: Request, context: RequestContext) => this.#handle({ handler, request, context }),
    }))

  add(spec: FaultSpec): void {
    this.#entries.push({ spec, seen: 0, hits: 0 })
  }

  addRandom(spec: RandomFaultSpec): void {
    this.#random.push(new RandomFaults(spec))
  }

  remove(id: number): void {
    this.#entries = this.#entries.filter(({ spec }) => spec.id !== id)
    this.#random = this.#random.filter(({ spec }) => spec.id !== id)
    for (const waiting of this.#waiting) if (waiting.id === id) waiting.end()
  }

  clear(): void {
    this.#entries = []
    this.#random = []
    this.#endedSessions.clear()
    for (const waiting of this.#waiting) waiting.end()
  }

  #handle(call: Call): Outcome<Response> {
    this.requests++
    const { context, handler, request } = call
    if ((this.#entries.length === 0 && this.#random.length === 0) || context.clientId === OWN_CLIENT_ID)
      return handler.handle(request, context)
    if (this.#looksAtSession(call)) return { throttleTimeMs: 0, errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, responses: [] }
    const entry = this.#taken(call)
    if (entry !== undefined) return this.#act(call, entry.spec.action, { id: entry.spec.id, hit: () => this.#hit(entry) })
    for (const random of this.#random) {
      const action = random.actionFor(handler.api.name)
      const hit = (): void => this.#parts.onHit(random.spec.id)
      if (action?.kind === 'corrupt') return changed(handler.handle(request, context), reply => corruptedAny(reply, hit))
      if (action !== undefined) return this.#act(call, action, { id: random.spec.id, hit })
    }
    return handler.handle(request, context)
  }

  /** An incremental fetch names no partitions: where a fault has to see them, the client is made to send a full one, once. */
  #looksAtSession({ context, handler, request }: Call): boolean {
    const { sessionEpoch, sessionId } = request
    if (handler.api.key !== fetchApi.key || typeof sessionEpoch !== 'number' || sessionEpoch <= 0) return false
    if (Array.isArray(request['topics']) && request['topics'].length > 0) return false
    const isWanted = this.#entries.some(
      ({ hits, spec }) =>
        hits < spec.times &&
        (spec.api === 'Fetch' || spec.api === null) &&
        (spec.action.kind === 'error' || spec.filter.topic !== undefined || spec.filter.partition !== undefined) &&
        spec.action.kind !== 'corrupt' &&
        (spec.filter.clientId === undefined || spec.filter.clientId === context.clientId),
    )
    if (!isWanted || this.#endedSessions.has(sessionId)) return false
    this.#endedSessions.add(sessionId)
    return true
  }

  /** The first fault whose turn this request is. */
  #taken({ context, handler, request }: Call): Entry | undefined {
    let taken: Entry | undefined
    for (const entry of this.#entries) {
      const { api, filter, nth, times } = entry.spec
      if (api !== null && api !== handler.api.name) continue
      // What a batch of records in the answer is of, only the answer tells.
      const { partition: _partition, topic: _topic, ...others } = filter
      const looked = entry.spec.action.kind === 'corrupt' ? others : filter
      if (!matches(request, { clientId: context.clientId, filter: looked, nameOf: this.#parts.nameOf })) continue
      if (entry.spec.action.kind !== 'corrupt') entry.seen++
      if (taken === undefined && entry.hits < times && (entry.spec.action.kind === 'corrupt' || entry.seen >= nth)) taken = entry
    }
    return taken
  }

  #hit(entry: Entry): void {
    entry.hits++
    this.#parts.onHit(entry.spec.id)
  }

  #act(call: Call, action: FaultAction, { hit, id }: { readonly id: number; readonly hit: () => void }): Outcome<Response> {
    const { context, handler, request } = call
    switch (action.kind) {
      case 'error':
        return this.#refuse(call, action.code, hit)
      case 'delay':
        hit()
        return this.#later(call, { id, delayMs: action.delayMs + this.#parts.random.next() * action.jitterMs })
      case 'drop':
        hit()
        if (action.when === 'after') return changed(handler.handle(request, context), () => closed(context))
        return closed(context)
      case 'hang':
        hit()
        return new Ordered<Response>(this.#held(handler.handle(request, context), { call, id }))
      default:
        return changed(handler.handle(request, context), reply => this.#corrupt(call, reply))
    }
  }

  #refuse({ context, handler, request }: Call, code: number, hit: () => void): Outcome<Response> {
    const { api } = handler
    const making = { version: context.apiVersion, code }
    hit()
    if (answeredAnyway.has(api.name)) {
      return changed(handler.handle(request, context), reply =>
        reply === null ? null : topLevel(api, withError(api, reply, making), code),
      )
    }
    // Nobody waits for the answer to a produce without acknowledgement; a broker closes the connection then, as it does where the
    // protocol has no place for an error.
    if (!canFail(api, context.apiVersion) || (api.name === 'Produce' && request['acks'] === 0)) return closed(context)
    return topLevel(api, errorAnswer(api, request, making), code)
  }

  /** Records lie in memory that is used again as soon as a handler returns, so they are copied. */
  async #later(call: Call, { delayMs, id }: { readonly delayMs: number; readonly id: number }): Promise<Reply<Response>> {
    const copy = withOwnBuffers(call.request)
    await this.#until(call, id, delayMs)
    return settledWith(call.handler.handle(copy, call.context))
  }

  async #held(outcome: Outcome<Response>, { call, id }: { readonly call: Call; readonly id: number }): Promise<Reply<Response>> {
    const reply = await settledWith(outcome)
    await this.#until(call, id, null)
    return reply
  }

  /** Resolves after a delay, when the fault is lifted, or when the connection closes. */
  #until({ context }: Call, id: number, delayMs: number | null): Promise<void> {
    return new Promise(resolve => {
      const waiting = { id, end: (): void => undefined }
      const timer = delayMs === null ? undefined : this.#parts.clock.after(delayMs, () => waiting.end())
      const forget = context.connection.onClose(() => waiting.end())
      waiting.end = () => {
        timer?.cancel()
        forget()
        this.#waiting.delete(waiting)
        resolve()
      }
      this.#waiting.add(waiting)
    })
  }

  #corrupt({ context }: Call, reply: Response | null): Response | null {
    if (reply === null) return null
    for (const entry of this.#entries) {
      const { action, filter, nth, times } = entry.spec
      if (action.kind !== 'corrupt' || entry.hits >= times) continue
      if (filter.clientId !== undefined && filter.clientId !== context.clientId) continue
      const { nameOf } = this.#parts
      const answer = corrupted(reply, {
        topic: ({ topic, topicId }) => filter.topic === undefined || filter.topic === (topic || nameOf(String(topicId))),
        partition: index => filter.partition === undefined || filter.partition === index,
      })
      if (answer === undefined) continue
      entry.seen++
      if (entry.seen < nth) continue
      this.#hit(entry)
      return answer
    }
    return reply
  }
}

/** Where parts of an answer hold an error, the answer as a whole is no failure; but for sessions of Fetch, which are all of it. */
function topLevel(api: AnyApi, answer: Response, code: number): Response {
  const parts = api.key === fetchApi.key ? answer['responses'] : api.key === metadataApi.key ? answer['topics'] : undefined
  const isWhole = !Array.isArray(parts) || parts.length === 0 || sessionErrors.has(code)
  return isWhole ? answer : { ...answer, errorCode: ErrorCode.NONE }
}

const closed = (context: RequestContext): null => {
  context.connection.destroy()
  return null
}

const corruptedAny = (reply: Response | null, hit: () => void): Response | null => {
  const answer = reply === null ? undefined : corrupted(reply, anyBatch)
  if (answer !== undefined) hit()
  return answer ?? reply
}

const settledWith = async (outcome: Outcome<Response>): Promise<Reply<Response>> => {
  const reply = await outcome
  return reply instanceof Ordered ? reply.reply : reply
}

/** The outcome with another reply. What was on loan is given back when the new reply has left, or at once where there is none. */
function changed(outcome: Outcome<Response>, change: (body: Response | null) => Response | null): Outcome<Response> {
  const apply = (reply: Reply<Response>): Reply<Response> => {
    if (!(reply instanceof Loaned)) return change(reply)
    const body = change(reply.body)
    if (body !== null) return new Loaned(body, reply.release)
    reply.release()
    return null
  }
  if (outcome instanceof Ordered) return new Ordered(outcome.reply.then(apply), outcome.ordered)
  return outcome instanceof Promise ? outcome.then(apply) : apply(outcome)
}

/** A copy of a message whose buffers are its own. */
function withOwnBuffers(value: Request): Request
function withOwnBuffers(value: unknown): unknown
function withOwnBuffers(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (Array.isArray(value)) return value.map(withOwnBuffers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, withOwnBuffers(field)]))
}
