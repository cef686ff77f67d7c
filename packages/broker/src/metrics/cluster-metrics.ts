// Partitions, logs and the cluster, with the names that jmx_exporter gives to those of Apache Kafka and those of kafka_exporter.
import type { ClusterImage, PartitionImage } from '@ottla/metadata'
import type { Log, LogManager } from '@ottla/storage'
import type { Family } from './family.ts'
import { families, single } from './family.ts'

/** Where the numbers come from. */
export interface ClusterSources {
  readonly nodeId: number
  readonly image: () => ClusterImage
  readonly logs: LogManager
  /** `min.insync.replicas` of a topic. */
  readonly minInSync: (topic: string) => number
}

interface Placed {
  readonly topic: string
  readonly number: number
  readonly partition: PartitionImage
}

/** A partition with its log on this broker. */
interface Here extends Placed {
  readonly log: Log
}

const isUnderReplicated = ({ partition }: Placed): boolean => partition.isr.length < partition.replicas.length

function count(things: Iterable<Placed>, counts: (one: Placed) => boolean = () => true): number {
  let total = 0
  for (const one of things) if (counts(one)) total++
  return total
}

const gauge = (name: string, help: string, value: () => number): Family => single({ name, help, type: 'gauge' }, value)

/** Everything that the cluster and the logs can tell. */
export function clusterMetrics(sources: ClusterSources): Family[] {
  const { image, logs, nodeId } = sources
  const all = function* (): Generator<Placed> {
    for (const { name, partitions } of image().topics())
      for (const [number, partition] of partitions.entries()) yield { topic: name, number, partition }
  }
  const led = function* (): Generator<Placed> {
    for (const one of all()) if (one.partition.leader === nodeId) yield one
  }
  const minInSyncOf = ({ topic, partition }: Placed) => Math.min(sources.minInSync(topic), partition.replicas.length)
  const isHere = ({ partition }: Placed) => partition.replicas.includes(nodeId)
  const brokers = () => [...image().brokers.values()]
  return [
    gauge('kafka_server_replicamanager_leadercount', 'Partitions led by this broker', () => count(led())),
    gauge('kafka_server_replicamanager_partitioncount', 'Partitions on this broker', () => count(all(), isHere)),
    gauge('kafka_server_replicamanager_underreplicatedpartitions', 'Partitions led with replicas out of sync', () =>
      count(led(), isUnderReplicated),
    ),
    gauge('kafka_server_replicamanager_underminisrpartitioncount', 'Partitions led with too few replicas in sync', () =>
      count(led(), one => one.partition.isr.length < minInSyncOf(one)),
    ),
    gauge('kafka_server_replicamanager_atminisrpartitioncount', 'Partitions led with just enough replicas in sync', () =>
      count(led(), one => one.partition.isr.length === minInSyncOf(one)),
    ),
    gauge('kafka_server_replicamanager_offlinereplicacount', 'Replicas in log directories that are offline', () => {
      let total = 0
      for (const directory of logs.directories) if (!directory.online) total += directory.logs.size
      return total
    }),
    gauge(
      'kafka_log_logmanager_offlinelogdirectorycount',
      'Log directories that are offline',
      () => logs.directories.filter(directory => !directory.online).length,
    ),
    gauge('kafka_controller_kafkacontroller_activecontrollercount', 'Whether this broker is the controller', () =>
      image().controllerId === nodeId ? 1 : 0,
    ),
    gauge(
      'kafka_controller_kafkacontroller_activebrokercount',
      'Brokers that take part',
      () => brokers().filter(({ fenced }) => !fenced).length,
    ),
    gauge(
      'kafka_controller_kafkacontroller_fencedbrokercount',
      'Brokers that are registered and do not take part',
      () => brokers().filter(({ fenced }) => fenced).length,
    ),
    gauge('kafka_controller_kafkacontroller_globaltopiccount', 'Topics', () => image().topicCount),
    gauge('kafka_controller_kafkacontroller_globalpartitioncount', 'Partitions', () => image().partitionCount),
    gauge('kafka_controller_kafkacontroller_offlinepartitionscount', 'Partitions without a leader', () =>
      count(all(), ({ partition }) => partition.leader < 0),
    ),
    gauge('kafka_controller_kafkacontroller_preferredreplicaimbalancecount', 'Partitions not led by their first replica', () =>
      count(all(), ({ partition }) => partition.leader !== partition.replicas[0]),
    ),
    ...partitionMetrics(led, minInSyncOf),
    ...logMetrics(logs),
    ...exporterMetrics(sources, all),
  ]
}

const ofPartition = {
  names: ['topic', 'partition'],
  of: ({ topic, number }: Placed) => ({ topic, partition: String(number) }),
}

const partitionMetrics = (led: () => Iterable<Placed>, minInSyncOf: (one: Placed) => number): Family[] =>
  families(led, ofPartition, [
    { name: 'kafka_cluster_partition_replicascount', help: 'Replicas', type: 'gauge', value: one => one.partition.replicas.length },
    {
      name: 'kafka_cluster_partition_insyncreplicascount',
      help: 'Replicas in sync',
      type: 'gauge',
      value: one => one.partition.isr.length,
    },
    {
      name: 'kafka_cluster_partition_underreplicated',
      help: 'Whether a replica is out of sync',
      type: 'gauge',
      value: one => Number(isUnderReplicated(one)),
    },
    {
      name: 'kafka_cluster_partition_underminisr',
      help: 'Whether too few replicas are in sync',
      type: 'gauge',
      value: one => Number(one.partition.isr.length < minInSyncOf(one)),
    },
    {
      name: 'kafka_cluster_partition_atminisr',
      help: 'Whether just enough replicas are in sync',
      type: 'gauge',
      value: one => Number(one.partition.isr.length === minInSyncOf(one)),
    },
  ])

const logMetrics = (logs: LogManager): Family[] =>
  families(() => logs.logs, { names: ['topic', 'partition'], of: (log: Log) => ({ topic: log.topic, partition: String(log.partition) }) }, [
    { name: 'kafka_log_log_size', help: 'Bytes of a log', type: 'gauge', value: log => log.size },
    { name: 'kafka_log_log_logstartoffset', help: 'First offset of a log', type: 'gauge', value: log => log.logStartOffset },
    { name: 'kafka_log_log_logendoffset', help: 'Next offset of a log', type: 'gauge', value: log => log.logEndOffset },
    { name: 'kafka_log_log_numlogsegments', help: 'Segments of a log', type: 'gauge', value: log => log.segments.length },
  ])

/** What kafka_exporter shows; offsets only of partitions that are on this broker. */
function exporterMetrics({ image, logs }: ClusterSources, all: () => Iterable<Placed>): Family[] {
  const here = function* (): Generator<Here> {
    for (const one of all()) {
      const log = logs.get(one.topic, one.number)
      if (log !== undefined) yield { ...one, log }
    }
  }
  return [
    single(
      { name: 'kafka_brokers', help: 'Brokers that take part', type: 'gauge' },
      () => [...image().brokers.values()].filter(({ fenced }) => !fenced).length,
    ),
    {
      name: 'kafka_broker_info',
      help: 'What a broker is',
      type: 'gauge',
      labels: ['id', 'address'],
      *samples() {
        for (const { id, endpoints } of image().brokers.values()) {
          const [first] = endpoints
          if (first) yield { labels: { id: String(id), address: `${first.host}:${first.port}` }, value: 1 }
        }
      },
    },
    ...families(() => image().topics(), { names: ['topic'], of: topic => ({ topic: topic.name }) }, [
      { name: 'kafka_topic_partitions', help: 'Partitions of a topic', type: 'gauge', value: topic => topic.partitions.length },
    ]),
    ...families<Here>(here, ofPartition, [
      {
        name: 'kafka_topic_partition_current_offset',
        help: 'End of what readers see',
        type: 'gauge',
        value: ({ log }) => log.highWatermark,
      },
      { name: 'kafka_topic_partition_oldest_offset', help: 'First offset', type: 'gauge', value: ({ log }) => log.logStartOffset },
    ]),
    ...families(all, ofPartition, [
      {
        name: 'kafka_topic_partition_in_sync_replica',
        help: 'Replicas in sync',
        type: 'gauge',
        value: ({ partition }) => partition.isr.length,
      },
      { name: 'kafka_topic_partition_leader', help: 'Broker that leads', type: 'gauge', value: ({ partition }) => partition.leader },
      {
        name: 'kafka_topic_partition_leader_is_preferred',
        help: 'Whether the first replica leads',
        type: 'gauge',
        value: ({ partition }) => Number(partition.leader === partition.replicas[0]),
      },
      { name: 'kafka_topic_partition_replicas', help: 'Replicas', type: 'gauge', value: ({ partition }) => partition.replicas.length },
      {
        name: 'kafka_topic_partition_under_replicated_partition',
        help: 'Whether a replica is out of sync',
        type: 'gauge',
        value: one => Number(isUnderReplicated(one)),
      },
    ]),
  ]
}
