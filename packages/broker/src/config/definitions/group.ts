// Settings of a group in Apache Kafka 4.3 (org.apache.kafka.coordinator.group.GroupConfig).
import type { Rows } from '../rows.ts'

export const groupRows = {
  'consumer.assignment.interval.ms': ['INT', 'medium', '1000', '>= 0'],
  'consumer.heartbeat.interval.ms': ['INT', 'medium', '5000', '>= 1'],
  'consumer.session.timeout.ms': ['INT', 'medium', '45000', '>= 1'],
  'share.assignment.interval.ms': ['INT', 'medium', '1000', '>= 0'],
  'share.auto.offset.reset': ['STRING', 'medium', 'latest', 'offset reset latest|earliest'],
  'share.delivery.count.limit': ['INT', 'medium', '5', '>= 2'],
  'share.heartbeat.interval.ms': ['INT', 'medium', '5000', '>= 1'],
  'share.isolation.level': ['STRING', 'medium', 'read_uncommitted', 'one of read_committed|read_uncommitted'],
  'share.partition.max.record.locks': ['INT', 'medium', '2000', '>= 100'],
  'share.record.lock.duration.ms': ['INT', 'medium', '30000', '>= 1000'],
  'share.renew.acknowledge.enable': ['BOOLEAN', 'medium', 'true'],
  'share.session.timeout.ms': ['INT', 'medium', '45000', '>= 1'],
  'streams.assignment.interval.ms': ['INT', 'medium', '1000', '>= 0'],
  'streams.heartbeat.interval.ms': ['INT', 'medium', '5000', '>= 1'],
  'streams.initial.rebalance.delay.ms': ['INT', 'medium', '3000', '>= 0'],
  'streams.num.standby.replicas': ['INT', 'medium', '0', '>= 0'],
  'streams.session.timeout.ms': ['INT', 'medium', '45000', '>= 1'],
} as const satisfies Rows
