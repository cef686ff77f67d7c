// SASL of one connection: the mechanism is agreed upon, its messages are exchanged, and where the broker bounds the life of a session
// (KIP-368), all of that happens again in time.
import type { AnyApi, RequestInitOf, ResponseOf } from '@ottla/protocol'
import { ErrorCode, saslAuthenticateApi, saslHandshakeApi } from '@ottla/protocol'
import { KafkaJSConnectionError, KafkaJSSASLAuthenticationError, protocolError } from '../../errors/index.ts'
import type { NetworkSettings } from '../options.ts'
import type { AwsCredentials } from './aws.ts'
import { authenticateAws } from './aws.ts'
import { authenticateCustom } from './custom.ts'
import type { Exchange } from './exchange.ts'
import { invalid } from './exchange.ts'
import type { OauthbearerCredentials } from './oauthbearer.ts'
import { authenticateOauthbearer } from './oauthbearer.ts'
import type { Mechanism, SASLOptions } from './options.ts'
import type { PlainCredentials } from './plain.ts'
import { authenticatePlain } from './plain.ts'
import type { ScramCredentials } from './scram.ts'
import { authenticateScram } from './scram.ts'

/** Brokers refuse to authenticate a connection more than once in this time. */
const LEAST_LIFETIME_MS = 1000
/** Of a session that is shorter than `reauthenticationThreshold`, so much is used. */
const USED_PART = 0.85

/** The connection that is authenticated. */
export interface SaslConnection {
  readonly host: string
  readonly port: number
  /** Whether the broker serves an API at all. */
  serves(api: AnyApi): boolean
  ask<A extends AnyApi>(api: A, body: RequestInitOf<A>): Promise<ResponseOf<A>>
}

/** The SASL session of a connection. */
export class SaslSession {
  readonly #sasl: SASLOptions | Mechanism
  readonly #connection: SaslConnection
  readonly #settings: NetworkSettings
  #renewAtMs = Number.POSITIVE_INFINITY
  #lifetimeMs = 0
  #renewing: Promise<void> | null = null
  #abort: ((error: Error) => void) | null = null

  constructor(sasl: SASLOptions | Mechanism, connection: SaslConnection, settings: NetworkSettings) {
    this.#sasl = sasl
    this.#connection = connection
    this.#settings = settings
  }

  /** What has to be waited for before the next request, or null. */
  renewal(): Promise<void> | null {
    if (this.#renewing !== null) return this.#renewing
    if (this.#settings.clock.monotonic() < this.#renewAtMs) return null
    this.#renewing = this.authenticate().finally(() => {
      this.#renewing = null
    })
    return this.#renewing
  }

  /** The connection has ended: nobody waits for whatever a mechanism of the program still does. */
  end(error: Error): void {
    this.#abort?.(error)
  }

  /** Authenticates. Rejects with KafkaJSSASLAuthenticationError, or with what a mechanism of the program throws. */
  async authenticate(): Promise<void> {
    const { clock, authenticationTimeoutMs, logger } = this.#settings
    const mechanism = this.#sasl.mechanism.toUpperCase()
    const { host, port } = this.#connection
    const broker = `${host}:${port}`
    const startedMs = clock.monotonic()
    await this.#timed(async () => {
      await this.#handshake(mechanism)
      await this.#exchange(mechanism)
    })
    const { reauthenticationThresholdMs } = this.#settings
    const lifetimeMs = this.#lifetimeMs
    const usedMs = lifetimeMs > reauthenticationThresholdMs ? lifetimeMs - reauthenticationThresholdMs : lifetimeMs * USED_PART
    this.#renewAtMs = lifetimeMs > 0 ? startedMs + Math.max(LEAST_LIFETIME_MS, usedMs) : Number.POSITIVE_INFINITY
    logger.debug(`SASL ${mechanism} authentication successful`, { broker, lifetimeMs, authenticationTimeoutMs })
  }

  /** Ends a wait that takes longer than `authenticationTimeout`. */
  async #timed(run: () => Promise<void>): Promise<void> {
    const { clock, authenticationTimeoutMs } = this.#settings
    const { host, port } = this.#connection
    await new Promise<void>((resolve, reject) => {
      const timer = clock.after(authenticationTimeoutMs, () => {
        const text = `SASL authentication with ${host}:${port} took longer than ${authenticationTimeoutMs} ms. Look at the broker's log, or raise \`authenticationTimeout\`.`
        reject(new KafkaJSConnectionError(text, { broker: `${host}:${port}` }))
      })
      this.#abort = error => {
        timer.cancel()
        reject(error)
      }
      run()
        .then(resolve, reject)
        .finally(() => timer.cancel())
    })
  }

  async #handshake(mechanism: string): Promise<void> {
    const { host, port } = this.#connection
    const noSasl = `${host}:${port} does not want SASL: leave \`sasl\` out, or use the port of a SASL listener (listener.security.protocol.map of the broker)`
    if (!this.#connection.serves(saslHandshakeApi)) throw invalid(noSasl)
    const { errorCode, mechanisms } = await this.#connection.ask(saslHandshakeApi, { mechanism })
    if (errorCode === ErrorCode.ILLEGAL_SASL_STATE) throw invalid(noSasl)
    if (
      errorCode === ErrorCode.UNSUPPORTED_SASL_MECHANISM ||
      (errorCode === 0 && mechanisms.length > 0 && !mechanisms.includes(mechanism))
    ) {
      const offered = mechanisms.length === 0 ? 'it names no other' : `it offers ${mechanisms.join(', ')}`
      throw new KafkaJSSASLAuthenticationError(`SASL ${mechanism} mechanism is not supported by the server: ${offered}`)
    }
    if (errorCode !== 0) throw protocolError(errorCode)
  }

  async #exchange(mechanism: string): Promise<void> {
    const { host, port } = this.#connection
    const { logger, random } = this.#settings
    const exchange: Exchange = { random, send: message => this.#send(message) }
    const sasl = this.#sasl
    if (isCustom(sasl)) return await authenticateCustom(sasl, exchange, { host, port, logger })
    const given: PlainCredentials & ScramCredentials & AwsCredentials & OauthbearerCredentials = sasl
    if (mechanism === 'PLAIN') return await authenticatePlain(given, exchange)
    if (mechanism === 'SCRAM-SHA-256' || mechanism === 'SCRAM-SHA-512') return await authenticateScram(mechanism, given, exchange)
    if (mechanism === 'AWS') return await authenticateAws(given, exchange)
    if (mechanism === 'OAUTHBEARER') return await authenticateOauthbearer(given, exchange)
    throw invalid(`SASL ${mechanism} is not built in: give an authenticationProvider`)
  }

  async #send(authBytes: Buffer): Promise<Buffer> {
    const answer = await this.#connection.ask(saslAuthenticateApi, { authBytes })
    if (answer.errorCode !== 0) throw protocolError(answer.errorCode, answer.errorMessage)
    this.#lifetimeMs = answer.sessionLifetimeMs
    return answer.authBytes
  }
}

const isCustom = (sasl: SASLOptions | Mechanism): sasl is Mechanism =>
  'authenticationProvider' in sasl && typeof sasl.authenticationProvider === 'function'
