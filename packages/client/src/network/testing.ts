// Aids for tests of the network: a broker that answers as it is told, over TCP or over streams in memory.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Duplex } from 'node:stream'
import type { AnyApi, RequestHeader, RequestOf, ResponseInitOf } from '@ottla/protocol'
import { apis, apiVersionsApi, bounds, encodeResponse, metadataApi, Reader, readRequestHeader, requestCodec } from '@ottla/protocol'
import type { ClusterOptions } from '../cluster/create-cluster.ts'
import { createLogger } from '../logger.ts'
import type { ISocketFactory } from './socket-factory.ts'

/** One request as a scripted broker sees it. */
export interface Asked<A extends AnyApi> {
  readonly request: RequestOf<A>
  readonly header: RequestHeader
  /** The connection it came by. */
  readonly stream: Duplex
}

type Answering = (header: RequestHeader, frame: Buffer, stream: Duplex) => Promise<Buffer[] | null>

/** A broker that answers as it is told. It serves all versions of all APIs that have an answer, unless told otherwise. */
export class ScriptedBroker implements AsyncDisposable {
  readonly #answers = new Map<number, Answering>()
  readonly #streams = new Set<Duplex>()
  readonly #server = createServer({ noDelay: true }, socket => this.serve(socket))
  readonly #versions = new Map<number, readonly [low: number, high: number]>()
  /** Names of the APIs of all requests that came, in order. */
  readonly asked: string[] = []
  readonly headers: RequestHeader[] = []
  host = '127.0.0.1'
  port = 0
  nodeId = 1
  /** Topics that there are, with one partition each, led by this broker. */
  topics: readonly string[] = []
  /** Bytes are written to clients in pieces of this size. */
  pieceBytes = Number.POSITIVE_INFINITY

  constructor() {
    this.on(apiVersionsApi, () => ({ errorCode: 0, apiKeys: this.apiKeys() }))
    this.on(metadataApi, ({ request, header }) => {
      const names = request.topics?.map(({ name }) => name ?? '')
      const isAll = names === undefined || (header.apiVersion === 0 && names.length === 0)
      return this.metadata(isAll ? this.topics : names)
    })
  }

  /** Listens on a port that the system picks. */
  static async listening(): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker()
    await broker.listen(0)
    return broker
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    this.port = typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Answers requests of an API; null is no answer. */
  on<A extends AnyApi>(api: A, answer: (asked: Asked<A>) => ResponseInitOf<A> | null | Promise<ResponseInitOf<A> | null>): void {
    this.#answers.set(api.key, async (header, frame, stream) => {
      const version = header.apiVersion
      const reader = new Reader(frame, header.bodyAt)
      const body = await answer({ request: requestCodec(api, version).read(reader), header, stream })
      if (body === null) return null
      const isRefused = api.key === apiVersionsApi.key && 'errorCode' in body && body.errorCode === 35
      return encodeResponse({ api, version: isRefused ? 0 : version, correlationId: header.correlationId, body })
    })
  }

  /** Serves an API in these versions only. */
  limit(api: AnyApi, low: number, high: number): void {
    this.#versions.set(api.key, [low, high])
  }

  apiKeys(): { apiKey: number; minVersion: number; maxVersion: number }[] {
    return apis
      .filter(api => this.#answers.has(api.key))
      .map(api => {
        const [minVersion, maxVersion] = this.#versions.get(api.key) ?? bounds(api.versions)
        return { apiKey: api.key, minVersion, maxVersion }
      })
  }

  metadata(names: readonly string[]): ResponseInitOf<typeof metadataApi> {
    const { host, port, nodeId } = this
    const topics = names.map(name => {
      if (!this.topics.includes(name)) return { errorCode: 3, name, partitions: [] }
      const partition = { errorCode: 0, partitionIndex: 0, leaderId: nodeId, leaderEpoch: 1, replicaNodes: [nodeId], isrNodes: [nodeId] }
      return { errorCode: 0, name, partitions: [partition] }
    })
    return { brokers: [{ nodeId, host, port }], clusterId: 'scripted', controllerId: nodeId, topics }
  }

  /** Makes streams in memory to this broker. */
  readonly socketFactory: ISocketFactory = ({ onConnect }) => {
    const [client, server] = streamPair()
    this.serve(server)
    process.nextTick(onConnect)
    return client
  }

  serve(stream: Duplex): void {
    this.#streams.add(stream)
    let bytes = Buffer.alloc(0)
    let last = Promise.resolve()
    stream.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const frame = Buffer.from(bytes.subarray(4, 4 + bytes.readInt32BE(0)))
        bytes = bytes.subarray(4 + frame.length)
        last = last.then(() => this.#answer(frame, stream))
      }
    })
    stream.on('error', () => stream.destroy())
    stream.on('end', () => stream.end())
    stream.on('close', () => this.#streams.delete(stream))
  }

  /** Ends all connections. */
  hangUp(): void {
    for (const stream of this.#streams) stream.destroy()
  }

  get connections(): number {
    return this.#streams.size
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(frame: Buffer, stream: Duplex): Promise<void> {
    const header = readRequestHeader(frame)
    this.headers.push(header)
    this.asked.push(apis.find(api => api.key === header.apiKey)?.name ?? String(header.apiKey))
    const chunks = await this.#answers.get(header.apiKey)?.(header, frame, stream)
    if (chunks === undefined) throw new Error(`The scripted broker has no answer to API ${header.apiKey}`)
    if (chunks === null || stream.destroyed) return
    const all = Buffer.concat(chunks)
    for (let at = 0; at < all.length; at += this.pieceBytes) stream.write(all.subarray(at, Math.min(all.length, at + this.pieceBytes)))
  }
}

/** Two streams; what is written to one is read from the other. */
export function streamPair(): [Duplex, Duplex] {
  const ends: Duplex[] = []
  const [left, right] = [streamTo(() => ends[1]), streamTo(() => ends[0])]
  ends.push(left, right)
  return [left, right]
}

function streamTo(other: () => Duplex | undefined): Duplex {
  return new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      other()?.push(chunk)
      process.nextTick(done)
    },
    final(done) {
      other()?.push(null)
      done()
    },
    destroy(error, done) {
      const peer = other()
      if (peer !== undefined && !peer.destroyed) process.nextTick(() => peer.destroy())
      done(error)
    },
  })
}

/** Options of a client of this broker that remembers what it logs. */
export function optionsFor(
  broker: ScriptedBroker | string,
  more: Partial<ClusterOptions> = {},
): ClusterOptions & { readonly logged: string[] } {
  const logged: string[] = []
  const logger = createLogger({ logCreator: () => entry => void logged.push(`${entry.label} ${entry.log.message}`) })
  const address = typeof broker === 'string' ? broker : `127.0.0.1:${broker.port === 0 ? 9092 : broker.port}`
  const retry = { retries: 0, initialRetryTime: 20 }
  return { brokers: [address], logger, retry, logged, ...more }
}

/** Waits until something is so. */
export async function eventually(isSo: () => boolean, withinMs = 3000): Promise<void> {
  for (const endMs = Date.now() + withinMs; !isSo(); await new Promise(resolve => setTimeout(resolve, 5)))
    if (Date.now() > endMs) throw new Error(`It did not come to be within ${withinMs} ms: ${isSo.toString()}`)
}
