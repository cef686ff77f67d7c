// Aids for tests of the network: real time, a logger that remembers, a client that speaks frames.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import type { Clock, Logger } from '@ottla/protocol'
import type { Connection, RequestService } from './connection.ts'
import type { ListenerOptions } from './listener.ts'
import { Listener } from './listener.ts'
import type { SocketServerOptions } from './socket-server.ts'
import { SocketServer } from './socket-server.ts'

/** Real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Keeps every line: level, message and fields. */
export class LoggedLines implements Logger {
  readonly lines: { level: string; message: string; fields: object }[] = []

  get text(): string {
    return this.lines.map(line => `${line.level}: ${line.message}`).join('\n')
  }

  debug(fields: object, message: string): void {
    this.lines.push({ level: 'debug', message, fields })
  }
  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', message, fields })
  }
  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', message, fields })
  }
  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', message, fields })
  }
  child(): Logger {
    return this
  }
}

/** Answers each request with its own bytes. */
export const echo: RequestService = {
  serve(connection: Connection, buffer: Buffer, at: number, end: number) {
    connection.send([framed(buffer.subarray(at, end))], null)
  },
}

/** Bytes behind their length. */
export function framed(bytes: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(4 + bytes.length)
  frame.writeInt32BE(bytes.length, 0)
  bytes.copy(frame, 4)
  return frame
}

/** A connection that sends bytes and receives frames. */
export class FrameClient {
  readonly socket: Socket
  readonly frames: Buffer[] = []
  closed = false
  #chunks: Buffer[] = []
  #size = 0
  #wanted = 4
  #changed: (() => void)[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', chunk => this.#take(typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.closed = true
      this.#notify()
    })
  }

  static async open(port: number): Promise<FrameClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new FrameClient(socket)
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  /** Waits until as many frames have come, or throws when the connection closes first. */
  async receive(count: number): Promise<Buffer[]> {
    await this.until(() => this.frames.length >= count || this.closed)
    if (this.frames.length < count) throw new Error(`closed after ${this.frames.length} of ${count} frames`)
    return this.frames
  }

  /** Waits until the broker has closed the connection. */
  async end(): Promise<void> {
    await this.until(() => this.closed)
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => this.#changed.push(resolve))
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#wanted) return
    let bytes = Buffer.concat(this.#chunks)
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
      const end = 4 + bytes.readInt32BE(0)
      this.frames.push(bytes.subarray(4, end))
      bytes = bytes.subarray(end)
    }
    this.#chunks = [bytes]
    this.#size = bytes.length
    this.#wanted = bytes.length >= 4 ? 4 + bytes.readInt32BE(0) : 4
    this.#notify()
  }

  #notify(): void {
    const waiting = this.#changed
    this.#changed = []
    for (const resolve of waiting) resolve()
  }
}

/** A listener on a free port of the loopback, with what it needs. */
export class TestServer {
  readonly shared: SocketServer
  readonly listener: Listener
  readonly log: LoggedLines
  readonly #clients: FrameClient[] = []

  private constructor(shared: SocketServer, listener: Listener, log: LoggedLines) {
    this.shared = shared
    this.listener = listener
    this.log = log
  }

  static async open(options: Partial<SocketServerOptions> & { listener?: Partial<ListenerOptions> } = {}): Promise<TestServer> {
    const log = new LoggedLines()
    const shared = new SocketServer({ service: echo, clock: systemClock, logger: log, ...options })
    const listener = await Listener.open({ name: 'PLAINTEXT', host: '127.0.0.1', port: 0, ...options.listener }, shared)
    return new TestServer(shared, listener, log)
  }

  async client(): Promise<FrameClient> {
    const client = await FrameClient.open(this.listener.port)
    this.#clients.push(client)
    return client
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.socket.destroy()
    await this.listener.close(0)
    this.shared.close()
  }
}

/** Lets the event loop turn until the condition holds. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>(resolve => setTimeout(resolve, 2))
}
