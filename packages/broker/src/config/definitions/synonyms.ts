// The broker settings that a topic or group setting falls back to, in this order; `factor` turns their unit into that of the topic setting
// (org.apache.kafka.server.config.ServerTopicConfigSynonyms, GroupConfig).
import type { Synonym } from '../types.ts'

export const topicSynonyms: Readonly<Record<string, readonly Synonym[]>> = {
  'cleanup.policy': [{ name: 'log.cleanup.policy', factor: 1 }],
  'compression.gzip.level': [{ name: 'compression.gzip.level', factor: 1 }],
  'compression.lz4.level': [{ name: 'compression.lz4.level', factor: 1 }],
  'compression.type': [{ name: 'compression.type', factor: 1 }],
  'compression.zstd.level': [{ name: 'compression.zstd.level', factor: 1 }],
  'delete.retention.ms': [{ name: 'log.cleaner.delete.retention.ms', factor: 1 }],
  'file.delete.delay.ms': [{ name: 'log.segment.delete.delay.ms', factor: 1 }],
  'flush.messages': [{ name: 'log.flush.interval.messages', factor: 1 }],
  'flush.ms': [
    { name: 'log.flush.interval.ms', factor: 1 },
    { name: 'log.flush.scheduler.interval.ms', factor: 1 },
  ],
  'index.interval.bytes': [{ name: 'log.index.interval.bytes', factor: 1 }],
  'local.retention.bytes': [{ name: 'log.local.retention.bytes', factor: 1 }],
  'local.retention.ms': [{ name: 'log.local.retention.ms', factor: 1 }],
  'max.compaction.lag.ms': [{ name: 'log.cleaner.max.compaction.lag.ms', factor: 1 }],
  'max.message.bytes': [{ name: 'message.max.bytes', factor: 1 }],
  'message.timestamp.after.max.ms': [{ name: 'log.message.timestamp.after.max.ms', factor: 1 }],
  'message.timestamp.before.max.ms': [{ name: 'log.message.timestamp.before.max.ms', factor: 1 }],
  'message.timestamp.type': [{ name: 'log.message.timestamp.type', factor: 1 }],
  'min.cleanable.dirty.ratio': [{ name: 'log.cleaner.min.cleanable.ratio', factor: 1 }],
  'min.compaction.lag.ms': [{ name: 'log.cleaner.min.compaction.lag.ms', factor: 1 }],
  'min.insync.replicas': [{ name: 'min.insync.replicas', factor: 1 }],
  preallocate: [{ name: 'log.preallocate', factor: 1 }],
  'retention.bytes': [{ name: 'log.retention.bytes', factor: 1 }],
  'retention.ms': [
    { name: 'log.retention.ms', factor: 1 },
    { name: 'log.retention.minutes', factor: 60000 },
    { name: 'log.retention.hours', factor: 3600000 },
  ],
  'segment.bytes': [{ name: 'log.segment.bytes', factor: 1 }],
  'segment.index.bytes': [{ name: 'log.index.size.max.bytes', factor: 1 }],
  'segment.jitter.ms': [
    { name: 'log.roll.jitter.ms', factor: 1 },
    { name: 'log.roll.jitter.hours', factor: 3600000 },
  ],
  'segment.ms': [
    { name: 'log.roll.ms', factor: 1 },
    { name: 'log.roll.hours', factor: 3600000 },
  ],
  'unclean.leader.election.enable': [{ name: 'unclean.leader.election.enable', factor: 1 }],
}

/** The one broker setting that a group setting falls back to. */
export const groupSynonyms: Readonly<Record<string, string>> = {
  'consumer.assignment.interval.ms': 'group.consumer.assignment.interval.ms',
  'consumer.heartbeat.interval.ms': 'group.consumer.heartbeat.interval.ms',
  'consumer.session.timeout.ms': 'group.consumer.session.timeout.ms',
  'share.assignment.interval.ms': 'group.share.assignment.interval.ms',
  'share.delivery.count.limit': 'group.share.delivery.count.limit',
  'share.heartbeat.interval.ms': 'group.share.heartbeat.interval.ms',
  'share.partition.max.record.locks': 'group.share.partition.max.record.locks',
  'share.record.lock.duration.ms': 'group.share.record.lock.duration.ms',
  'share.session.timeout.ms': 'group.share.session.timeout.ms',
  'streams.assignment.interval.ms': 'group.streams.assignment.interval.ms',
  'streams.heartbeat.interval.ms': 'group.streams.heartbeat.interval.ms',
  'streams.initial.rebalance.delay.ms': 'group.streams.initial.rebalance.delay.ms',
  'streams.num.standby.replicas': 'group.streams.num.standby.replicas',
  'streams.session.timeout.ms': 'group.streams.session.timeout.ms',
}
