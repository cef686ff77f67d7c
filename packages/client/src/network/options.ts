// What a connection needs to know, with KafkaJS's option names and defaults.
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { Clock, Random } from '@ottla/protocol'
import type { EventEmitter } from '../events/emitter.ts'
import type { Logger } from '../logger.ts'
import type { Mechanism, SASLOptions } from './sasl/options.ts'
import type { ISocketFactory } from './socket-factory.ts'

/** Gives the bootstrap brokers when they are needed. */
export type BrokersFunction = () => string[] | Promise<string[]>

/** How a client reaches its brokers (part of KafkaJS's KafkaConfig). */
export interface NetworkOptions {
  /** host:port of bootstrap brokers. */
  readonly brokers: readonly string[] | BrokersFunction
  /** 'ottla'. Seen in the broker's logs, quotas and metrics. */
  readonly clientId?: string | undefined
  readonly ssl?: TlsOptions | boolean | undefined
  readonly sasl?: SASLOptions | Mechanism | undefined
  /** How long TCP and TLS may take to connect, in ms, 1,000. */
  readonly connectionTimeout?: number | undefined
  /** How long SASL may take, in ms, 10,000. */
  readonly authenticationTimeout?: number | undefined
  /** How long before the end of a SASL session it is renewed, in ms, 10,000. */
  readonly reauthenticationThreshold?: number | undefined
  /** How long an answer may take, in ms, 30,000. */
  readonly requestTimeout?: number | undefined
  /** Whether `requestTimeout` counts, true. */
  readonly enforceRequestTimeout?: boolean | undefined
  readonly socketFactory?: ISocketFactory | undefined
  /** Requests in flight on one connection; without a bound unless given. */
  readonly maxInFlightRequests?: number | undefined
}

/** NetworkOptions as connections use them, and what they share. */
export interface NetworkSettings {
  readonly clientId: string
  readonly ssl: TlsOptions | null
  readonly sasl: SASLOptions | Mechanism | null
  readonly connectionTimeoutMs: number
  readonly authenticationTimeoutMs: number
  readonly reauthenticationThresholdMs: number
  readonly requestTimeoutMs: number
  readonly enforceRequestTimeout: boolean
  readonly socketFactory: ISocketFactory | null
  readonly maxInFlightRequests: number | null
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly events: EventEmitter
}

/** Options with every default filled in. */
export function networkSettings(
  options: NetworkOptions,
  shared: Pick<NetworkSettings, 'clock' | 'random' | 'logger' | 'events'>,
): NetworkSettings {
  const { ssl } = options
  return {
    clientId: options.clientId ?? 'ottla',
    ssl: ssl === true ? {} : ssl === false || ssl === undefined ? null : ssl,
    sasl: options.sasl ?? null,
    connectionTimeoutMs: options.connectionTimeout ?? 1000,
    authenticationTimeoutMs: options.authenticationTimeout ?? 10_000,
    reauthenticationThresholdMs: options.reauthenticationThreshold ?? 10_000,
    requestTimeoutMs: options.requestTimeout ?? 30_000,
    enforceRequestTimeout: options.enforceRequestTimeout ?? true,
    socketFactory: options.socketFactory ?? null,
    maxInFlightRequests: options.maxInFlightRequests ?? null,
    ...shared,
  }
}
