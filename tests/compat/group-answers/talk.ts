// A conversation with a broker about groups, written down so that two brokers can be compared: what is told apart in an answer are the
// error codes, messages, states and names; ids, ports and clock times become placeholders, in the order in which they appear.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AnyApi,
  createTopicsApi,
  metadataApi,
  type RequestInitOf,
  type ResponseOf,
  type Shape,
  within,
  ZERO_UUID,
} from '@ottla/protocol'
import { Wire } from '../wire.ts'

/** An answer as it is compared. */
export interface Answer {
  readonly request: string
  readonly answer: unknown
}

/** Requests about one matter. */
export type Scenario = (talk: Talk) => Promise<void>

/** How long a request may stay unanswered. */
const PATIENCE_MS = 15_000

/** After what brokers do in the background. */
export const SETTLING_MS = 500

const uuid = /[\w.-]*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const kafkaUuid = /^[\w-]{22}$/

/** See the top of the file. */
export class Talk {
  readonly #port: number
  readonly #scope: string
  readonly #connections = new Map<string, Wire>()
  readonly #slots: { request: string; answer: unknown }[] = []

  constructor(port: number, scope: string) {
    this.#port = port
    this.#scope = scope
  }

  /** A name that no other scenario uses. */
  name(of: string): string {
    return `${this.#scope}-${of}`
  }

  /** Sends a request, `on` a connection of that name, and writes its answer down. Null where the connection ends instead. */
  async ask<A extends AnyApi>(
    api: A,
    version: number,
    body: RequestInitOf<A>,
    { note = '', on = 'first' }: { note?: string; on?: string } = {},
  ): Promise<ResponseOf<A> | null> {
    const slot = { request: `${api.name} v${version}${note === '' ? '' : `: ${note}`}`, answer: 'closed' as unknown }
    this.#slots.push(slot)
    const wire = await this.#wire(on)
    const patience = AbortSignal.timeout(PATIENCE_MS)
    const silence = new Promise<never>((_, reject) => {
      patience.addEventListener('abort', () => reject(new Error(`no answer to ${slot.request}`)))
    })
    try {
      const answer = await Promise.race([wire.ask(api, version, trimmed(api, version, body)), silence])
      slot.answer = answer
      return answer
    } catch (error) {
      if (!/closed the connection/.test(String(error))) slot.answer = `unanswered: ${error instanceof Error ? error.message : ''}`
      this.#connections.delete(on)
      await wire[Symbol.asyncDispose]()
      return null
    }
  }

  /** The same in every version of an API, and what came of it. */
  async each<A extends AnyApi>(
    api: A,
    body: RequestInitOf<A> | ((version: number) => RequestInitOf<A>),
    options: { note?: string; on?: string; from?: number; to?: number } = {},
  ): Promise<void> {
    for (const version of versionsOf(api)) {
      if (version < (options.from ?? 0) || version > (options.to ?? version)) continue
      await this.ask(api, version, typeof body === 'function' ? body(version) : body, options)
    }
  }

  /** Creates a topic and resolves with its id, unwritten. */
  async topic(of: string, numPartitions = 1): Promise<{ name: string; id: string }> {
    const wire = await this.#wire('topics')
    const name = this.name(of)
    await wire.ask(createTopicsApi, 7, { topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }] })
    for (;;) {
      const { topics } = await wire.ask(metadataApi, 12, { topics: [{ topicId: ZERO_UUID, name }], allowAutoTopicCreation: false })
      // Kafka's group coordinator learns of it a moment later than its clients.
      await sleep(SETTLING_MS)
      if (topics[0]?.errorCode === 0) return { name, id: topics[0].topicId }
    }
  }

  /** What was said, comparable. */
  answers(): Answer[] {
    const ids = new Map<string, string>()
    const named = (id: string): string => {
      const found = ids.get(id) ?? `<id ${ids.size + 1}>`
      ids.set(id, found)
      return found
    }
    return this.#slots.map(({ request, answer }) => ({
      request,
      answer: placed(
        sorted(answer, id => ids.get(id) ?? '<id>'),
        named,
      ),
    }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wire of this.#connections.values()) await wire[Symbol.asyncDispose]()
  }

  async #wire(on: string): Promise<Wire> {
    const wire = this.#connections.get(on) ?? (await Wire.connect(this.#port))
    this.#connections.set(on, wire)
    return wire
  }
}

/** All versions of an API. */
export function versionsOf(api: AnyApi): number[] {
  const [first = 0, last = first] = api.versions.split('-').map(Number)
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Without the fields that a version does not have, so that one body will do for all. */
function trimmed<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>): RequestInitOf<A>
function trimmed({ request }: AnyApi, version: number, body: unknown): unknown {
  return fieldsOf(request, version, body)
}

function fieldsOf(shape: Shape, version: number, value: unknown): unknown {
  if (!isObject(value)) return value
  const kept = Object.entries(value).filter(([name]) => within(shape[name]?.spec.versions, version))
  return Object.fromEntries(
    kept.map(([name, field]) => {
      const inner = shape[name]?.spec.of?.shape
      return [name, inner !== undefined && Array.isArray(field) ? field.map(item => fieldsOf(inner, version, item)) : field]
    }),
  )
}

type Naming = (id: string) => string

/** Without what depends on the machine; lists in an order of their own, as Kafka's come out of hash tables. */
function sorted(value: unknown, known: Naming, key = ''): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) {
    return value
      .map(item => sorted(item, known))
      .map(item => ({ item, text: JSON.stringify(placed(item, known)) }))
      .toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
      .map(({ item }) => item)
  }
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, sorted(field, known, name)]))
  if (key === 'port' && typeof value === 'number' && value > 0) return '<port>'
  // Of transactions: counted up by the broker.
  if (key === 'producerId' && value !== -1) return '<producer>'
  return value
}

function placed(value: unknown, named: Naming): unknown {
  if (typeof value === 'string') {
    if (kafkaUuid.test(value) && value !== ZERO_UUID && /[A-Z]/.test(value)) return named(value)
    return value.replaceAll(uuid, named)
  }
  if (Array.isArray(value)) return value.map(item => placed(item, named))
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, placed(field, named)]))
  return value
}
