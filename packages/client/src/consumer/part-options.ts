// The consumer's config as its fetcher and its membership take it.
import type { FetcherOptions } from './fetch/options.ts'
import type { MembershipOptions } from './group/options.ts'
import type { ConsumerConfig } from './types.ts'

/** What goes to the fetcher; defaults are KafkaJS's. */
export const fetcherOptions = (config: ConsumerConfig): FetcherOptions => ({
  maxBytesPerPartition: config.maxBytesPerPartition ?? 1_048_576,
  minBytes: config.minBytes ?? 1,
  maxBytes: config.maxBytes ?? 10_485_760,
  maxWaitTimeInMs: config.maxWaitTimeInMs ?? 5_000,
  readUncommitted: config.readUncommitted ?? false,
  rackId: config.rackId ?? '',
  preferredReplicaMaxAgeMs: config.metadataMaxAge ?? 300_000,
})

/** What goes to the membership. */
export const membershipOptions = (config: ConsumerConfig): Omit<MembershipOptions, 'groupId'> => ({
  groupProtocol: config.groupProtocol ?? 'classic',
  groupInstanceId: config.groupInstanceId ?? null,
  sessionTimeout: config.sessionTimeout ?? 30_000,
  rebalanceTimeout: config.rebalanceTimeout ?? 60_000,
  heartbeatInterval: config.heartbeatInterval ?? 3_000,
  rackId: config.rackId ?? '',
  ...(config.partitionAssigners === undefined ? {} : { partitionAssigners: config.partitionAssigners }),
  ...(config.groupRemoteAssignor === undefined ? {} : { groupRemoteAssignor: config.groupRemoteAssignor }),
})
