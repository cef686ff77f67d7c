// One broker and the connections to it. A broker handles the requests of a connection one after the other, so what waits there on purpose
// (fetches; joins of groups) has connections of its own, and keeps nobody else waiting: not even the leaving of a member that still joins.
import type { AnyApi } from '@ottla/protocol'
import { Connection } from '../network/connection.ts'
import { asError } from '../network/as-error.ts'
import type { NetworkSettings } from '../network/options.ts'
import { delay } from '../retry.ts'

/** Which of a node's connections. */
export type Lane = 'main' | 'fetch' | 'group'

const lanes: Readonly<Record<string, Lane>> = {
  Fetch: 'fetch',
  ShareFetch: 'fetch',
  ShareAcknowledge: 'fetch',
  JoinGroup: 'group',
  SyncGroup: 'group',
  Heartbeat: 'group',
  ConsumerGroupHeartbeat: 'group',
}

/** The connection that requests of an API take. */
export const laneOf = (api: AnyApi): Lane => lanes[api.name] ?? 'main'

/** Delays between attempts to connect to a broker that could not be reached (reconnect.backoff.ms, reconnect.backoff.max.ms). */
const FIRST_BACKOFF_MS = 50
const LONGEST_BACKOFF_MS = 1000

/** What a node works with. */
export interface NodeParts {
  readonly host: string
  readonly port: number
  /** Null for a bootstrap broker whose id is not known. */
  readonly nodeId: number | null
  readonly settings: NetworkSettings
  /** A connection has been opened. */
  readonly opened: (node: Node) => void
  /** A connection ended that nobody closed, or could not be opened. */
  readonly lost: (node: Node, error: Error) => void
}

/** One broker. */
export class Node {
  readonly #parts: NodeParts
  readonly #open = new Map<Lane, Connection>()
  readonly #opening = new Map<Lane, Promise<Connection>>()
  readonly #ending = new AbortController()
  #failures = 0
  #failedAtMs = 0

  constructor(parts: NodeParts) {
    this.#parts = parts
  }

  get nodeId(): number | null {
    return this.#parts.nodeId
  }
  get isConnected(): boolean {
    for (const connection of this.#open.values()) if (connection.isOpen) return true
    return false
  }
  get isIdle(): boolean {
    if (this.#opening.size > 0) return false
    for (const connection of this.#open.values()) if (connection.inFlight > 0) return false
    return true
  }

  /** How many answers a lane waits for: a broker that hangs has more and more. */
  inFlight(lane: Lane): number {
    return this.#open.get(lane)?.inFlight ?? 0
  }

  isAt(host: string, port: number): boolean {
    return this.#parts.host === host && this.#parts.port === port
  }

  /** The open connection of a lane, else one that is being opened for all who ask. */
  connection(lane: Lane): Connection | Promise<Connection> {
    const open = this.#open.get(lane)
    if (open?.isOpen === true) return open
    const pending = this.#opening.get(lane)
    if (pending !== undefined) return pending
    const opening = this.#connect(lane).finally(() => this.#opening.delete(lane))
    this.#opening.set(lane, opening)
    return opening
  }

  /** Takes over the connections of a bootstrap broker that turned out to be this node. */
  adopt(other: Node): void {
    for (const [lane, connection] of other.#open) this.#keep(lane, connection)
    other.#open.clear()
  }

  /** Closes all connections. */
  close(error?: Error): void {
    this.#ending.abort(error)
    for (const connection of this.#open.values()) connection.close(error)
  }

  async #connect(lane: Lane): Promise<Connection> {
    const { settings, host, port, nodeId } = this.#parts
    const { signal } = this.#ending
    signal.throwIfAborted()
    try {
      await this.#backOff(signal)
      const connection = await Connection.open({ host, port, nodeId }, settings, { signal, again: this.#failures > 0 })
      this.#failures = 0
      this.#keep(lane, connection)
      this.#parts.opened(this)
      return connection
    } catch (error) {
      this.#failures++
      this.#failedAtMs = settings.clock.monotonic()
      if (!signal.aborted) this.#parts.lost(this, asError(error))
      throw error
    }
  }

  async #backOff(signal: AbortSignal): Promise<void> {
    if (this.#failures === 0) return
    const { clock } = this.#parts.settings
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** (this.#failures - 1), LONGEST_BACKOFF_MS)
    const waitMs = this.#failedAtMs + backoffMs - clock.monotonic()
    if (waitMs > 0) await delay(clock, waitMs, signal)
  }

  #keep(lane: Lane, connection: Connection): void {
    this.#open.set(lane, connection)
    connection.nodeId = this.#parts.nodeId
    connection.onClose = error => {
      if (this.#open.get(lane) === connection) this.#open.delete(lane)
      if (!this.#ending.signal.aborted) this.#parts.lost(this, error)
    }
  }
}
