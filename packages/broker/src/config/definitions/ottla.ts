// Settings of Ottla's own, beside Kafka's, and Kafka's settings of brokers that can only be set while they run.
import type { Rows } from '../rows.ts'

export const ottlaBrokerRows = {
  'log.flush.mode': ['STRING', 'high', 'ack', 'one of os|interval|ack', 'cluster-wide'],
  'metrics.listener': ['STRING', 'medium', ''],
} as const satisfies Rows

export const ottlaTopicRows = {
  'flush.mode': ['STRING', 'high', 'ack', 'one of os|interval|ack'],
} as const satisfies Rows

/** Rates of replication in bytes per second: never in a file (org.apache.kafka.server.config.QuotaConfig.brokerQuotaConfigs). */
export const dynamicOnlyRows = {
  'follower.replication.throttled.rate': ['LONG', 'medium', '9223372036854775807', '>= 0', 'cluster-wide'],
  'leader.replication.throttled.rate': ['LONG', 'medium', '9223372036854775807', '>= 0', 'cluster-wide'],
  'replica.alter.log.dirs.io.max.bytes.per.second': ['LONG', 'medium', '9223372036854775807', '>= 0', 'cluster-wide'],
} as const satisfies Rows

const flushModes =
  'When an append reaches the device. "ack": before it is acknowledged, one flush for all appends that wait. "interval": at the latest ' +
  'the flush interval in milliseconds later (one second where none is set). "os": when the operating system writes it, as Apache Kafka does.'

export const documentation: Readonly<Record<string, string>> = {
  'log.flush.mode': flushModes,
  'flush.mode': `${flushModes} Falls back to log.flush.mode of the broker.`,
  'metrics.listener': 'host:port where metrics are served for Prometheus under /metrics; empty: nowhere.',
}
