// Connections in memory for clients that let a program make their sockets, in the shape of KafkaJS's ISocketFactory.
import type { Socket } from 'node:net'
import type { Host } from '../host/host.ts'
import { MemorySocket } from '../world/memory-socket.ts'

/** What a client gives its socket factory. */
export interface SocketFactoryArgs {
  readonly host: string
  readonly port: number
  readonly ssl?: unknown
  readonly onConnect: () => void
}

/**
 * Makes the socket of a client. What it returns is no net.Socket but a Duplex with the methods that clients call of one; the type says Socket
 * because KafkaJS asks for it.
 */
export type SocketFactory = (args: SocketFactoryArgs) => Socket

/** Connects to the broker, also while it is stopped: then as to a port where nobody listens. */
export function connectTo(host: Host, { onConnect, ssl }: SocketFactoryArgs): Socket {
  const stream = opened(host)
  setImmediate(() => {
    if (stream instanceof Error || (ssl !== undefined && ssl !== null && ssl !== false)) return
    if (stream.destroyed) return
    stream.emit('connect')
    onConnect()
  })
  if (stream instanceof Error) return asSocket(refused(stream))
  if (ssl !== undefined && ssl !== null && ssl !== false) {
    stream.destroy(new Error('the broker under test speaks PLAINTEXT: leave out ssl'))
  }
  return asSocket(stream)
}

const opened = (host: Host): MemorySocket | Error => {
  try {
    const stream = host.connect()
    return stream instanceof MemorySocket ? stream : new Error('there are no connections in memory to a worker thread')
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** A socket that could not connect. */
function refused(cause: Error): MemorySocket {
  const { client } = MemorySocket.pair(0, 0)
  const error = Object.assign(new Error(`connect ECONNREFUSED: ${cause.message}`, { cause }), { code: 'ECONNREFUSED' })
  setImmediate(() => client.destroy(error))
  return client
}

function asSocket(stream: MemorySocket): Socket
function asSocket(stream: unknown): unknown {
  return stream
}
