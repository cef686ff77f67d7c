// What `new Kafka` is told: KafkaJS's KafkaConfig, and what tests need to bring a world of their own.
import type { Clock, Random } from '@ottla/protocol'
import type { logCreator, logLevel } from './logger.ts'
import type { NetworkOptions } from './network/options.ts'
import type { RetryOptions } from './retry.ts'

/** Settings of a client; see NetworkOptions for those of connections. */
export interface KafkaConfig extends Omit<NetworkOptions, 'maxInFlightRequests'> {
  /** How connections and calls are tried again; producers, consumers and admins may overrule parts of it. */
  readonly retry?: RetryOptions | undefined
  /** INFO. The environment variable KAFKAJS_LOG_LEVEL goes before. */
  readonly logLevel?: logLevel | undefined
  /** Says where entries of the log go; `toLogger(pino())` makes one. The console by default. */
  readonly logCreator?: logCreator | undefined
  /** Time for tests, such as that of @ottla/testing. */
  readonly clock?: Clock | undefined
  /** Randomness for tests. */
  readonly random?: Random | undefined
}
