// Sockets to brokers: Node's own, or whatever a program's `socketFactory` makes (KafkaJS's ISocketFactory), in-memory streams included.
import { connect as connectTcp, isIP, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls'

const KEEP_ALIVE_DELAY_MS = 60_000
const LEAST_ATTEMPT_MS = 250

/** What a socket factory is given. It calls `onConnect` once the stream can be written to. */
export interface ISocketFactoryArgs {
  host: string
  port: number
  ssl: TlsOptions
  onConnect: () => void
}

/** Makes the stream to a broker: a socket, or any duplex stream. */
export type ISocketFactory = (args: ISocketFactoryArgs) => Socket | Duplex

/** Where reads are to land, for sockets that can do so. */
export interface ReadTarget {
  target(): Buffer
  landed(size: number): void
  received(chunk: Buffer): void
}

/** What a socket is made of. */
export interface SocketOptions {
  readonly host: string
  readonly port: number
  readonly ssl: TlsOptions | null
  readonly connectionTimeoutMs: number
  readonly onConnect: () => void
  readonly reads: ReadTarget
}

/** Connects to a broker; reads are handed to `reads`, without a copy where they can be. */
export function openSocket({ host, port, ssl, connectionTimeoutMs, onConnect, reads }: SocketOptions): Socket {
  const onread = {
    buffer: () => reads.target(),
    callback(size: number): boolean {
      reads.landed(size)
      return true
    },
  }
  // Of a name with several addresses, the first gets half of the time; Node's own 250 ms are too short for far away brokers.
  const patience = { autoSelectFamilyAttemptTimeout: Math.max(LEAST_ATTEMPT_MS, connectionTimeoutMs / 2) }
  if (ssl === null) return tuned(connectTcp({ host, port, noDelay: true, onread, ...patience }, onConnect))
  const socket = connectTls({ host, port, ...patience, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
  socket.on('data', (chunk: Buffer) => reads.received(chunk))
  return tuned(socket)
}

/** The same by a factory of the program. */
export function openForeignSocket(factory: ISocketFactory, { host, port, ssl, onConnect, reads }: SocketOptions): Duplex {
  // KafkaJS's type leaves out that there is no `ssl` on plaintext connections.
  const source: { open(args: Omit<ISocketFactoryArgs, 'ssl'> & { ssl: TlsOptions | null }): Duplex } = { open: factory }
  const socket = source.open({ host, port, ssl, onConnect })
  socket.on('data', (chunk: Buffer) => reads.received(chunk))
  if (socket instanceof Socket) socket.setNoDelay(true)
  return socket
}

function tuned(socket: Socket): Socket {
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
  return socket
}
