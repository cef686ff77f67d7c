// The settings of one topic as the log sees them: Kafka's topic configs (org.apache.kafka.storage.internals.log.LogConfig) and
// `flush.mode`, typed, with the unit at the end of each name. Java's Long.MAX_VALUE, "never", is Number.MAX_SAFE_INTEGER here.

/**
 * When an append is on the device. `os`: whenever the operating system writes it, as Kafka does by default. `interval`: at the latest
 * `flushMs` after the append. `ack`: before it is acknowledged. In every mode `flushMessages` and `flushMs` also cause flushes.
 */
export type FlushMode = 'os' | 'interval' | 'ack'

/** `compression.type`: `producer` keeps what the producer chose. */
export type CompressionSetting = 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export interface LogConfig {
  /** `cleanup.policy`; both may be set, and neither (then nothing is ever removed). */
  readonly cleanupPolicy: { readonly compact: boolean; readonly delete: boolean }
  /** `compression.type` and its levels. */
  readonly compressionType: CompressionSetting
  readonly compressionGzipLevel: number
  readonly compressionLz4Level: number
  readonly compressionZstdLevel: number
  /** `delete.retention.ms`: how long tombstones and markers stay in a compacted log. */
  readonly deleteRetentionMs: number
  /** `file.delete.delay.ms`: from the renaming to `.deleted` until the unlinking. */
  readonly fileDeleteDelayMs: number
  /** `flush.mode`. */
  readonly flushMode: FlushMode
  /** `flush.messages`: a flush after this many records. */
  readonly flushMessages: number
  /** `flush.ms`: a flush at the latest this long after an append. */
  readonly flushMs: number
  /** `index.interval.bytes`: an index entry about each so many bytes of log. */
  readonly indexIntervalBytes: number
  /** `max.compaction.lag.ms` and `min.compaction.lag.ms`. */
  readonly maxCompactionLagMs: number
  readonly minCompactionLagMs: number
  /** `max.message.bytes`: the largest record batch, with its header. */
  readonly maxMessageBytes: number
  /** `message.timestamp.after.max.ms` and `message.timestamp.before.max.ms`: how far a record's CreateTime may lie from the broker's clock. */
  readonly messageTimestampAfterMaxMs: number
  readonly messageTimestampBeforeMaxMs: number
  /** `message.timestamp.type`. */
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  /** `min.cleanable.dirty.ratio`, 0 to 1. */
  readonly minCleanableDirtyRatio: number
  /** `min.insync.replicas`. */
  readonly minInsyncReplicas: number
  /** `preallocate`: segments get their full size at once. Known and ignored: files grow as they are written. */
  readonly preallocate: boolean
  /** `retention.bytes` of the partition and `retention.ms`; -1 is without limit. */
  readonly retentionBytes: number
  readonly retentionMs: number
  /** `segment.bytes`, or `internal.segment.bytes` where that is set (it may be smaller than the public minimum of 1 MiB). */
  readonly segmentBytes: number
  /** `segment.index.bytes`: the room for entries of an offset index and of a time index. */
  readonly segmentIndexBytes: number
  /** `segment.jitter.ms`: the most that is taken at random from `segmentMs`, so that logs do not all roll at once. */
  readonly segmentJitterMs: number
  /** `segment.ms`. */
  readonly segmentMs: number
  /** `unclean.leader.election.enable`. */
  readonly uncleanLeaderElectionEnable: boolean
  /** `leader.replication.throttled.replicas` and `follower.replication.throttled.replicas` as given ('partition:broker' or '*'). */
  readonly leaderReplicationThrottledReplicas: readonly string[]
  readonly followerReplicationThrottledReplicas: readonly string[]
}

const NEVER = Number.MAX_SAFE_INTEGER
const DAY_MS = 24 * 60 * 60 * 1000

/** Kafka's defaults, and the flush mode `ack`. */
export const defaultLogConfig: LogConfig = {
  cleanupPolicy: { compact: false, delete: true },
  compressionType: 'producer',
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  deleteRetentionMs: DAY_MS,
  fileDeleteDelayMs: 60_000,
  flushMode: 'ack',
  flushMessages: NEVER,
  flushMs: NEVER,
  indexIntervalBytes: 4096,
  maxCompactionLagMs: NEVER,
  minCompactionLagMs: 0,
  maxMessageBytes: 1_048_588,
  messageTimestampAfterMaxMs: 60 * 60 * 1000,
  messageTimestampBeforeMaxMs: NEVER,
  messageTimestampType: 'CreateTime',
  minCleanableDirtyRatio: 0.5,
  minInsyncReplicas: 1,
  preallocate: false,
  retentionBytes: -1,
  retentionMs: 7 * DAY_MS,
  segmentBytes: 1024 * 1024 * 1024,
  segmentIndexBytes: 10 * 1024 * 1024,
  segmentJitterMs: 0,
  segmentMs: 7 * DAY_MS,
  uncleanLeaderElectionEnable: false,
  leaderReplicationThrottledReplicas: [],
  followerReplicationThrottledReplicas: [],
}

/** The longest time that a segment stays the active one: a compacted topic also rolls for the sake of `maxCompactionLagMs`. */
export const maxSegmentMs = (config: LogConfig): number =>
  config.cleanupPolicy.compact && config.maxCompactionLagMs > 0 ? Math.min(config.maxCompactionLagMs, config.segmentMs) : config.segmentMs
