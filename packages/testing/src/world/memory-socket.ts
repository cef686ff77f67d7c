// Connections without sockets: two ends of a pipe in memory, each with the methods of a net.Socket that clients and the broker call.
import { Duplex } from 'node:stream'

/** Bytes that wait at one end before its other end is told to wait. */
const HIGH_WATER_BYTES = 1024 * 1024

/** One end. What is written comes out at the other end in a later step of the event loop, as with a socket. */
export class MemorySocket extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  readonly remoteFamily = 'IPv4'
  readonly remotePort: number
  readonly localPort: number
  bytesWritten = 0
  bytesRead = 0
  connecting = false
  #other: MemorySocket | undefined
  #isEnded = false
  /** What the other end did not take yet. */
  #taken: (() => void) | undefined

  constructor(ports: { readonly local: number; readonly remote: number }, allowHalfOpen: boolean) {
    super({ allowHalfOpen, readableHighWaterMark: HIGH_WATER_BYTES, writableHighWaterMark: HIGH_WATER_BYTES })
    this.localPort = ports.local
    this.remotePort = ports.remote
  }

  /** Two ends that are connected with each other. */
  static pair(clientPort: number, brokerPort: number): { client: MemorySocket; broker: MemorySocket } {
    const client = new MemorySocket({ local: clientPort, remote: brokerPort }, false)
    const broker = new MemorySocket({ local: brokerPort, remote: clientPort }, true)
    client.#other = broker
    broker.#other = client
    return { client, broker }
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  setTimeout(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  override _read(): void {
    this.#readOn()
  }

  #readOn(): void {
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#deliver([chunk], done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#deliver(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  override _final(done: (error?: Error | null) => void): void {
    const other = this.#other
    setImmediate(() => {
      if (other !== undefined) other.#ended()
    })
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const other = this.#other
    this.#other = undefined
    this.#readOn()
    setImmediate(() => {
      if (other !== undefined) other.#lost()
    })
    done(error)
  }

  #ended(): void {
    if (!this.#isEnded && !this.destroyed) this.push(null)
    this.#isEnded = true
  }

  /** The other end is gone. A client learns of it as the end of what it reads, after all that was on its way; a broker at once. */
  #lost(): void {
    if (this.destroyed) return
    if (this.allowHalfOpen) this.destroy()
    else this.#ended()
  }

  /** The bytes are copied: the writer may use its memory again as soon as it is told that they have left. */
  #deliver(chunks: readonly Buffer[], done: (error?: Error | null) => void): void {
    const bytes = Buffer.concat(chunks)
    this.bytesWritten += bytes.length
    setImmediate(() => {
      const other = this.#other
      if (other === undefined || other.destroyed || other.#isEnded) return done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      other.bytesRead += bytes.length
      if (other.push(bytes)) done()
      else other.#taken = done
    })
  }
}
