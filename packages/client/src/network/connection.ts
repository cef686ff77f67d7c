// One connection to a broker: connects, agrees on versions (KIP-511), authenticates, and then carries requests.
import type { Duplex } from 'node:stream'
import type { AnyApi, ApiVersionsResponse, ResponseOf } from '@ottla/protocol'
import { apiVersionsApi, bounds, ErrorCode } from '@ottla/protocol'
import type { BodyFor, RequestOptions } from '../cluster/cluster.ts'
import { KafkaJSConnectionClosedError, KafkaJSConnectionError, protocolError } from '../errors/index.ts'
import { asError, messageOf } from './as-error.ts'
import type { Phase, Symptoms } from './diagnosis.ts'
import { diagnose } from './diagnosis.ts'
import type { FrameSink } from './frames.ts'
import { FrameAssembler } from './frames.ts'
import type { NetworkSettings } from './options.ts'
import { Outgoing } from './outgoing.ts'
import { Pipeline } from './pipeline.ts'
import { SaslSession } from './sasl/session.ts'
import { openForeignSocket, openSocket } from './socket-factory.ts'
import { ServedVersions } from './versions.ts'

/** How long a broker may take to say which versions it serves: a broker that hangs is to be named soon. */
const AGREEING_TIMEOUT_MS = 2000
const software = { clientSoftwareName: 'ottla', clientSoftwareVersion: '0.1.0' }

/** Where a connection leads. */
export interface Address {
  readonly host: string
  readonly port: number
  /** Null for a bootstrap address. */
  readonly nodeId: number | null
}

/** One connection to a broker. */
export class Connection implements FrameSink {
  readonly address: Address
  readonly broker: string
  readonly #settings: NetworkSettings
  readonly #frames = new FrameAssembler(this)
  readonly #pipeline: Pipeline
  #socket: Duplex | null = null
  #outgoing: Outgoing | null = null
  #versions: ServedVersions | null = null
  #session: SaslSession | null = null
  #phase: Phase = 'connecting'
  #answered = false
  /** TCP is connected, whatever TLS does. */
  #reached = false
  #failure: Error | null = null
  /** The last attempt to connect has failed too. */
  #isAgain = false
  #onConnected: (() => void) | null = null
  #onFailed: ((error: Error) => void) | null = null
  /** Id of the node, once it is known. */
  nodeId: number | null
  /** Called once when the connection has ended, with the reason. */
  onClose: ((error: Error) => void) | null = null

  private constructor(address: Address, settings: NetworkSettings) {
    this.address = address
    this.nodeId = address.nodeId
    this.broker = `${address.host}:${address.port}`
    this.#settings = settings
    const { clock, logger, events, clientId, maxInFlightRequests } = settings
    this.#pipeline = new Pipeline({
      clock,
      logger,
      events,
      clientId,
      maxInFlightRequests,
      broker: this.broker,
      send: (chunks, taken) => this.#outgoing?.add(chunks, taken),
      maySend: () => this.#outgoing !== null && !this.#outgoing.isFull,
      silent: waitedMs => this.#failFor({ kind: 'timeout', waitedMs }),
    })
  }

  /** Connects; rejects with an error that names what is wrong. `signal` ends it with its reason; what goes wrong `again` is not logged as an error. */
  static async open(
    address: Address,
    settings: NetworkSettings,
    { signal, again = false }: { signal?: AbortSignal; again?: boolean } = {},
  ): Promise<Connection> {
    const connection = new Connection(address, settings)
    connection.#isAgain = again
    const aborted = (): void => connection.close(asError(signal?.reason))
    signal?.throwIfAborted()
    signal?.addEventListener('abort', aborted, { once: true })
    try {
      settings.logger.debug('Connecting', { broker: connection.broker, ssl: settings.ssl !== null, sasl: settings.sasl !== null })
      await connection.#connect()
      await connection.#agree()
      await connection.#authenticate()
      connection.#phase = 'ready'
      connection.#isAgain = false
      return connection
    } catch (error) {
      connection.close(asError(error))
      throw connection.#failure ?? error
    } finally {
      signal?.removeEventListener('abort', aborted)
    }
  }

  get isOpen(): boolean {
    return this.#phase === 'ready' && this.#failure === null
  }

  /** Requests that were sent and are not answered. */
  get inFlight(): number {
    return this.#pipeline.inFlight
  }

  /** The version in which a request is sent. Throws KafkaJSServerDoesNotSupportApiKey. */
  versionOf(api: AnyApi, maxVersion?: number): number {
    if (this.#versions === null) throw new KafkaJSConnectionError('Not connected', { broker: this.broker })
    return this.#versions.choose(api, maxVersion)
  }

  /** Sends a request and resolves with its answer. */
  async request<A extends AnyApi>(api: A, body: BodyFor<A>, options?: RequestOptions): Promise<{ body: ResponseOf<A>; version: number }> {
    const renewal = this.#session?.renewal()
    if (renewal) await this.#renewed(renewal)
    const version = this.versionOf(api, options?.maxVersion)
    const request = typeof body === 'function' ? body(version) : body
    const answer = await this.#pipeline.request(api, version, request, {
      timeoutMs: this.#timeout(options?.timeoutMs),
      signal: options?.signal,
    })
    return { body: answer, version }
  }

  /** Sends a request that is never answered. */
  async post<A extends AnyApi>(api: A, body: BodyFor<A>): Promise<void> {
    const renewal = this.#session?.renewal()
    if (renewal) await this.#renewed(renewal)
    const version = this.versionOf(api)
    const request = typeof body === 'function' ? body(version) : body
    await this.#pipeline.post(api, version, request, { timeoutMs: this.#timeout(undefined) })
  }

  /** Closes the connection; what waits is rejected with `error`. Idempotent. */
  close(error?: Error): void {
    if (this.#failure !== null) return
    const { host, port } = this.address
    const failure = error ?? new KafkaJSConnectionClosedError('Closed connection', { host, port })
    this.#failure = failure
    this.#frames.close()
    this.#leave(error === undefined)
    this.#onFailed?.(failure)
    this.#session?.end(failure)
    this.#pipeline.close(failure)
    this.onClose?.(failure)
  }

  /** As FrameSink. */
  frame(buffer: Buffer, at: number, end: number, own: boolean): void {
    this.#answered = this.#phase === 'ready'
    try {
      this.#pipeline.answered(buffer, at, end, own)
    } catch (error) {
      if (this.#phase === 'agreeing') this.#failFor({ kind: 'garbage', start: Buffer.from(buffer.subarray(at, Math.min(end, at + 16))) })
      else this.close(asError(error))
    }
  }

  /** As FrameSink. */
  brokenLength(length: number, rest: Buffer): void {
    const start = Buffer.alloc(4)
    start.writeInt32BE(length)
    this.#failFor({ kind: 'garbage', start: Buffer.concat([start, rest]) })
  }

  #timeout(timeoutMs: number | undefined): number {
    if (!this.#settings.enforceRequestTimeout) return Number.POSITIVE_INFINITY
    return timeoutMs ?? this.#settings.requestTimeoutMs
  }

  async #connect(): Promise<void> {
    const { clock, connectionTimeoutMs } = this.#settings
    const timer = clock.after(connectionTimeoutMs, () => this.#failFor({ kind: 'timeout', waitedMs: connectionTimeoutMs }))
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onConnected = resolve
        this.#onFailed = reject
        this.#openSocket()
      })
    } finally {
      this.#onConnected = null
      this.#onFailed = null
      timer.cancel()
    }
  }

  #openSocket(): void {
    const { ssl, socketFactory, connectionTimeoutMs } = this.#settings
    const { host, port } = this.address
    const options = { host, port, ssl, connectionTimeoutMs, onConnect: () => this.#onConnected?.(), reads: this.#frames }
    let socket: Duplex
    try {
      socket = socketFactory === null ? openSocket(options) : openForeignSocket(socketFactory, options)
    } catch (cause) {
      const why = asError(cause).message
      return this.close(new KafkaJSConnectionError(`Failed to connect: ${why}`, { broker: this.broker }))
    }
    this.#socket = socket
    this.#outgoing = new Outgoing(socket)
    socket.on('error', (error: NodeJS.ErrnoException) => this.#failFor({ kind: 'error', code: error.code, message: messageOf(error) }))
    socket.on('connect', () => {
      this.#reached = true
    })
    socket.on('timeout', () => this.#failFor({ kind: 'timeout', waitedMs: this.#settings.connectionTimeoutMs }))
    socket.on('end', () => this.#failFor({ kind: 'closed' }))
    socket.on('close', () => this.#failFor({ kind: 'closed' }))
    socket.on('drain', () => this.#pipeline.proceed())
  }

  /** Asks which versions the broker serves: in the newest version of that question, then in one that the broker knows. */
  async #agree(): Promise<void> {
    this.#phase = 'agreeing'
    const { clock, connectionTimeoutMs } = this.#settings
    const waitedMs = Math.max(AGREEING_TIMEOUT_MS, connectionTimeoutMs)
    const timer = clock.after(waitedMs, () => this.#failFor({ kind: 'timeout', waitedMs }))
    try {
      const [, newest] = bounds(apiVersionsApi.versions)
      let answer = await this.#askVersions(newest)
      if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION) {
        const known = answer.apiKeys.find(({ apiKey }) => apiKey === apiVersionsApi.key)?.maxVersion ?? 0
        answer = await this.#askVersions(Math.max(0, Math.min(known, newest - 1)))
      }
      if (answer.errorCode !== 0) throw protocolError(answer.errorCode)
      this.#versions = new ServedVersions(this.broker, answer.apiKeys)
    } finally {
      timer.cancel()
    }
  }

  /** A session that cannot be renewed is the end of the connection: the broker would end it at the next request. */
  async #renewed(renewal: Promise<void>): Promise<void> {
    try {
      await renewal
    } catch (error) {
      this.close(asError(error))
      throw error
    }
  }

  async #authenticate(): Promise<void> {
    const { sasl } = this.#settings
    if (sasl === null) return
    this.#phase = 'authenticating'
    const { host, port } = this.address
    const session = new SaslSession(
      sasl,
      {
        host,
        port,
        serves: api => this.#versions?.serves(api) === true,
        ask: (api, body) => this.#pipeline.request(api, this.versionOf(api), body, { timeoutMs: this.#timeout(undefined) }),
      },
      this.#settings,
    )
    this.#session = session
    await session.authenticate()
  }

  #askVersions(version: number): Promise<ApiVersionsResponse> {
    return this.#pipeline.request(apiVersionsApi, version, version >= 3 ? software : {}, { timeoutMs: Number.POSITIVE_INFINITY })
  }

  /** Ends the socket: after what was written has left, or at once. It does not keep the process alive for that. */
  #leave(gracefully: boolean): void {
    const socket = this.#socket
    if (socket === null) return
    if (!gracefully) {
      socket.destroy()
      return
    }
    this.#outgoing?.flush()
    socket.end(() => socket.destroy())
    if ('unref' in socket && typeof socket.unref === 'function') socket.unref()
  }

  #failFor(seen: Pick<Symptoms, 'kind' | 'code' | 'message' | 'waitedMs' | 'start'>): void {
    if (this.#failure !== null) return
    const { broker } = this
    const { host, port, nodeId } = this.address
    const { ssl, sasl, logger, clientId } = this.#settings
    const phase = this.#phase
    const asked = phase === 'ready' ? this.#pipeline.oldest : undefined
    const symptoms = {
      host,
      port,
      nodeId,
      tls: ssl !== null,
      sasl: sasl !== null,
      phase,
      asked,
      answered: this.#answered,
      reached: this.#reached,
      ...seen,
    }
    const { text, hint } = diagnose(symptoms)
    const error =
      seen.kind === 'closed'
        ? new KafkaJSConnectionClosedError(text, { host, port, hint })
        : new KafkaJSConnectionError(text, { broker, code: seen.code, hint })
    // That a broker closes a connection which nobody uses is no news, and whoever tries again and again was told the first time.
    const isNews = !this.#isAgain && (phase !== 'ready' || asked !== undefined)
    if (isNews) logger.error(text, { broker, clientId })
    else logger.debug(text, { broker, clientId })
    this.close(error)
  }
}
