// Node has no threads for the network and for requests. Where Kafka tells how idle those are, the share of time stands in which the event
// loop had nothing to do since it was last asked.
import { performance } from 'node:perf_hooks'
import type { Family } from './family.ts'
import { single } from './family.ts'

/** How idle the event loop is, under both of Kafka's names. */
export function loopMetrics(): Family[] {
  let last = performance.eventLoopUtilization()
  let idle = 1 - last.utilization
  const measure = (): number => {
    const now = performance.eventLoopUtilization()
    idle = 1 - performance.eventLoopUtilization(now, last).utilization
    last = now
    return idle
  }
  return [
    single(
      { name: 'kafka_network_socketserver_networkprocessoravgidle_percent', help: 'Idle share of the event loop, 0 to 1', type: 'gauge' },
      measure,
    ),
    single({ name: 'kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent', help: 'The same', type: 'gauge' }, () => idle),
  ]
}
