// Between a client and a broker: a test changes what the broker answers, byte for byte.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { BATCH_HEADER_BYTES, crc32c } from '@ottla/protocol'

/** A proxy that runs; clients take its socket factory. */
export interface FrameProxy extends AsyncDisposable {
  socketFactory(this: void, args: { readonly onConnect: () => void }): Socket
}

/** Starts a proxy of the broker. `change` is given each answer without its length, and may write into it. */
export async function frameProxy(brokerPort: number, change: (answer: Buffer) => void): Promise<FrameProxy> {
  const sockets = new Set<Socket>()
  const kept = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
  }
  const server = createServer(client => {
    const broker = kept(connect(brokerPort, '127.0.0.1'))
    kept(client).pipe(broker)
    client.on('close', () => broker.destroy())
    broker.on('close', () => client.destroy())
    let rest: Buffer = Buffer.alloc(0)
    broker.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes])
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const end = 4 + rest.readInt32BE(0)
        change(rest.subarray(4, end))
        client.write(Buffer.from(rest.subarray(0, end)))
        rest = rest.subarray(end)
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    socketFactory: ({ onConnect }) => connect(address.port, '127.0.0.1', onConnect),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Where the length, the checksum, the attributes and the count of records of a batch lie in it. */
const lengthAt = 8
const crcAt = 17
const attributesAt = 21

/** Changes the batch of which `marker` is in the first record. */
export function changeBatch(answer: Buffer, marker: string, change: (batch: Buffer) => void): void {
  const found = answer.indexOf(marker)
  if (found === -1) return
  // A batch begins at most so far before the value of its first record as its header and the front of a record are long.
  for (let at = found - BATCH_HEADER_BYTES; at >= Math.max(0, found - BATCH_HEADER_BYTES - 32); at--) {
    const batch = answer.subarray(at, at + 12 + answer.readInt32BE(at + lengthAt))
    if (batch.length >= BATCH_HEADER_BYTES && crc32c(batch.subarray(attributesAt)) === batch.readUInt32BE(crcAt)) return change(batch)
  }
}

/** A change after which the checksum is right. */
const checked =
  (change: (batch: Buffer) => void) =>
  (batch: Buffer): void => {
    change(batch)
    batch.writeUInt32BE(crc32c(batch.subarray(attributesAt)), crcAt)
  }

/** Says of a batch that it is compressed by a codec that there is not. */
export const withUnknownCodec = checked(batch => batch.writeInt16BE(batch.readInt16BE(attributesAt) | 7, attributesAt))

/** Says of a batch that it is compressed by gzip, which it is not. */
export const withWrongCodec = checked(batch => batch.writeInt16BE(batch.readInt16BE(attributesAt) | 1, attributesAt))

/** Makes the first record longer than its batch. */
export const withLongRecord = checked(batch => batch.writeUInt8(0x7e, BATCH_HEADER_BYTES))

/** Changes a byte, and leaves the checksum as it was. */
export const withWrongChecksum = (batch: Buffer): void => void batch.writeUInt8(batch.readUInt8(batch.length - 1) ^ 1, batch.length - 1)
