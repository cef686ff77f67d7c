// A connection that keeps none of the rules of a client: bytes go out as they are, answers are counted, and read only if it wants to.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type AnyApi, encodeRequest, type RequestInitOf, type ResponseOf, readResponse } from '@ottla/protocol'

/** One request as bytes. */
export const frameOf = <A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>, correlationId = 1): Buffer =>
  Buffer.concat(encodeRequest({ api, version, correlationId, clientId: 'hostile', body }))

const KEPT_BYTES = 1_048_576

export class Flood implements Disposable {
  readonly #socket: Socket
  /** Length of the answer that comes, and as much of it as is kept. */
  #kept = Buffer.alloc(0)
  #parts: Buffer[] = []
  #arrived = 0
  #error = ''
  isClosed = false
  answers = 0
  largestBytes = 0
  /** Told of each answer, without its length; of a large one only the start. */
  onAnswer: (frame: Buffer) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', chunk => this.#take(chunk))
    socket.on('close', () => (this.isClosed = true))
    socket.on('error', error => (this.#error = error.message))
  }

  static async connect(port: number): Promise<Flood> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Flood(socket)
  }

  /** So many of them. */
  static all(port: number, count: number): Promise<Flood[]> {
    return Promise.all(Array.from({ length: count }, () => Flood.connect(port)))
  }

  /** Bytes of its requests that the broker has not taken. */
  get untakenBytes(): number {
    return this.#socket.writableLength
  }

  /** Takes no answer any more. */
  stopReading(): void {
    this.#socket.pause()
  }

  send(bytes: Buffer): void {
    if (!this.isClosed) this.#socket.write(bytes)
  }

  /** Waits for as many answers altogether; not for those of a connection that the broker closed. */
  async answered(count: number, limitMs = 120_000): Promise<void> {
    for (const deadline = Date.now() + limitMs; this.answers < count && !this.isClosed; ) {
      if (Date.now() > deadline) throw new Error(`${this.answers} answers of ${count} after ${limitMs} ms ${this.#error}`)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  /** One request and its answer. */
  async ask<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>): Promise<ResponseOf<A>> {
    let answer: Buffer | undefined
    this.onAnswer = frame => (answer ??= Buffer.from(frame))
    this.send(frameOf(api, version, body))
    await this.answered(this.answers + 1)
    if (answer === undefined) throw new Error(`the broker closed the connection ${this.#error}`)
    return readResponse(api, version, answer).body
  }

  #take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#kept.length < 4) {
        const more = chunk.subarray(at, at + 4 - this.#kept.length)
        this.#kept = Buffer.concat([this.#kept, more])
        at += more.length
        this.#arrived = 0
        if (this.#kept.length < 4) return
      }
      const size = this.#kept.readInt32BE(0)
      const part = chunk.subarray(at, at + size - this.#arrived)
      if (this.#arrived < KEPT_BYTES) this.#parts.push(part)
      this.#arrived += part.length
      at += part.length
      if (this.#arrived < size) continue
      this.answers++
      this.largestBytes = Math.max(this.largestBytes, size)
      this.onAnswer(Buffer.concat(this.#parts))
      this.#parts = []
      this.#kept = Buffer.alloc(0)
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
