// The brokers of a cluster: those that metadata tells of, and those a client begins with.
import type { Timer } from '@ottla/protocol'
import { KafkaJSBrokerNotFound, KafkaJSConnectionClosedError, KafkaJSConnectionError, KafkaJSNonRetriableError } from '../errors/index.ts'
import { asError } from '../network/as-error.ts'
import type { Connection } from '../network/connection.ts'
import type { NetworkOptions, NetworkSettings } from '../network/options.ts'
import { bootstrapAddresses } from './bootstrap.ts'
import type { NodeFacts } from './cluster.ts'
import type { Lane } from './node.ts'
import { Node } from './node.ts'

/** Distance between looks at nodes that are gone and still owe answers. */
const SWEEP_INTERVAL_MS = 1000

/** What the nodes work with. */
export interface NodesParts {
  readonly brokers: NetworkOptions['brokers']
  readonly settings: NetworkSettings
  /** A node was lost or cannot be reached: what is known of it may be old. */
  readonly lost: (nodeId: number | null, error: Error) => void
}

/** Connections to all brokers of a cluster. */
export class Nodes {
  readonly #parts: NodesParts
  #nodes = new Map<number, Node>()
  #seeds = new Map<string, Node>()
  /** Nodes that are gone from the cluster, whose last answers are still awaited. */
  readonly #retired = new Set<Node>()
  #turn: number
  #isClosed = false
  #sweeping: Timer | null = null

  constructor(parts: NodesParts) {
    this.#parts = parts
    this.#turn = Math.floor(parts.settings.random.next() * 1024)
  }

  get isConnected(): boolean {
    return this.#connected().length > 0
  }

  /** Whether a node of this id is known. */
  has(nodeId: number): boolean {
    return this.#nodes.has(nodeId)
  }

  /** Allows connections again after `close`. */
  open(): void {
    this.#isClosed = false
  }

  /** A connection to one node. */
  byId(nodeId: number, lane: Lane): Connection | Promise<Connection> {
    if (this.#isClosed) throw closedError()
    const node = this.#nodes.get(nodeId)
    if (node === undefined) throw new KafkaJSBrokerNotFound(`Broker ${nodeId} is not in the metadata of the cluster`)
    return node.connection(lane)
  }

  /** A connection to any node that can be reached: one that is connected and has the least to answer, if there is one, in turns; bootstrap brokers last. */
  async any(lane: Lane): Promise<Connection> {
    if (this.#isClosed) throw closedError()
    const turn = this.#turn++
    const connected = inTurn(this.#connected(), turn).toSorted((one, other) => one.inFlight(lane) - other.inFlight(lane))
    const failures: Error[] = []
    for (const node of new Set([...connected, ...inTurn([...this.#nodes.values()], turn)])) {
      const connection = await attempt(node, lane, failures)
      if (connection !== null) return connection
    }
    for (const node of inTurn(await this.#bootstrap(), turn)) {
      const connection = await attempt(node, lane, failures)
      if (connection !== null) return connection
    }
    throw summary(failures)
  }

  /** Takes the nodes that metadata tells of; the connections of others are closed once they are idle. */
  take(facts: ReadonlyMap<number, NodeFacts>): void {
    if (this.#isClosed) return
    const former = this.#nodes
    this.#nodes = new Map()
    for (const { nodeId, host, port } of facts.values()) {
      const known = former.get(nodeId)
      if (known?.isAt(host, port) === true) {
        former.delete(nodeId)
        this.#nodes.set(nodeId, known)
      } else {
        this.#nodes.set(nodeId, this.#fresh(nodeId, host, port))
      }
    }
    for (const node of former.values()) this.#retired.add(node)
    if (former.size > 0) this.#planSweep()
  }

  /** Closes everything. */
  close(): void {
    this.#isClosed = true
    this.#sweeping?.cancel()
    this.#sweeping = null
    const error = closedError()
    for (const node of [...this.#nodes.values(), ...this.#seeds.values(), ...this.#retired]) node.close(error)
    this.#nodes.clear()
    this.#seeds.clear()
    this.#retired.clear()
  }

  #connected(): Node[] {
    const nodes = [...this.#nodes.values()].filter(node => node.isConnected)
    return nodes.length > 0 ? nodes : [...this.#seeds.values()].filter(node => node.isConnected)
  }

  #fresh(nodeId: number, host: string, port: number): Node {
    const node = this.#node(nodeId, host, port)
    const key = `${host}:${port}`
    const seed = this.#seeds.get(key)
    if (seed !== undefined) node.adopt(seed)
    return node
  }

  #node(nodeId: number | null, host: string, port: number): Node {
    const { settings, lost } = this.#parts
    return new Node({
      nodeId,
      host,
      port,
      settings,
      opened: () => {
        if (nodeId !== null) this.#planSweep()
      },
      lost: (node, error) => {
        if (!node.isConnected) this.#retired.delete(node)
        if (!this.#isClosed) lost(nodeId, error)
      },
    })
  }

  /** Not at once: whoever has just been given a connection is about to use it, at the end of this turn at the latest. */
  #planSweep(delayMs = 0): void {
    this.#sweeping ??= this.#parts.settings.clock.after(delayMs, () => {
      this.#sweeping = null
      this.#sweep()
      if (this.#retired.size > 0) this.#planSweep(SWEEP_INTERVAL_MS)
    })
  }

  /** Closes connections that serve nobody: to nodes that are gone, and to bootstrap addresses once a node of the cluster is connected. */
  #sweep(): void {
    for (const node of this.#retired) {
      if (!node.isIdle) continue
      this.#retired.delete(node)
      node.close()
    }
    if (![...this.#nodes.values()].some(node => node.isConnected)) return
    for (const [key, node] of this.#seeds) {
      if (!node.isIdle) continue
      this.#seeds.delete(key)
      node.close()
    }
  }

  async #bootstrap(): Promise<Node[]> {
    const addresses = await bootstrapAddresses(this.#parts.brokers)
    if (this.#isClosed) throw closedError()
    return addresses.map(({ host, port }) => {
      const key = `${host}:${port}`
      const node = this.#seeds.get(key) ?? this.#node(null, host, port)
      this.#seeds.set(key, node)
      return node
    })
  }
}

const closedError = (): Error => new KafkaJSConnectionClosedError('Closed connection: the client is disconnected')

function inTurn<T>(values: readonly T[], turn: number): T[] {
  const at = values.length === 0 ? 0 : turn % values.length
  return [...values.slice(at), ...values.slice(0, at)]
}

/** Null where the next one should be tried; what would fail everywhere is thrown. */
async function attempt(node: Node, lane: Lane, failures: Error[]): Promise<Connection | null> {
  try {
    return await node.connection(lane)
  } catch (error) {
    if (error instanceof KafkaJSNonRetriableError) throw error
    failures.push(asError(error))
    return null
  }
}

function summary(failures: readonly Error[]): Error {
  const [first] = failures
  if (first === undefined) return new KafkaJSBrokerNotFound('No broker is known')
  if (failures.length === 1) return first
  const texts = [...new Set(failures.map(error => error.message))].join('; ')
  return new KafkaJSConnectionError(`None of ${failures.length} brokers can be reached: ${texts}`, { cause: first })
}
