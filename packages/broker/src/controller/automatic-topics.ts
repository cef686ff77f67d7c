// Topics that are created because a client names them (auto.create.topics.enable), and what internal topics are made of.
import { KafkaError, type Logger } from '@ottla/protocol'
import type { BrokerConfig, BrokerSetting } from '../config/index.ts'
import { excessive, MAX_PARTITIONS_PER_REQUEST, type NewTopic, type Topics } from './topics.ts'

/** Creates topics that a client named without having created them (org.apache.kafka.server's AutoTopicCreationManager). */
export class AutomaticTopics {
  readonly #topics: Topics
  readonly #config: BrokerConfig
  readonly #logger: Logger
  readonly #brokerCount: () => number
  readonly #underWay = new Map<string, Promise<number>>()

  constructor(parts: {
    readonly topics: Topics
    readonly config: BrokerConfig
    readonly logger: Logger
    /** How many brokers are registered. */
    readonly brokerCount: () => number
  }) {
    this.#topics = parts.topics
    this.#config = parts.config
    this.#logger = parts.logger
    this.#brokerCount = parts.brokerCount
  }

  /** Creates topics of valid names; returns the revision at which those that could be made are there. */
  async create(names: readonly string[]): Promise<number> {
    if (names.length > MAX_PARTITIONS_PER_REQUEST) {
      this.#failed({ topics: names.length }, excessive())
      return 0
    }
    const fresh = names.filter(name => !this.#underWay.has(name))
    if (fresh.length > 0) {
      const creation = this.#create(fresh).finally(() => {
        for (const name of fresh) this.#underWay.delete(name)
      })
      for (const name of fresh) this.#underWay.set(name, creation)
    }
    let last = 0
    for (const creation of new Set(names.map(name => this.#underWay.get(name)))) last = Math.max(last, (await creation) ?? 0)
    return last
  }

  /** One request for all of them, so that the bound of CreateTopics holds for what clients name in passing, too. */
  async #create(names: readonly string[]): Promise<number> {
    let revision = 0
    try {
      const outcomes = await this.#topics.create(
        names.map(name => newTopic(name, this.#config, this.#brokerCount())),
        false,
      )
      for (const [name, outcome] of outcomes) {
        if (outcome instanceof KafkaError) this.#failed({ topic: name }, outcome)
        else revision = Math.max(revision, outcome.revision)
      }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      this.#failed({ topics: names.length }, error)
    }
    return revision
  }

  #failed(what: { readonly topic: string } | { readonly topics: number }, error: KafkaError): void {
    this.#logger.warn({ ...what, error: error.errorName }, `could not create what a client asked for: ${error.message}`)
  }
}

type ReplicationSetting = Extract<
  BrokerSetting,
  `${'offsets.topic' | 'transaction.state.log' | 'share.coordinator.state.topic'}.replication.factor`
>

type SegmentSetting = Extract<BrokerSetting, `${'offsets.topic' | 'transaction.state.log' | 'share.coordinator.state.topic'}.segment.bytes`>

/**
 * The least that a topic's `segment.bytes` may be (KIP-1030), while the settings for internal topics may be any number. With less Kafka fails
 * to create the topic whenever it is asked for, and has no coordinator; here the topic is made with the least.
 */
const MIN_SEGMENT_BYTES = 1024 * 1024

/**
 * What a topic of this name is made of; the internal ones have settings of their own. Kafka's default of three replicas is too many for a
 * cluster of fewer brokers: unless somebody has set it, as many as there are do.
 */
export function newTopic(name: string, config: BrokerConfig, brokerCount: number): NewTopic {
  const replicas = (setting: ReplicationSetting): number => {
    const wanted = config.value(setting)
    const isSet = config.given.has(setting) || config.dynamic.broker.has(setting) || config.dynamic.defaults.has(setting)
    return isSet ? wanted : Math.max(1, Math.min(wanted, brokerCount))
  }
  const segmentBytes = (setting: SegmentSetting): number => Math.max(MIN_SEGMENT_BYTES, config.value(setting))
  const topic = (numPartitions: number, replicationFactor: number, configs: Readonly<Record<string, string | number>>): NewTopic => ({
    name,
    numPartitions,
    replicationFactor,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value: String(value) })),
  })
  switch (name) {
    case '__consumer_offsets':
      return topic(config.value('offsets.topic.num.partitions'), replicas('offsets.topic.replication.factor'), {
        'cleanup.policy': 'compact',
        'compression.type': 'producer',
        'segment.bytes': segmentBytes('offsets.topic.segment.bytes'),
      })
    case '__transaction_state':
      return topic(config.value('transaction.state.log.num.partitions'), replicas('transaction.state.log.replication.factor'), {
        'cleanup.policy': 'compact',
        'compression.type': 'uncompressed',
        'min.insync.replicas': config.value('transaction.state.log.min.isr'),
        'segment.bytes': segmentBytes('transaction.state.log.segment.bytes'),
        'unclean.leader.election.enable': 'false',
      })
    case '__share_group_state':
      return topic(
        config.value('share.coordinator.state.topic.num.partitions'),
        replicas('share.coordinator.state.topic.replication.factor'),
        {
          'cleanup.policy': 'delete',
          'compression.type': 'uncompressed',
          'min.insync.replicas': config.value('share.coordinator.state.topic.min.isr'),
          'retention.ms': -1,
          'segment.bytes': segmentBytes('share.coordinator.state.topic.segment.bytes'),
        },
      )
    default:
      return topic(-1, -1, {})
  }
}
