/**
 * The order in which Kafka defines the settings of a topic (org.apache.kafka.storage.internals.log.LogConfig). Its own tools keep
 * them in a hash table, so that which of two neighbours they print first depends on which was answered first.
 */
const ORDER = [
  'segment.bytes segment.ms segment.jitter.ms segment.index.bytes flush.messages flush.ms retention.bytes retention.ms',
  'max.message.bytes index.interval.bytes delete.retention.ms min.compaction.lag.ms max.compaction.lag.ms',
  'file.delete.delay.ms min.cleanable.dirty.ratio cleanup.policy unclean.leader.election.enable min.insync.replicas',
  'compression.type compression.gzip.level compression.lz4.level compression.zstd.level preallocate message.timestamp.type',
  'message.timestamp.before.max.ms message.timestamp.after.max.ms leader.replication.throttled.replicas',
  'follower.replication.throttled.replicas remote.storage.enable local.retention.ms local.retention.bytes',
  'remote.log.copy.disable remote.log.delete.on.disable',
].flatMap(line => line.split(' '))

const places = new Map(ORDER.map((name, place) => [name, place]))

/** Where a setting of a topic stands; those of our own come last. */
export const topicSettingPlace = (name: string): number => places.get(name) ?? ORDER.length
