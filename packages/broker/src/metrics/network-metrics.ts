// Requests and connections, with the names that jmx_exporter gives to those of Apache Kafka.
import type { ApiCounters, NetworkCounters } from '../network/index.ts'
import type { Family, Sample } from './family.ts'
import { families } from './family.ts'

const quantiles = [0.5, 0.75, 0.95, 0.98, 0.99, 0.999]

/** Everything that the network counts. Times come from buckets of powers of two, so a quantile is at most twice the true one. */
export function networkMetrics(counters: NetworkCounters): Family[] {
  const apis = () => counters.apis.filter(api => api !== undefined)
  const listeners = () => counters.listeners
  return [
    {
      name: 'kafka_network_requestmetrics_requests_total',
      help: 'Requests by API and version',
      type: 'counter',
      labels: ['request', 'version'],
      *samples() {
        for (const api of apis()) {
          for (const [version, value] of api.requestsByVersion.entries())
            if (value > 0) yield { labels: { request: api.name, version: String(version) }, value }
        }
      },
    },
    ...families(apis, { names: ['request'], of: ({ name }) => ({ request: name }) }, [
      { name: 'kafka_network_requestmetrics_totaltimems_count', help: 'Answered requests', type: 'counter', value: api => api.responses },
      {
        name: 'kafka_network_requestmetrics_errors_total',
        help: 'Requests that ended the connection',
        type: 'counter',
        value: api => api.failures,
      },
      {
        name: 'kafka_network_requestmetrics_requestbytes_total',
        help: 'Bytes of requests',
        type: 'counter',
        value: api => api.requestBytes,
      },
      {
        name: 'kafka_network_requestmetrics_responsebytes_total',
        help: 'Bytes of responses',
        type: 'counter',
        value: api => api.responseBytes,
      },
    ]),
    {
      name: 'kafka_network_requestmetrics_totaltimems',
      help: 'Milliseconds from the last byte of a request to the hand-over of its response, since the start',
      type: 'gauge',
      labels: ['request', 'quantile'],
      *samples() {
        for (const api of apis()) yield* timesOf(api)
      },
    },
    ...families(listeners, { names: ['listener'], of: ({ name }) => ({ listener: name }) }, [
      {
        name: 'kafka_server_socket_server_metrics_connection_count',
        help: 'Open connections',
        type: 'gauge',
        value: one => one.connections,
      },
      {
        name: 'kafka_server_socket_server_metrics_connection_creation_total',
        help: 'Connections accepted',
        type: 'counter',
        value: one => one.accepted,
      },
      {
        name: 'kafka_server_socket_server_metrics_connection_rejected_total',
        help: 'Connections turned away',
        type: 'counter',
        value: one => one.rejected,
      },
      {
        name: 'kafka_server_socket_server_metrics_connection_close_total',
        help: 'Connections closed by the broker',
        type: 'counter',
        value: one => one.closedIdle + one.closedSlow + one.closedBroken,
      },
      {
        name: 'kafka_server_socket_server_metrics_incoming_byte_total',
        help: 'Bytes received',
        type: 'counter',
        value: one => one.bytesIn,
      },
      { name: 'kafka_server_socket_server_metrics_outgoing_byte_total', help: 'Bytes sent', type: 'counter', value: one => one.bytesOut },
    ]),
  ]
}

function* timesOf(api: ApiCounters): Generator<Sample> {
  const total = api.responses
  if (total === 0) return
  let seen = 0
  let next = 0
  for (const [bucket, count] of api.timeBuckets.entries()) {
    seen += count
    while (next < quantiles.length && seen >= (quantiles[next] ?? 1) * total) {
      const timeUs = Math.min(2 ** bucket, api.maxTimeUs)
      yield { labels: { request: api.name, quantile: String(quantiles[next]) }, value: timeUs / 1000 }
      next++
    }
  }
}
