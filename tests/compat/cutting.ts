// A connection that ends as it does when a broker is killed, at a moment that is chosen: clients connect to a port of this process, which passes
// everything on to the broker and back until it is told to cut.
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Where a request says which API it is for. */
const API_KEY_AT = 4

/** See the top of the file. */
export class Cutting implements AsyncDisposable {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #cutsRequest: ((apiKey: number) => boolean) | undefined
  #cutsReply: ((bytes: number) => boolean) | undefined

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  static async before(brokerPort: number): Promise<Cutting> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const cutting = new Cutting(server, address.port)
    server.on('connection', client => cutting.#pass(client, connect(brokerPort, '127.0.0.1')))
    return cutting
  }

  /** Ends the connection (FIN) over which the next request of an API comes, unanswered; resolves then. */
  atRequest(apiKey: number): Promise<void> {
    return new Promise(resolve => {
      this.#cutsRequest = key => {
        if (key !== apiKey) return false
        this.#cutsRequest = undefined
        resolve()
        return true
      }
    })
  }

  /** Resets the connection (RST) over which the next bytes of a reply come that are so many, when half of them were passed on; resolves then. */
  inReply(leastBytes: number): Promise<void> {
    return new Promise(resolve => {
      this.#cutsReply = bytes => {
        if (bytes < leastBytes) return false
        this.#cutsReply = undefined
        resolve()
        return true
      }
    })
  }

  #pass(client: Socket, broker: Socket): void {
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        if (!other.writableEnded) other.destroy()
      })
    }
    client.on('data', bytes => {
      if (bytes.length < API_KEY_AT + 2 || this.#cutsRequest?.(bytes.readInt16BE(API_KEY_AT)) !== true) {
        broker.write(bytes)
        return
      }
      client.end()
      broker.destroy()
    })
    broker.on('data', bytes => {
      if (this.#cutsReply?.(bytes.length) !== true) {
        client.write(bytes)
        return
      }
      broker.removeAllListeners('data').removeAllListeners('close').destroy()
      // What was passed on is read before the reset is seen.
      client.write(bytes.subarray(0, bytes.length / 2), () => setTimeout(() => client.resetAndDestroy(), 100))
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
