import type { Clock, Logger, Timer } from '@ottla/protocol'
import type { Connection, ConnectionSurroundings, RequestService } from './connection.ts'
import { ConnectionSlots } from './connection-slots.ts'
import { NetworkCounters } from './counters.ts'
import type { NetworkLimits } from './limits.ts'
import { defaultLimits } from './limits.ts'
import { OutputBudget } from './output-budget.ts'
import { RateLimitedLog } from './rate-limited-log.ts'
import type { ReceiveWay } from './receive.ts'
import { RequestMemory } from './request-memory.ts'
import { Turns } from './turns.ts'

const LANDING_BYTES = 256 * 1024
const SWEEP_MS = 1000

/** What a SocketServer is made of. */
export interface SocketServerOptions {
  readonly service: RequestService
  readonly clock: Clock
  readonly logger: Logger
  readonly counters?: NetworkCounters
  readonly limits?: Partial<NetworkLimits>
  /** 'slab' unless said otherwise; falls back to 'data' by itself. */
  readonly receive?: ReceiveWay
}

/** What the listeners of one broker share: limits, memory, connections, and the one sweep over them. */
export class SocketServer {
  readonly counters: NetworkCounters
  readonly log: RateLimitedLog
  readonly logger: Logger
  readonly slots: ConnectionSlots
  readonly memory: RequestMemory
  readonly connections = new Set<Connection>()
  readonly surroundings: ConnectionSurroundings
  readonly #clock: Clock
  readonly #limits: NetworkLimits
  #unflushed: Connection[] = []
  #sweep: Timer
  #nextId = 1

  constructor(options: SocketServerOptions) {
    this.counters = options.counters ?? new NetworkCounters()
    this.logger = options.logger
    this.log = new RateLimitedLog(options.logger, options.clock)
    this.#clock = options.clock
    this.#limits = { ...defaultLimits, ...options.limits }
    this.slots = new ConnectionSlots(this.#limits)
    this.memory = new RequestMemory(this.#limits.queuedRequestBytes)
    this.surroundings = {
      service: options.service,
      clock: options.clock,
      limits: this.#limits,
      turns: new Turns(options.clock, this.#limits),
      memory: this.memory,
      output: new OutputBudget(this.#limits, this.connections, () => options.clock.monotonic()),
      landing: Buffer.allocUnsafeSlow(LANDING_BYTES),
      logger: options.logger,
      log: this.log,
      receive: options.receive ?? 'slab',
      flushLater: connection => this.#flushLater(connection),
    }
    this.#sweep = this.#planSweep()
  }

  get limits(): Readonly<NetworkLimits> {
    return this.#limits
  }

  /** Changes limits of a running broker. Connections that are there stay, whatever the new number. */
  setLimits(limits: Partial<NetworkLimits>): void {
    Object.assign(this.#limits, limits)
    this.memory.limitBytes = this.#limits.queuedRequestBytes
  }

  /** A number that no other connection of this broker has. */
  nextConnectionId(): number {
    return this.#nextId++
  }

  /** Stops the sweep. To be called when all listeners are closed. */
  close(): void {
    this.#sweep.cancel()
    this.memory.trim()
  }

  /**
   * Ticks run when all promise callbacks that were due have run, so replies that became ready by one event (a write of a
   * log, say) leave together.
   */
  #flushLater(connection: Connection): void {
    if (this.#unflushed.push(connection) > 1) return
    process.nextTick(() => {
      const unflushed = this.#unflushed
      this.#unflushed = []
      for (const one of unflushed) one.flush()
    })
  }

  #planSweep(): Timer {
    return this.#clock.after(SWEEP_MS, () => {
      const now = this.#clock.monotonic()
      for (const connection of this.connections) connection.sweep(now)
      this.surroundings.output.enforce()
      this.log.sweep()
      this.#sweep = this.#planSweep()
    })
  }
}
