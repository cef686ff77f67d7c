// What the state machines of groups know of the world.

import type { Clock, Logger, Random } from '@ottla/protocol'
import type { Timers } from '../timers.ts'

/** A topic as the metadata have it. */
export interface TopicFacts {
  readonly id: string
  readonly name: string
  readonly partitionCount: number
  /** Racks of the brokers that have the partition. */
  racksOf(partition: number): ReadonlySet<string>
}

/** The topics of the cluster as of now. */
export interface Topics {
  /** Grows with every change of the metadata. */
  readonly revision: number
  topic(name: string): TopicFacts | undefined
  topicById(id: string): TopicFacts | undefined
  names(): Iterable<string>
}

/** Settings of the broker, by the names of server.properties in camelCase; looked up each time, as they may change. */
export interface GroupSettings {
  readonly groupMinSessionTimeoutMs: number
  readonly groupMaxSessionTimeoutMs: number
  readonly groupInitialRebalanceDelayMs: number
  readonly groupMaxSize: number
  readonly offsetMetadataMaxBytes: number
  readonly offsetsRetentionMinutes: number
  readonly offsetsRetentionCheckIntervalMs: number
  readonly groupConsumerMaxSize: number
  /** Names of the server-side assignors that may be used; the first is the default. */
  readonly groupConsumerAssignors: readonly string[]
  readonly groupConsumerMigrationPolicy: 'bidirectional' | 'upgrade' | 'downgrade' | 'disabled'
  readonly groupConsumerRegexRefreshIntervalMs: number
  /** Of one group: its own setting, else the broker's, within the broker's bounds (class GroupConfig). */
  consumerSessionTimeoutMs(groupId: string): number
  consumerHeartbeatIntervalMs(groupId: string): number
  consumerAssignmentIntervalMs(groupId: string): number
}

/** Why, when and how long a group rebalanced: what its users ask first. */
export interface Rebalance {
  readonly groupId: string
  readonly groupType: 'classic' | 'consumer'
  /** Wall clock, in ms. */
  readonly startedAtMs: number
  readonly durationMs: number
  /** Member whose doing began it; empty for a change of topics. */
  readonly memberId: string
  readonly clientId: string
  /** In words, such as 'a new member joined' with the client's own reason (KIP-800) where it gave one. */
  readonly reason: string
  /** Generation or group epoch that it led to. */
  readonly generation: number
  /** Partitions by member. Null where only the clients know (protocol types other than consumer). */
  readonly assignment: ReadonlyMap<string, readonly { readonly topic: string; readonly partitions: readonly number[] }[]> | null
}

/** What happened, for metrics and logs; nothing in here changes what groups do. */
export interface GroupObserver {
  /** A rebalance is over. */
  rebalanced(rebalance: Rebalance): void
}

/** What all state machines of groups share. */
export interface GroupWorld {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly timers: Timers
  readonly topics: Topics
  readonly settings: GroupSettings
  readonly observer: GroupObserver
}

/** Who sends a request. */
export interface Caller {
  readonly apiVersion: number
  readonly clientId: string
  /** As Kafka prints it: `/127.0.0.1`. */
  readonly clientHost: string
}
