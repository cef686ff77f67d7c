// What groups know of the cluster and of this broker's settings.
import type { GroupSettings, TopicFacts, Topics } from '@ottla/coordinator'
import type { ClusterImage, TopicImage } from '@ottla/metadata'
import { type BrokerConfig, type GroupSetting, groupSetting } from '../config/index.ts'

/** The topics of the newest image. */
export class ImageTopics implements Topics {
  readonly #metadata: { readonly image: ClusterImage }

  constructor(metadata: { readonly image: ClusterImage }) {
    this.#metadata = metadata
  }

  get revision(): number {
    return this.#metadata.image.revision
  }

  topic(name: string): TopicFacts | undefined {
    return this.#facts(this.#metadata.image.topic(name))
  }

  topicById(id: string): TopicFacts | undefined {
    return this.#facts(this.#metadata.image.topicById(id))
  }

  *names(): Generator<string> {
    for (const { name } of this.#metadata.image.topics()) yield name
  }

  #facts(topic: TopicImage | undefined): TopicFacts | undefined {
    if (topic === undefined) return undefined
    const { id, name, partitions } = topic
    const { brokers } = this.#metadata.image
    return {
      id,
      name,
      partitionCount: partitions.length,
      racksOf: partition => {
        const racks = new Set<string>()
        for (const replica of partitions[partition]?.replicas ?? []) {
          const rack = brokers.get(replica)?.rack ?? null
          if (rack !== null) racks.add(rack)
        }
        return racks
      },
    }
  }
}

const migrationPolicies = ['bidirectional', 'upgrade', 'downgrade', 'disabled'] as const

/** Settings of groups as they are now: those of a group of its own lie within the bounds of the broker's. */
export function groupSettings(config: BrokerConfig, metadata: { readonly image: ClusterImage }): GroupSettings {
  const own = (groupId: string, name: GroupSetting): number => Number(groupSetting({ image: metadata.image, config }, groupId, name))
  return {
    get groupMinSessionTimeoutMs() {
      return config.value('group.min.session.timeout.ms')
    },
    get groupMaxSessionTimeoutMs() {
      return config.value('group.max.session.timeout.ms')
    },
    get groupInitialRebalanceDelayMs() {
      return config.value('group.initial.rebalance.delay.ms')
    },
    get groupMaxSize() {
      return config.value('group.max.size')
    },
    get offsetMetadataMaxBytes() {
      return config.value('offset.metadata.max.bytes')
    },
    get offsetsRetentionMinutes() {
      return config.value('offsets.retention.minutes')
    },
    get offsetsRetentionCheckIntervalMs() {
      return config.value('offsets.retention.check.interval.ms')
    },
    get groupConsumerMaxSize() {
      return config.value('group.consumer.max.size')
    },
    get groupConsumerAssignors() {
      return config.value('group.consumer.assignors')
    },
    get groupConsumerMigrationPolicy() {
      const policy = config.value('group.consumer.migration.policy').toLowerCase()
      return migrationPolicies.find(one => one === policy) ?? 'disabled'
    },
    get groupConsumerRegexRefreshIntervalMs() {
      return config.value('group.consumer.regex.refresh.interval.ms')
    },
    consumerSessionTimeoutMs: groupId => own(groupId, 'consumer.session.timeout.ms'),
    consumerHeartbeatIntervalMs: groupId => own(groupId, 'consumer.heartbeat.interval.ms'),
    consumerAssignmentIntervalMs: groupId => own(groupId, 'consumer.assignment.interval.ms'),
  }
}
