// Consumer groups that this broker coordinates: what kafka_exporter shows, what jmx_exporter makes of Kafka's GroupCoordinatorMetrics, and
// their rebalances. Group ids are whatever clients chose; reasons of rebalances are free text, and so no label.
import type { Group, GroupState, OffsetCounts } from '@ottla/coordinator'
import type { GroupLag, LagReport, LedGroups, PartitionLag, TopicLag } from '../coordinator/group-lag.ts'
import type { RebalanceHistory } from '../coordinator/rebalance-history.ts'
import type { Family, Sample } from './family.ts'
import { families, single } from './family.ts'

/** Where the numbers come from. */
export interface GroupMetricsSources {
  readonly led: () => readonly LedGroups[]
  readonly lag: Pick<GroupLag, 'report'>
  readonly history: RebalanceHistory
}

/** What is shown until the next scrape. */
class Shown {
  report: LagReport = { groups: [], omitted: 0 }
  /** Only grow, unlike those of the partitions, which go when another broker leads them. */
  readonly counts: OffsetCounts = { committed: 0, expired: 0, deleted: 0 }
  /** Committed offsets. */
  size = 0
  /** Groups by kind, and by kind and state. */
  readonly groups = new Map<string, number>()
  readonly #counted = new WeakMap<OffsetCounts, OffsetCounts>()
  readonly #sources: GroupMetricsSources
  #running: Promise<void> | null = null

  constructor(sources: GroupMetricsSources) {
    this.#sources = sources
  }

  /** All families of a scrape share one. */
  readonly refresh = (): Promise<void> => {
    this.#running ??= this.#refresh().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  async #refresh(): Promise<void> {
    const { lag, led, history } = this.#sources
    this.report = await lag.report()
    const partitions = led()
    this.size = 0
    this.groups.clear()
    for (const { groups, offsets } of partitions) {
      this.size += offsets.size
      this.#count(offsets.counts)
      for (const { kind, state } of groups.values())
        for (const counted of [kind, `${kind} ${state}`]) this.groups.set(counted, (this.groups.get(counted) ?? 0) + 1)
    }
    history.retain(groupId => partitions.some(({ groups }) => groups.has(groupId)))
  }

  #count(now: OffsetCounts): void {
    const before = this.#counted.get(now) ?? { committed: 0, expired: 0, deleted: 0 }
    for (const name of ['committed', 'expired', 'deleted'] as const) this.counts[name] += now[name] - before[name]
    this.#counted.set(now, { ...now })
  }
}

/** Everything about groups. */
export function groupMetrics(sources: GroupMetricsSources): Family[] {
  const shown = new Shown(sources)
  return [...exporterMetrics(shown), ...stateMetrics(shown), ...offsetMetrics(shown), ...rebalanceMetrics(sources.history)].map(family => ({
    ...family,
    refresh: shown.refresh,
  }))
}

interface OfTopic {
  readonly group: Group
  readonly topic: TopicLag
}
interface OfPartition extends OfTopic {
  readonly one: PartitionLag
}

const ofTopic = ({ group, topic }: OfTopic) => ({ consumergroup: group.groupId, topic: topic.topic })
const ofPartition = ({ one, ...rest }: OfPartition) => ({ ...ofTopic(rest), partition: String(one.partition) })

/** What kafka_exporter shows, and the age of what a group has not read yet. */
function exporterMetrics(shown: Shown): Family[] {
  const topics = function* (): Generator<OfTopic> {
    for (const { group, topics: ofGroup } of shown.report.groups) for (const topic of ofGroup) yield { group, topic }
  }
  const partitions = function* (): Generator<OfPartition> {
    for (const { group, topic } of topics()) for (const one of topic.partitions ?? []) yield { group, topic, one }
  }
  const byTopic = (name: string, help: string, value: (topic: TopicLag) => number | null): Family =>
    known({ name, help, labels: ['consumergroup', 'topic'] }, topics, { labels: ofTopic, value: ({ topic }) => value(topic) })
  const byPartition = (name: string, help: string, value: (one: PartitionLag) => number | null): Family =>
    known({ name, help, labels: ['consumergroup', 'topic', 'partition'] }, partitions, {
      labels: ofPartition,
      value: ({ one }) => value(one),
    })
  return [
    ...families(() => shown.report.groups, { names: ['consumergroup'], of: ({ group }) => ({ consumergroup: group.groupId }) }, [
      { name: 'kafka_consumergroup_members', help: 'Members of a group', type: 'gauge', value: ({ group }) => group.memberCount },
    ]),
    byPartition('kafka_consumergroup_current_offset', 'Committed offset', one => one.currentOffset),
    byTopic('kafka_consumergroup_current_offset_sum', 'Committed offsets of all partitions', topic => topic.currentOffsetSum),
    byPartition('kafka_consumergroup_lag', 'Records between the committed offset and the high watermark', one => one.lag),
    byTopic('kafka_consumergroup_lag_sum', 'Lag of all partitions', topic => topic.lagSum),
    byPartition('kafka_consumergroup_lag_seconds', 'Age of the first record after the committed offset', one => one.lagSeconds),
    single(
      {
        name: 'kafka_consumergroup_omitted',
        help: 'Groups of which some series or all are left out, as there are too many',
        type: 'gauge',
      },
      () => shown.report.omitted,
    ),
  ]
}

/** A gauge of what is known. */
const known = <T>(
  family: Pick<Family, 'name' | 'help' | 'labels'>,
  things: () => Iterable<T>,
  of: { readonly labels: (thing: T) => Sample['labels']; readonly value: (thing: T) => number | null },
): Family => ({
  ...family,
  type: 'gauge',
  *samples() {
    for (const thing of things()) {
      const value = of.value(thing)
      if (value !== null) yield { labels: of.labels(thing), value }
    }
  },
})

const classicStates: readonly GroupState[] = ['PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead', 'Empty']
const consumerStates: readonly GroupState[] = ['Empty', 'Assigning', 'Reconciling', 'Stable', 'Dead']

/** Groups by kind and state. */
function stateMetrics({ groups }: Shown): Family[] {
  const count = (kind: Group['kind'], state?: GroupState): number => groups.get(state === undefined ? kind : `${kind} ${state}`) ?? 0
  const classic = (name: string, help: string, state?: GroupState): Family =>
    single({ name: `kafka_coordinator_group_groupmetadatamanager_${name}`, help, type: 'gauge' }, () => count('classic', state))
  return [
    classic('numgroups', 'Classic groups'),
    ...classicStates.map(state => classic(`numgroups${state.toLowerCase()}`, `Classic groups that are ${state}`, state)),
    {
      name: 'kafka_server_group_coordinator_metrics_group_count',
      help: 'Groups by protocol',
      type: 'gauge',
      labels: ['protocol'],
      samples: () => (['classic', 'consumer'] as const).map(protocol => ({ labels: { protocol }, value: count(protocol) })),
    },
    {
      name: 'kafka_server_group_coordinator_metrics_consumer_group_count',
      help: 'Consumer groups by state',
      type: 'gauge',
      labels: ['state'],
      samples: () => consumerStates.map(state => ({ labels: { state }, value: count('consumer', state) })),
    },
  ]
}

const counter = (name: string, help: string, value: () => number): Family =>
  single({ name: `kafka_server_group_coordinator_metrics_${name}`, help, type: 'counter' }, value)

/** How many offsets there are, and what became of others. */
function offsetMetrics(shown: Shown): Family[] {
  const { counts } = shown
  return [
    single({ name: 'kafka_coordinator_group_groupmetadatamanager_numoffsets', help: 'Committed offsets', type: 'gauge' }, () => shown.size),
    counter('offset_commit_count', 'Offsets that were committed', () => counts.committed),
    counter('offset_expiration_count', 'Offsets that expired', () => counts.expired),
    counter('offset_deletion_count', 'Offsets that were deleted', () => counts.deleted),
  ]
}

/** Rebalances, of all groups and of each. */
function rebalanceMetrics(history: RebalanceHistory): Family[] {
  return [
    counter('group_completed_rebalance_count', 'Rebalances of classic groups', () => history.completed.classic),
    counter('consumer_group_rebalance_count', 'Rebalances of consumer groups', () => history.completed.consumer),
    ...families(() => history.totals(), { names: ['consumergroup'], of: ([groupId]) => ({ consumergroup: groupId }) }, [
      { name: 'kafka_consumergroup_rebalances_total', help: 'Rebalances of a group', type: 'counter', value: ([, { count }]) => count },
      {
        name: 'kafka_consumergroup_rebalance_seconds_total',
        help: 'Time in which a group rebalanced',
        type: 'counter',
        value: ([, { durationMs }]) => durationMs / 1000,
      },
      {
        name: 'kafka_consumergroup_last_rebalance_timestamp_seconds',
        help: 'When the last rebalance of a group began',
        type: 'gauge',
        value: ([, { lastStartedAtMs }]) => lastStartedAtMs / 1000,
      },
    ]),
  ]
}
