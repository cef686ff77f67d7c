// The least of a Kafka client, over this project's own codecs: enough to see what the broker stored.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import {
  type AnyApi,
  batchesIn,
  encodeRequest,
  fetchApi,
  type RecordBatch,
  type RequestInitOf,
  type ResponseOf,
  readResponse,
} from '@ottla/protocol'

export class Wire implements AsyncDisposable {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  #waiting: (() => void) | undefined
  #closed: Error | undefined
  #correlationId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', chunk => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#waiting?.()
    })
    const end = (error?: Error) => {
      this.#closed ??= error ?? new Error('the broker closed the connection')
      this.#waiting?.()
    }
    socket.on('close', () => end())
    socket.on('error', end)
  }

  static async connect(port: number): Promise<Wire> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Wire(socket)
  }

  /** One request and its answer. */
  async ask<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>): Promise<ResponseOf<A>> {
    this.#correlationId += 1
    this.#socket.write(Buffer.concat(encodeRequest({ api, version, correlationId: this.#correlationId, clientId: 'compat', body })))
    while (this.#received.length < 4 || this.#received.length < 4 + this.#received.readInt32BE(0)) {
      if (this.#closed) throw this.#closed
      await new Promise<void>(resolve => (this.#waiting = resolve))
    }
    const end = 4 + this.#received.readInt32BE(0)
    const frame = Buffer.from(this.#received.subarray(4, end))
    this.#received = this.#received.subarray(end)
    return readResponse(api, version, frame).body
  }

  /** All batches of a partition from an offset on, as they are stored. */
  async batches(topic: string, partition: number, offset = 0): Promise<RecordBatch[]> {
    const found: RecordBatch[] = []
    for (let at = offset; ; ) {
      const answer = await this.ask(fetchApi, 11, {
        replicaId: -1,
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 50_000_000,
        isolationLevel: 0,
        sessionId: 0,
        sessionEpoch: -1,
        topics: [{ topic, partitions: [{ partition, fetchOffset: at, partitionMaxBytes: 50_000_000 }] }],
        forgottenTopicsData: [],
        rackId: '',
      })
      const data = answer.responses[0]?.partitions[0]
      if (data === undefined || data.errorCode !== 0) throw new Error(`fetch of ${topic}-${partition} at ${at}: error ${data?.errorCode}`)
      const batches = data.records === null ? [] : [...batchesIn(data.records)]
      const last = batches.at(-1)
      if (last === undefined) return found
      found.push(...batches)
      at = last.nextOffset
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
  }
}
