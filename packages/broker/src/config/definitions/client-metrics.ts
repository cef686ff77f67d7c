// Settings of a client metrics subscription in Apache Kafka 4.3 (org.apache.kafka.server.metrics.ClientMetricsConfigs).
import type { Rows } from '../rows.ts'

export const clientMetricsRows = {
  'interval.ms': ['INT', 'medium', '300000'],
  match: ['LIST', 'medium', '', 'list(empty)'],
  metrics: ['LIST', 'medium', '', 'list(empty)'],
} as const satisfies Rows
