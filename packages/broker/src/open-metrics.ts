// Metrics of a broker: from which parts they are read, and where they are served.
import type { Metadata } from '@ottla/metadata'
import type { LogManager } from '@ottla/storage'
import type { World } from './broker-parts.ts'
import { parseAddress } from './config/address.ts'
import { topicValue } from './config/index.ts'
import type { GroupMetricsSources } from './metrics/group-metrics.ts'
import type { TransactionMetricsSources } from './metrics/transaction-metrics.ts'
import type { NetworkCounters } from './network/index.ts'
import type { Replicas } from './replica/replicas.ts'

/** Serves them where `metrics.listener` says. Returns the address, null where nobody asked, or the port is taken: that is only logged. */
export async function openMetrics(
  world: World,
  parts: {
    metadata: Metadata
    logs: LogManager
    replicas: Replicas
    network: NetworkCounters
    groups: GroupMetricsSources
    transactions: TransactionMetricsSources
  },
): Promise<string | null> {
  const { config, logger, closers } = world
  const address = parseAddress(config.value('metrics.listener'))
  if (address === null) return null
  const { MetricsServer, brokerMetrics } = await import('./metrics/index.ts')
  const { metadata, logs, replicas, network, groups, transactions } = parts
  const families = brokerMetrics({
    nodeId: config.nodeId,
    image: () => metadata.image,
    logs,
    network,
    topics: () => replicas.topics,
    groups,
    transactions,
    minInSync: topic => topicValue('min.insync.replicas', metadata.image.config('topic', topic), config),
  })
  const { host } = address
  try {
    const server = await MetricsServer.open({ ...address, families, logger })
    closers.push(() => server.close())
    return `http://${host === '' ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${server.port}/metrics`
  } catch (error) {
    const message = `no metrics: cannot listen on ${config.value('metrics.listener')} (${error instanceof Error ? error.message : String(error)})`
    logger.warn({}, `${message}. Choose another address, or none, with metrics.listener`)
    return null
  }
}
