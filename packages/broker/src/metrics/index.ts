import type { NetworkCounters } from '../network/index.ts'
import type { TopicCounters } from '../replica/topic-counters.ts'
import type { ClusterSources } from './cluster-metrics.ts'
import { clusterMetrics } from './cluster-metrics.ts'
import type { Family } from './family.ts'
import { groupMetrics, type GroupMetricsSources } from './group-metrics.ts'
import { loopMetrics } from './loop-metrics.ts'
import { networkMetrics } from './network-metrics.ts'
import { topicMetrics } from './topic-metrics.ts'
import { transactionMetrics, type TransactionMetricsSources } from './transaction-metrics.ts'

export type { Family, Sample } from './family.ts'
export { MetricsServer, type MetricsServerOptions } from './metrics-server.ts'

/** Where the metrics of a broker come from. */
export interface MetricsSources extends ClusterSources {
  readonly network: NetworkCounters
  readonly topics: () => Iterable<{ readonly name: string; readonly counters: TopicCounters }>
  readonly groups: GroupMetricsSources
  readonly transactions: TransactionMetricsSources
}

/** All metrics of a broker. */
export const brokerMetrics = (sources: MetricsSources): Family[] => [
  ...topicMetrics(sources.topics),
  ...clusterMetrics(sources),
  ...groupMetrics(sources.groups),
  ...transactionMetrics(sources.transactions),
  ...networkMetrics(sources.network),
  ...loopMetrics(),
]
