// Settings of a fetcher: KafkaJS's names and defaults where KafkaJS has them.
import type { OffsetReset, TopicPartition } from '../parts.ts'

/** A position that was not there and was set anew. */
export interface PositionReset extends TopicPartition {
  readonly from: number
  readonly to: number
  /** What happened: nothing to begin with, an offset that the log does not have, or a log that lost records (KIP-320). */
  readonly reason: 'unset' | 'out-of-range' | 'truncated'
}

/** What a fetcher tells while it works; none of it may throw. */
export interface FetchEvents {
  /** A request is sent (KafkaJS's `consumer.fetch_start`). */
  fetchStart?(about: { readonly nodeId: number }): void
  /** It was answered (`consumer.fetch`); `duration` in ms. */
  fetch?(about: { readonly nodeId: number; readonly numberOfBatches: number; readonly duration: number }): void
  positionReset?(reset: PositionReset): void
}

export interface FetcherOptions {
  /** The most that is asked for of one partition, 1 MiB. A larger batch comes as a whole. */
  readonly maxBytesPerPartition?: number
  /** The broker waits until there is so much, 1. */
  readonly minBytes?: number
  /** The most that is asked for of one broker, 10 MiB. */
  readonly maxBytes?: number
  /** How long the broker waits, 5,000 ms; shorter where `minBytes` is not above 1, so that changes are not held up. */
  readonly maxWaitTimeInMs?: number
  /** Whether records of open and aborted transactions are read too; no. */
  readonly readUncommitted?: boolean
  /** For reading from the nearest replica (KIP-392). */
  readonly rackId?: string
  /** The most memory for answers that were read ahead or are in hand, 64 MiB. One answer is always allowed. */
  readonly bufferMemory?: number
  /** Where to begin when a position is not there, 'latest'; for a topic, or for all. */
  readonly offsetReset?: OffsetReset | ((topic: string) => OffsetReset)
  /** Whether checksums are looked at, true. */
  readonly checkCrcs?: boolean
  /** How long a replica that the leader named is read from before the leader is asked again, 5 min (`metadataMaxAge`). */
  readonly preferredReplicaMaxAgeMs?: number
  readonly events?: FetchEvents
}

export interface FetcherSettings extends Required<Omit<FetcherOptions, 'offsetReset'>> {
  readonly offsetReset: (topic: string) => OffsetReset
}

/** Options with every default filled in. */
export function fetcherSettings(options: FetcherOptions): FetcherSettings {
  const { offsetReset = 'latest' } = options
  return {
    maxBytesPerPartition: options.maxBytesPerPartition ?? 1_048_576,
    minBytes: options.minBytes ?? 1,
    maxBytes: options.maxBytes ?? 10_485_760,
    maxWaitTimeInMs: options.maxWaitTimeInMs ?? 5000,
    readUncommitted: options.readUncommitted ?? false,
    rackId: options.rackId ?? '',
    bufferMemory: options.bufferMemory ?? 64 * 1024 * 1024,
    checkCrcs: options.checkCrcs ?? true,
    preferredReplicaMaxAgeMs: options.preferredReplicaMaxAgeMs ?? 300_000,
    events: options.events ?? {},
    offsetReset: typeof offsetReset === 'function' ? offsetReset : () => offsetReset,
  }
}
