// The limits of the network from the settings of the broker.
import { connectionOverrides } from './config/index.ts'
import type { BrokerConfig } from './config/index.ts'
import type { NetworkLimits } from './network/index.ts'
import { defaultLimits } from './network/index.ts'

/** What connections and requests may take. Where Kafka sets no bound to waiting requests (-1), the default one or one request stays. */
export function networkLimits(config: BrokerConfig): Partial<NetworkLimits> {
  const requestMaxBytes = config.value('socket.request.max.bytes')
  const queued = config.value('queued.max.request.bytes')
  return {
    requestMaxBytes,
    queuedRequestBytes: queued > 0 ? queued : Math.max(defaultLimits.queuedRequestBytes, requestMaxBytes),
    idleMs: config.value('connections.max.idle.ms'),
    maxConnections: config.value('max.connections'),
    maxConnectionsPerIp: config.value('max.connections.per.ip'),
    maxConnectionsPerIpOverrides: connectionOverrides(config.value('max.connections.per.ip.overrides')) ?? new Map(),
  }
}
