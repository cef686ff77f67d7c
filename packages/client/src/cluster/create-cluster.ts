// Makes the cluster that a producer, consumer or admin client works with.
import type { Clock, Random } from '@ottla/protocol'
import { EventEmitter } from '../events/emitter.ts'
import type { Logger } from '../logger.ts'
import type { NetworkOptions } from '../network/options.ts'
import { networkSettings } from '../network/options.ts'
import { clientClock, clientRandom } from '../network/world.ts'
import type { RetryOptions } from '../retry.ts'
import { retrySettings } from '../retry.ts'
import type { Cluster } from './cluster.ts'
import { LiveCluster } from './live-cluster.ts'

/** How a client reaches its cluster: options of KafkaJS, and the world. */
export interface ClusterOptions extends NetworkOptions {
  readonly logger: Logger
  readonly retry?: RetryOptions | undefined
  /** How old metadata may become, in ms, 300,000. */
  readonly metadataMaxAge?: number | undefined
  /** Whether asking for a topic may create it, true. */
  readonly allowAutoTopicCreation?: boolean | undefined
  /** Where instrumentation events go; its own unless given. */
  readonly events?: EventEmitter | undefined
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
}

/** A cluster as one client sees it; it connects when it is first used, or by `connect`. */
export function createCluster(options: ClusterOptions): Cluster {
  const { logger, clock = clientClock, random = clientRandom } = options
  const events = options.events ?? new EventEmitter(clock, logger)
  return new LiveCluster({
    brokers: options.brokers,
    logger,
    settings: networkSettings(options, { clock, random, logger: logger.namespace('Connection'), events }),
    retry: retrySettings(options.retry),
    metadataMaxAgeMs: options.metadataMaxAge ?? 300_000,
    allowAutoTopicCreation: options.allowAutoTopicCreation ?? true,
  })
}
