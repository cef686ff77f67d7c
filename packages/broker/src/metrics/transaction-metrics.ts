// Transactions that this broker coordinates, and those that hold back readers of its partitions. Transactional ids are whatever clients
// chose, and as many: they are in the log, and no labels.
import type { TransactionPartition } from '@ottla/coordinator'
import type { Family } from './family.ts'
import { single } from './family.ts'

/** Where the numbers come from. */
export interface TransactionMetricsSources {
  readonly led: () => readonly Pick<TransactionPartition, 'open' | 'size'>[]
  readonly watch: { readonly latePartitions: number }
}

/** What is shown until the next scrape. */
interface Shown {
  ids: number
  open: number
  waitingForMarkers: number
  pendingMarkers: number
  oldestMs: number
}

/** Everything about transactions. */
export function transactionMetrics({ led, watch }: TransactionMetricsSources): Family[] {
  const shown: Shown = { ids: 0, open: 0, waitingForMarkers: 0, pendingMarkers: 0, oldestMs: 0 }
  const refresh = async (): Promise<void> => {
    Object.assign(shown, { ids: 0, open: 0, waitingForMarkers: 0, pendingMarkers: 0, oldestMs: 0 })
    for (const { open, size } of led()) {
      shown.ids += size
      shown.open += open.count
      shown.waitingForMarkers += open.waitingForMarkers
      for (const { ageMs, pendingMarkers } of open) {
        shown.pendingMarkers += pendingMarkers
        shown.oldestMs = Math.max(shown.oldestMs, ageMs)
      }
    }
  }
  const gauge = (name: string, help: string, value: () => number): Family => ({ ...single({ name, help, type: 'gauge' }, value), refresh })
  return [
    gauge('kafka_server_replicamanager_partitionswithlatetransactionscount', 'Partitions with a transaction that was left behind', () => {
      const { latePartitions } = watch
      return latePartitions
    }),
    gauge('ottla_transactional_ids', 'Transactional ids that this broker coordinates', () => shown.ids),
    gauge('ottla_transactions_open', 'Transactions under way', () => shown.open),
    gauge(
      'ottla_transactions_ending',
      'Transactions whose outcome is decided and not yet in all partitions',
      () => shown.waitingForMarkers,
    ),
    gauge('ottla_transactions_pending_markers', 'Partitions that wait for the end of a transaction', () => shown.pendingMarkers),
    gauge('ottla_transactions_oldest_seconds', 'Age of the oldest transaction under way', () => shown.oldestMs / 1000),
  ]
}
