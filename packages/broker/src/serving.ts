// Partitions and handlers of a broker: which parts they are made of.
import { availableParallelism } from 'node:os'
import type { Metadata, MetadataStore } from '@ottla/metadata'
import { type LogManager, ValidationPool } from '@ottla/storage'
import type { World } from './broker-parts.ts'
import { topicLogConfig } from './config/index.ts'
import { ProducerIds } from './controller/index.ts'
import { GroupCoordinator } from './coordinator/group-coordinator.ts'
import { GroupLag } from './coordinator/group-lag.ts'
import { RebalanceHistory } from './coordinator/rebalance-history.ts'
import { TransactionAdmission } from './coordinator/transaction-admission.ts'
import { TransactionCoordinator } from './coordinator/transaction-coordinator.ts'
import { LocalMarkers } from './coordinator/transaction-markers.ts'
import { TransactionWatch } from './coordinator/transaction-watch.ts'
import { featuresOf } from './features.ts'
import { administration } from './handlers/administration.ts'
import { apiVersions } from './handlers/api-versions.ts'
import { deleteRecords } from './handlers/delete-records.ts'
import { describeLogDirs } from './handlers/describe-log-dirs.ts'
import { fetch } from './handlers/fetch.ts'
import { findCoordinator } from './handlers/find-coordinator.ts'
import { groupHandlers } from './handlers/group-handlers.ts'
import { initProducerId } from './handlers/init-producer-id.ts'
import { listOffsets } from './handlers/list-offsets.ts'
import { offsetForLeaderEpoch } from './handlers/offset-for-leader-epoch.ts'
import { produce } from './handlers/produce.ts'
import { transactionHandlers } from './handlers/transaction-handlers.ts'
import type { GroupMetricsSources } from './metrics/group-metrics.ts'
import type { TransactionMetricsSources } from './metrics/transaction-metrics.ts'
import { limitedWarnings } from './network/index.ts'
import { FetchSessions } from './replica/fetch-session.ts'
import { Replicas } from './replica/replicas.ts'
import type { AnyHandler } from './requests/handler.ts'

/** More threads than this gain nothing: the event loop cannot hand them enough. */
const MAX_VALIDATION_THREADS = 4

/** The partitions of this broker, which follow the metadata and the settings from here on. */
export function openReplicas(world: World, parts: { metadata: Metadata; logs: LogManager }): Replicas {
  const { config, clock, logger, closers } = world
  const threads = Math.min(MAX_VALIDATION_THREADS, Math.max(1, availableParallelism() - 1))
  const validationPool = new ValidationPool({ threads })
  const replicas = new Replicas({
    brokerId: config.nodeId,
    metadata: parts.metadata,
    logs: parts.logs,
    clock,
    logger,
    logConfig: overrides => topicLogConfig(overrides, config),
    validationPool,
  })
  closers.push(
    () => validationPool.close(),
    () => replicas.close(),
    config.onChange(() => replicas.refreshConfigs()),
  )
  for (const { topic, partition, topicId } of replicas.strayLogs())
    logger.warn({ topic, partition, topicId }, 'a log of a partition that this broker does not have is left alone')
  return replicas
}

/** What answers requests, and what is told of groups and transactions. */
export interface Served {
  readonly handlers: readonly AnyHandler[]
  readonly groups: GroupMetricsSources
  readonly transactions: TransactionMetricsSources
}

/** The handlers of all APIs. */
export function serve(world: World, parts: { store: MetadataStore; metadata: Metadata; replicas: Replicas }): Served {
  const { config, clock, random, logger, closers } = world
  const { store, metadata, replicas } = parts
  const applied = (revision: number): Promise<void> => replicas.applied(revision)
  const admin = administration({ store, metadata, config, random, logger, slices: replicas.slices, applied })
  const history = new RebalanceHistory({ logger })
  const groups = new GroupCoordinator({ metadata, replicas, config, clock, random, logger, observer: history })
  const producerIds = new ProducerIds(store)
  const markers = new LocalMarkers({ metadata, replicas, groups, clock, logger, timeoutMs: () => config.value('request.timeout.ms') })
  const transactions = new TransactionCoordinator({ metadata, replicas, config, clock, logger, producerIds, markers })
  const admission = new TransactionAdmission({ transactions, config, clock, logger })
  const watch = new TransactionWatch({
    topics: () => replicas.topics,
    open: () => transactions.open(),
    maxTimeoutMs: () => config.value('transaction.max.timeout.ms'),
    clock,
    logger,
  })
  closers.push(
    () => admin.close(),
    () => groups.close(),
    () => transactions.close(),
    () => watch.close(),
  )
  const sessions = new FetchSessions({ clock, random, slots: config.value('max.incremental.fetch.session.cache.slots') })
  const limited = limitedWarnings(logger, clock)
  const handlers: readonly AnyHandler[] = [
    apiVersions({ handlers: () => handlers, features: featuresOf(() => metadata.image) }),
    ...admin.handlers,
    findCoordinator({ metadata, automaticTopics: admin.automaticTopics, applied, slices: replicas.slices, groups, transactions }),
    ...groupHandlers({ groups, metadata, config, slices: replicas.slices, logger: limited }),
    ...transactionHandlers({ transactions, admission, markers, groups, metadata, replicas, config, logger: limited }),
    produce({ replicas, clock, logger, admission }),
    fetch({ replicas, sessions, logger, maxBytes: () => config.value('fetch.max.bytes') }),
    listOffsets({ replicas, logger }),
    offsetForLeaderEpoch({ replicas }),
    deleteRecords({ replicas, logger }),
    describeLogDirs({ replicas, logger }),
    initProducerId({ producerIds, transactions, logger }),
  ]
  const led = () => groups.led
  const log = (topic: string, index: number) => {
    const partition = replicas.locate(topic, index)
    return typeof partition === 'number' ? undefined : (partition.log ?? undefined)
  }
  const lag = new GroupLag({ led, log, clock, later: setImmediate })
  return { handlers, groups: { led, lag, history }, transactions: { led: () => transactions.led, watch } }
}
