// One connection with many requests under way, answered in order: cheap enough to play thousands of clients.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type AnyApi, encodeRequest, type RequestInitOf, type ResponseOf, readResponse } from '@ottla/protocol'

/** See the top of the file. */
export class Pipe {
  readonly #socket: Socket
  readonly #waiting: ((frame: Buffer) => void)[] = []
  #rest = Buffer.alloc(0)
  #correlationId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', chunk => this.#take(chunk))
    socket.on('error', error => {
      throw error
    })
  }

  static async open(port: number): Promise<Pipe> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Pipe(socket)
  }

  ask<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>): Promise<ResponseOf<A>> {
    const request = { api, version, correlationId: ++this.#correlationId, clientId: 'load', body }
    return this.send(Buffer.concat(encodeRequest(request))).then(frame => readResponse(api, version, frame).body)
  }

  /** A whole frame, with its size prefix; resolves with the answer's, without. */
  send(frame: Buffer): Promise<Buffer> {
    this.#socket.write(frame)
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
      const end = 4 + bytes.readInt32BE(0)
      this.#waiting.shift()?.(bytes.subarray(4, end))
      bytes = bytes.subarray(end)
    }
    this.#rest = Buffer.from(bytes)
  }
}
