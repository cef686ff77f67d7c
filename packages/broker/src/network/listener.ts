import type { Server } from 'node:net'
import { createServer } from 'node:net'
import { type ByteStream, Connection } from './connection.ts'
import { plainAddress } from './connection-slots.ts'
import type { ListenerCounters } from './counters.ts'
import type { SocketServer } from './socket-server.ts'

/** Where and under which name to listen. */
export interface ListenerOptions {
  /** Name of the listener as in `listeners`, such as PLAINTEXT or EXTERNAL. */
  readonly name: string
  /** Address or host name to bind; empty or absent means all. */
  readonly host?: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Connections that may wait to be accepted [socket.listen.backlog.size]. */
  readonly backlog?: number
  /** Connections of this listener [listener.name.x.max.connections]. */
  readonly maxConnections?: number
}

/** One listening socket and its connections. */
export class Listener {
  readonly name: string
  /** What it is bound to; the port is the one that the system chose where 0 was asked for. */
  readonly host: string
  readonly port: number
  readonly #server: Server | null
  readonly #shared: SocketServer
  readonly #counters: ListenerCounters
  readonly #maxConnections: number
  readonly #connections = new Set<Connection>()
  #closing: (() => void) | null = null

  /** Binds and starts to accept. Rejects with the system's error (EADDRINUSE, EACCES, ENOTFOUND, ...). */
  static async open(options: ListenerOptions, shared: SocketServer): Promise<Listener> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      const host = options.host === '' ? undefined : options.host
      server.listen({ port: options.port, host, backlog: options.backlog ?? 511 }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('not bound to a TCP port')
    return new Listener(server, { ...options, host: bound.address, port: bound.port }, shared)
  }

  /** A listener that binds nothing: its connections come by `accept`. */
  static unbound(options: ListenerOptions, shared: SocketServer): Listener {
    return new Listener(null, options, shared)
  }

  private constructor(server: Server | null, options: ListenerOptions, shared: SocketServer) {
    this.name = options.name
    this.host = options.host ?? ''
    this.port = options.port
    this.#server = server
    this.#shared = shared
    this.#maxConnections = options.maxConnections ?? Number.POSITIVE_INFINITY
    this.#counters = shared.counters.listener(options.name)
    server?.on('connection', socket => this.accept(socket))
    server?.on('error', error =>
      shared.log.warn('accept', { listener: this.name, err: error }, `Cannot accept connections: ${error.message}`),
    )
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#connections.size
  }

  /** Stops accepting, lets requests that have begun finish for up to `deadlineMs`, then closes what is left. */
  async close(deadlineMs = 5000): Promise<void> {
    const server = this.#server
    const stopped = server === null ? null : new Promise<void>(resolve => server.close(() => resolve()))
    for (const connection of this.#connections) connection.drain()
    if (this.#connections.size > 0) {
      await new Promise<void>(resolve => {
        const deadline = this.#shared.surroundings.clock.after(deadlineMs, resolve)
        this.#closing = () => {
          deadline.cancel()
          resolve()
        }
      })
      for (const connection of this.#connections) connection.destroy()
    }
    await stopped
  }

  /** Serves a connection: one that the listening socket accepted, or any other stream of bytes. */
  accept(socket: ByteStream): void {
    const address = plainAddress(socket.remoteAddress)
    const refused =
      this.#connections.size >= this.#maxConnections
        ? `the listener already has its ${this.#maxConnections} connections`
        : this.#shared.slots.take(address)
    if (refused !== null) {
      this.#counters.rejected++
      this.#shared.log.warn('rejected', { listener: this.name, client: address }, `Connection turned away: ${refused}`)
      socket.destroy()
      return
    }
    const id = this.#shared.nextConnectionId()
    const options = { id, listener: this.name, remoteAddress: address, counters: this.#counters }
    const connection = new Connection(socket, options, this.#shared.surroundings)
    this.#counters.accepted++
    this.#counters.connections++
    this.#connections.add(connection)
    this.#shared.connections.add(connection)
    connection.onClose(() => this.#gone(connection))
  }

  #gone(connection: Connection): void {
    this.#counters.connections--
    this.#connections.delete(connection)
    this.#shared.connections.delete(connection)
    this.#shared.slots.give(connection.remoteAddress)
    if (this.#connections.size === 0) this.#closing?.()
  }
}
