// The administrative handlers and what they share, put together.
import type { Metadata, MetadataStore } from '@ottla/metadata'
import type { Logger, Random } from '@ottla/protocol'
import type { BrokerConfig } from '../config/index.ts'
import { AutomaticTopics, Configs, PacedStore, Topics } from '../controller/index.ts'
import type { Slices } from '../replica/slices.ts'
import type { AnyHandler } from '../requests/handler.ts'
import { alterConfigs } from './alter-configs.ts'
import { createPartitions } from './create-partitions.ts'
import { createTopics } from './create-topics.ts'
import { deleteTopics } from './delete-topics.ts'
import { describeCluster } from './describe-cluster.ts'
import { describeConfigs } from './describe-configs.ts'
import { describeTopicPartitions } from './describe-topic-partitions.ts'
import { incrementalAlterConfigs } from './incremental-alter-configs.ts'
import { listConfigResources } from './list-config-resources.ts'
import { describeMetadata } from './metadata.ts'
import { unregisterBroker } from './unregister-broker.ts'

export interface AdministrationParts {
  readonly store: MetadataStore
  readonly metadata: Metadata
  readonly config: BrokerConfig
  readonly random: Random
  readonly logger: Logger
  readonly slices: Slices
  /** Resolves once this broker's metadata hold a revision and its logs are as that asks for; at once for revision 0. */
  readonly applied: (revision: number) => Promise<void>
}

/** All handlers that ask or change the cluster's facts, with what they share. */
export interface Administration {
  readonly handlers: readonly AnyHandler[]
  readonly topics: Topics
  readonly automaticTopics: AutomaticTopics
  readonly configs: Configs
  close(): void
}

/** Puts the administrative part of a broker together. */
export function administration(parts: AdministrationParts): Administration {
  const { store, metadata, config, random, logger, slices, applied } = parts
  const paced = new PacedStore(store)
  const configs = new Configs({ store: paced, metadata, config })
  const topics = new Topics({
    store: paced,
    metadata,
    slices,
    settings: config,
    random,
    validateConfigs: overrides => configs.validateTopic(overrides),
  })
  const automaticTopics = new AutomaticTopics({ topics, config, logger, brokerCount: () => metadata.image.brokers.size })
  const handlers: readonly AnyHandler[] = [
    describeMetadata({ metadata, config, slices, automaticTopics, applied }),
    createTopics({ topics, slices, config, applied }),
    deleteTopics({ topics, metadata, slices, config, applied }),
    createPartitions({ topics, slices, applied }),
    describeConfigs({ metadata, slices, config }),
    alterConfigs({ configs, slices, applied }),
    incrementalAlterConfigs({ configs, slices, applied, nodeId: config.nodeId }),
    listConfigResources({ metadata }),
    describeCluster({ metadata }),
    describeTopicPartitions({ metadata, slices, config }),
    unregisterBroker({ store, metadata, applied }),
  ]
  return { handlers, topics, automaticTopics, configs, close: () => topics.close() }
}
