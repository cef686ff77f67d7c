// Settings of a producer with every number there, checked.
import type { CompressionName } from '@ottla/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import type { RetrySettings } from '../retry.ts'
import type { BatchKind } from './batch.ts'
import type { ICustomPartitioner } from './partitioners.ts'
import type { ProducerSerializers } from './serializers.ts'
import type { ProducerConfig, SendOptions } from './types.ts'

/** More requests under way than this could not be told apart by brokers that remember five batches of a producer (KIP-185). */
export const MAX_IDEMPOTENT_IN_FLIGHT = 5

/** Settings of a producer. Times in ms, sizes in bytes. */
export interface ProducerSettings {
  readonly isIdempotent: boolean
  /** Whether the program said so itself. */
  readonly isIdempotenceRequired: boolean
  readonly transactionalId: string | undefined
  readonly transactionTimeoutMs: number
  readonly maxInFlight: number
  readonly lingerMs: number
  readonly batchSize: number
  readonly bufferMemory: number
  readonly maxBlockMs: number
  readonly deliveryTimeoutMs: number
  readonly maxRequestSize: number
  readonly compressionLevel: number | undefined
  readonly retry: RetrySettings
  readonly createPartitioner: ICustomPartitioner | undefined
  readonly serializers: ProducerSerializers | undefined
}

const MIB = 1024 * 1024

/** Settings of a producer of this cluster. Throws KafkaJSNonRetriableError for those that make no sense. */
export function producerSettings(cluster: Cluster, config: ProducerConfig): ProducerSettings {
  const isIdempotent = config.idempotent ?? true
  const retries = config.retry?.retries ?? (isIdempotent ? Number.MAX_SAFE_INTEGER : cluster.retry.retries)
  if (config.idempotent === true && retries < 1) {
    throw new KafkaJSNonRetriableError('Idempotent producer must allow retries to protect against transient errors')
  }
  const number = (name: keyof ProducerConfig, fallback: number, lowest = 0): number => checked(name, config[name] ?? fallback, lowest)
  const inFlight = number('maxInFlightRequests', MAX_IDEMPOTENT_IN_FLIGHT, 1)
  if (config.transactionalId !== undefined && (typeof config.transactionalId !== 'string' || config.transactionalId === '')) {
    throw new KafkaJSNonRetriableError('transactionalId must be text that is not empty')
  }
  return {
    isIdempotent,
    isIdempotenceRequired: config.idempotent === true,
    transactionalId: config.transactionalId,
    transactionTimeoutMs: number('transactionTimeout', 60_000, 1),
    maxInFlight: isIdempotent ? Math.min(inFlight, MAX_IDEMPOTENT_IN_FLIGHT) : inFlight,
    lingerMs: number('lingerMs', 0),
    batchSize: number('batchSize', MIB, 1),
    bufferMemory: number('bufferMemory', 64 * MIB, 1),
    maxBlockMs: number('maxBlockMs', 60_000),
    deliveryTimeoutMs: number('deliveryTimeoutMs', 120_000, 1),
    maxRequestSize: number('maxRequestSize', 100 * MIB - 4096, 1),
    compressionLevel: config.compressionLevel,
    retry: { ...cluster.retry, maxRetryTime: longestDelay(cluster, retries), ...config.retry, retries },
    createPartitioner: config.createPartitioner,
    serializers: config.serializers,
  }
}

/** As long as messages are tried until they are too old, a broker that is back should not wait for them (retry.backoff.max.ms of Java's clients). */
const longestDelay = ({ retry }: Cluster, retries: number): number =>
  retries === Number.MAX_SAFE_INTEGER ? Math.min(retry.maxRetryTime, 1_000) : retry.maxRetryTime

function checked(name: string, value: unknown, lowest: number): number {
  if (typeof value === 'number' && value >= lowest && Number.isFinite(value)) return value
  throw new KafkaJSNonRetriableError(`${name} must be a number from ${lowest} on, not ${String(value)}`)
}

const levels: { readonly [codec: string]: readonly [lowest: number, highest: number] | undefined } = { gzip: [-1, 9], zstd: [-131_072, 22] }

function checkLevel(codec: CompressionName, level: number | undefined): void {
  const range = levels[codec]
  if (level === undefined || range === undefined || (Number.isInteger(level) && level >= range[0] && level <= range[1])) return
  throw new KafkaJSNonRetriableError(
    `compressionLevel for ${codec} must be a whole number from ${range[0]} to ${range[1]}, not ${String(level)}`,
  )
}

const codecs: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** The kind of batches that a send goes into. Throws KafkaJSNonRetriableError for options that make no sense. */
export function kindOf(settings: ProducerSettings, options: SendOptions, isTransactional: boolean): BatchKind {
  const { acks = -1, timeout = 30_000, compression = 0 } = options
  const name = codecs[compression]
  if (acks !== -1 && (settings.isIdempotenceRequired || isTransactional)) {
    throw new KafkaJSNonRetriableError("Not requiring ack for all messages invalidates the idempotent producer's EoS guarantees")
  }
  if (acks !== -1 && acks !== 0 && acks !== 1) throw new KafkaJSNonRetriableError(`acks must be -1, 0 or 1, not ${String(acks)}`)
  if (name === undefined) throw new KafkaJSNonRetriableError(`There is no compression ${String(compression)}`)
  checkLevel(name, settings.compressionLevel)
  if (!Number.isInteger(timeout) || timeout < 0 || timeout > 0x7fffffff) {
    throw new KafkaJSNonRetriableError(`timeout must be a whole number of milliseconds, not ${String(timeout)}`)
  }
  return { acks, timeoutMs: timeout, compression: name, compressionLevel: settings.compressionLevel, isTransactional }
}
