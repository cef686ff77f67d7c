// The settings of a topic: what was set for it, else the broker's, else the default (org.apache.kafka.storage.internals.log.LogConfig).
import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { LogConfig } from '@ottla/storage'
import type { BrokerConfig } from './broker-config.ts'
import type { TopicSetting, TopicValue } from './definitions.ts'
import { topicDefinitions } from './definitions.ts'
import type { ConfigValue, Definition } from './types.ts'
import { canonicalText, ConfigError, parseValue } from './validate.ts'

/** What was set for a topic, as text by name. */
export type TopicOverrides = ReadonlyMap<string, string>

/** With flush mode `interval` and no interval, an append is on the device after this time. */
const FLUSH_INTERVAL_MS = 1000

/** The text that a setting of a topic or group has by the broker's settings or by its default, null for none. */
export function inheritedText(definition: Definition, config: BrokerConfig): string | null {
  for (const { name, factor } of definition.synonyms) {
    const text = config.text(name)
    if (text === null) continue
    if (factor === 1) return text
    const value = Number(config.valueOf(name))
    return String(value < 0 ? -1 : value * factor)
  }
  return definition.defaultText
}

/** The value of a topic's setting. An override that is not valid (any more) counts as not given. */
export function topicValue<N extends TopicSetting>(name: N, overrides: TopicOverrides, config: BrokerConfig): TopicValue<N>
export function topicValue(name: TopicSetting, overrides: TopicOverrides, config: BrokerConfig): ConfigValue {
  const definition = topicDefinitions.get(name)
  if (definition === undefined) throw new Error(`no such setting: ${name}`)
  return valueFor(definition, overrides.get(name), config)
}

function valueFor(definition: Definition, override: string | undefined, config: BrokerConfig): ConfigValue {
  if (override !== undefined) {
    try {
      return parseValue(definition, override)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
    }
  }
  // A broker's setting may lie outside the topic's own range (log.segment.bytes of old files), so only the type is looked at.
  return parseValue({ ...definition, validator: null }, inheritedText(definition, config))
}

/** Settings of a topic as its logs take them. */
export function topicLogConfig(overrides: TopicOverrides, config: BrokerConfig): LogConfig {
  const value = <N extends TopicSetting>(name: N): TopicValue<N> => topicValue(name, overrides, config)
  const policy = value('cleanup.policy')
  const flushMode = value('flush.mode')
  const flushMs = value('flush.ms')
  const retentionMs = value('retention.ms')
  return {
    cleanupPolicy: { compact: policy.includes('compact'), delete: policy.includes('delete') },
    compressionType: value('compression.type'),
    compressionGzipLevel: value('compression.gzip.level'),
    compressionLz4Level: value('compression.lz4.level'),
    compressionZstdLevel: value('compression.zstd.level'),
    deleteRetentionMs: value('delete.retention.ms'),
    fileDeleteDelayMs: value('file.delete.delay.ms'),
    flushMode,
    flushMessages: value('flush.messages'),
    flushMs: flushMode === 'interval' && flushMs === Number.MAX_SAFE_INTEGER ? FLUSH_INTERVAL_MS : flushMs,
    indexIntervalBytes: value('index.interval.bytes'),
    maxCompactionLagMs: value('max.compaction.lag.ms'),
    minCompactionLagMs: value('min.compaction.lag.ms'),
    maxMessageBytes: value('max.message.bytes'),
    messageTimestampAfterMaxMs: value('message.timestamp.after.max.ms'),
    messageTimestampBeforeMaxMs: value('message.timestamp.before.max.ms'),
    messageTimestampType: value('message.timestamp.type'),
    minCleanableDirtyRatio: value('min.cleanable.dirty.ratio'),
    minInsyncReplicas: value('min.insync.replicas'),
    preallocate: value('preallocate'),
    retentionBytes: value('retention.bytes'),
    retentionMs: retentionMs < 0 ? -1 : retentionMs,
    segmentBytes: value('internal.segment.bytes') ?? value('segment.bytes'),
    segmentIndexBytes: value('segment.index.bytes'),
    segmentJitterMs: value('segment.jitter.ms'),
    segmentMs: value('segment.ms'),
    uncleanLeaderElectionEnable: value('unclean.leader.election.enable'),
    leaderReplicationThrottledReplicas: value('leader.replication.throttled.replicas'),
    followerReplicationThrottledReplicas: value('follower.replication.throttled.replicas'),
  }
}

/** The text of a topic's setting as DescribeConfigs shows it, null for none. */
export function topicText(name: string, overrides: TopicOverrides, config: BrokerConfig): string | null {
  const definition = topicDefinitions.get(name)
  if (definition === undefined) return null
  const text = overrides.get(name) ?? inheritedText(definition, config)
  return text === null ? null : canonicalText(definition.type, text)
}

/** Checks what shall be set for a topic, all of it. Throws KafkaError INVALID_CONFIG with Kafka's words. */
export function validateTopicConfigs(overrides: TopicOverrides, config: BrokerConfig): void {
  for (const name of overrides.keys())
    if (!topicDefinitions.has(name)) throw new KafkaError(ErrorCode.INVALID_CONFIG, `Unknown topic config name: ${name}`)
  checkAll(topicDefinitions, overrides)
  const min = topicValue('min.compaction.lag.ms', overrides, config)
  const max = topicValue('max.compaction.lag.ms', overrides, config)
  if (min > max)
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      `conflict topic config setting min.compaction.lag.ms (${min}) > max.compaction.lag.ms (${max})`,
    )
  if (topicValue('remote.storage.enable', overrides, config))
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    )
}

/** Checks the values of settings that are known. Throws KafkaError INVALID_CONFIG with Kafka's words. */
export function checkAll(definitions: ReadonlyMap<string, Definition>, texts: ReadonlyMap<string, string>): void {
  for (const [name, text] of texts) {
    const definition = definitions.get(name)
    if (definition === undefined) continue
    try {
      parseValue(definition, text)
    } catch (error) {
      if (error instanceof ConfigError) throw new KafkaError(ErrorCode.INVALID_CONFIG, error.message)
      throw error
    }
  }
}
