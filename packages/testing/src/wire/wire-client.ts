// The toolkit's own connection to the broker under test: state is asked for by the protocol itself, so that tests see what every client sees.
import type { Duplex } from 'node:stream'
import type { AnyApi, RequestInitOf, ResponseOf } from '@ottla/protocol'
import { apiVersionsApi, bounds, encodeRequest, errorOf, KafkaError, readResponse } from '@ottla/protocol'

/** Client id of the toolkit; scripted faults leave its requests alone. */
export const OWN_CLIENT_ID = '@ottla/testing'

/** The longest answer that is believed. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024

interface Waiting {
  readonly answered: (frame: Buffer) => void
  readonly failed: (error: Error) => void
}

/** Throws KafkaError for a code that is not 0. */
export function throwIfError(code: number, what: string, message?: string | null): void {
  if (code !== 0) throw new KafkaError(code, `${what}: ${message ?? errorOf(code).message} (${errorOf(code).name})`)
}

/** See the top of the file. Requests on one connection are answered in their order. */
export class WireClient {
  readonly #open: () => Duplex
  #connection: Promise<WireConnection> | undefined

  /** `open` gives a stream to the broker whenever there is none. */
  constructor(open: () => Duplex) {
    this.#open = open
  }

  /** Sends a request in the highest version that both sides know, up to `maxVersion`. Rejects when the connection ends first. */
  async request<A extends AnyApi>(api: A, body: RequestInitOf<A>, maxVersion?: number): Promise<ResponseOf<A>> {
    const connection = await this.#connected()
    return connection.request(api, body, maxVersion)
  }

  /** A connection of one's own, for requests that wait. To be closed. */
  separate(): WireClient {
    return new WireClient(this.#open)
  }

  close(): void {
    const connection = this.#connection
    this.#connection = undefined
    connection?.then(
      one => one.close(),
      () => undefined,
    )
  }

  async #connected(): Promise<WireConnection> {
    const known = await this.#connection?.catch(() => undefined)
    if (known !== undefined && !known.isClosed) return known
    this.#connection = WireConnection.open(this.#open())
    return this.#connection
  }
}

class WireConnection {
  readonly #stream: Duplex
  readonly #waiting = new Map<number, Waiting>()
  readonly #highest = new Map<number, number>()
  #chunks: Buffer[] = []
  #bytes = 0
  #lastId = 0
  #error: Error | undefined

  private constructor(stream: Duplex) {
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.#received(chunk))
    stream.on('error', error => this.#fail(error))
    stream.on('close', () => this.#fail(new Error('the broker closed the connection')))
    stream.on('end', () => this.#fail(new Error('the broker closed the connection')))
  }

  static async open(stream: Duplex): Promise<WireConnection> {
    const connection = new WireConnection(stream)
    const { apiKeys } = await connection.#send(apiVersionsApi, 0, {})
    for (const { apiKey, maxVersion } of apiKeys) connection.#highest.set(apiKey, maxVersion)
    return connection
  }

  get isClosed(): boolean {
    return this.#error !== undefined
  }

  request<A extends AnyApi>(api: A, body: RequestInitOf<A>, maxVersion = Number.POSITIVE_INFINITY): Promise<ResponseOf<A>> {
    const highest = this.#highest.get(api.key)
    if (highest === undefined) return Promise.reject(new Error(`the broker does not serve ${api.name}`))
    return this.#send(api, Math.min(highest, maxVersion, bounds(api.versions)[1]), body)
  }

  close(): void {
    this.#fail(new Error('the connection was closed'))
    this.#stream.destroy()
  }

  #send<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>): Promise<ResponseOf<A>> {
    if (this.#error !== undefined) return Promise.reject(this.#error)
    const correlationId = ++this.#lastId
    const chunks = encodeRequest({ api, version, correlationId, clientId: OWN_CLIENT_ID, body })
    return new Promise((resolve, reject) => {
      const answered = (frame: Buffer): void => {
        try {
          resolve(readResponse(api, version, frame).body)
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      this.#waiting.set(correlationId, { answered, failed: reject })
      this.#stream.write(Buffer.concat(chunks))
    })
  }

  #received(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    while (this.#bytes >= 4) {
      const [first = chunk] = this.#chunks
      const joined = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks)
      this.#chunks = [joined]
      const size = joined.readInt32BE(0)
      if (size < 4 || size > MAX_ANSWER_BYTES) {
        this.#fail(new Error(`an answer of ${size} bytes`))
        return
      }
      if (joined.length < size + 4) return
      const rest = joined.subarray(size + 4)
      this.#chunks = rest.length === 0 ? [] : [rest]
      this.#bytes = rest.length
      this.#answer(joined.subarray(4, size + 4))
    }
  }

  #answer(frame: Buffer): void {
    const id = frame.readInt32BE(0)
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiting?.answered(frame)
  }

  #fail(error: Error): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#stream.destroy()
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const one of waiting) one.failed(error)
  }
}
