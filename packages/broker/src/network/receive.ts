// How bytes come from a socket. Node hands out reads into the caller's own buffer (`onread`) for sockets that connect, but
// `net.createServer` ignores the option (Node 20 to 26). The handle of an accepted socket can be moved into a new socket that
// has it, which is undocumented: so it happens in this file alone, and where it fails the socket's 'data' events are used.
import { Socket } from 'node:net'
import type { ByteStream } from './connection.ts'

/** 'slab': read into buffers that the receiver names. 'data': buffers that Node makes, one a read. */
export type ReceiveWay = 'slab' | 'data'

/** Whoever takes the bytes of one socket. */
export interface ByteSink {
  /** The buffer for the next read; asked for after each `received`. */
  target(): Buffer
  /** `size` bytes at the start of `buffer`, valid until it returns: `buffer` is the last `target()` or one that Node made. */
  received(buffer: Buffer, size: number): void
}

const HANDLE = '_handle'

interface OnreadOptions {
  handle: object
  allowHalfOpen: boolean
  onread: { buffer: () => Buffer; callback: (size: number, buffer: Buffer) => boolean }
}

/**
 * Starts to deliver the bytes of a socket that a server accepted with `pauseOnConnect`. Returns the socket to use from now on
 * and the way that was taken. Reading is started by `resume()` and interrupted by `pause()`.
 */
export function openReceiver(accepted: ByteStream, sink: ByteSink, wanted: ReceiveWay): { socket: ByteStream; way: ReceiveWay } {
  const socket = wanted === 'slab' ? takeOver(accepted, sink) : null
  if (socket !== null) return { socket, way: 'slab' }
  accepted.on('data', chunk => {
    if (Buffer.isBuffer(chunk)) sink.received(chunk, chunk.length)
  })
  return { socket: accepted, way: 'data' }
}

/** Moves the handle to a socket that reads into the sink's buffers; null where this Node has no such handle. */
function takeOver(accepted: ByteStream, sink: ByteSink): Socket | null {
  const handle: unknown = Reflect.get(accepted, HANDLE)
  if (typeof handle !== 'object' || handle === null || !('useUserBuffer' in handle)) return null
  const options: OnreadOptions = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: () => sink.target(),
      callback(size, buffer) {
        sink.received(buffer, size)
        return true
      },
    },
  }
  const socket = new Socket(options)
  // The former socket lets go of the handle before it is destroyed, so that only its own books are closed.
  Reflect.set(accepted, HANDLE, null)
  accepted.destroy()
  return socket
}

/** Bytes written to the socket that the system has not taken; 0 where this Node does not say. */
export function unsentBytes(socket: ByteStream): number {
  const handle: unknown = Reflect.get(socket, HANDLE)
  if (typeof handle !== 'object' || handle === null || !('writeQueueSize' in handle)) return 0
  return typeof handle.writeQueueSize === 'number' ? handle.writeQueueSize : 0
}
