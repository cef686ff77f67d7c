// Test support: groups over several rebalances and what Kafka 4.3.1's assignors made of them, and a cluster that has the topics of a group.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Logger } from '../../logger.ts'
import type { TopicPartition } from '../parts.ts'
import type { AssignerCluster } from './assigner-cluster.ts'
import { encodeSubscription } from './consumer-protocol.ts'
import type { AssignerConfig, GroupMember } from './types.ts'

type Pair = readonly [topic: string, partition: number]

/** One rebalance. */
export interface VectorRound {
  readonly topics: Readonly<Record<string, number>>
  readonly replicaRacks?: Readonly<Record<string, readonly (readonly string[])[]>>
  readonly members: readonly {
    readonly id: string
    readonly topics: readonly string[]
    readonly owned?: readonly Pair[]
    readonly instanceId?: string
    readonly rack?: string
    readonly generation: number
    readonly userDataHex?: string
  }[]
  readonly assignment: Readonly<Record<string, readonly Pair[]>>
}

interface SubscriptionVector {
  readonly version: number
  readonly topics: readonly string[]
  readonly userDataHex: string | null
  readonly owned: readonly Pair[]
  readonly generation: number
  readonly rack: string | null
  readonly hex: string
}

interface AssignmentVector {
  readonly version: number
  readonly partitions: readonly Pair[]
  readonly userDataHex: string | null
  readonly hex: string
}

/** What was written by Kafka. */
export interface AssignorVectors {
  readonly assignors: Readonly<Record<string, readonly (readonly VectorRound[])[]>>
  readonly consumerProtocol: { readonly subscriptions: readonly SubscriptionVector[]; readonly assignments: readonly AssignmentVector[] }
}

/** Reads all of it. */
export function assignorVectors(): AssignorVectors {
  return JSON.parse(gunzipSync(readFileSync(new URL('../../../fixtures/assignors.json.gz', import.meta.url))).toString())
}

export const fromPairs = (pairs: readonly Pair[] = []): TopicPartition[] => pairs.map(([topic, partition]) => ({ topic, partition }))
export const bytesOf = (hex: string | null | undefined): Buffer | null =>
  hex === null || hex === undefined ? null : Buffer.from(hex, 'hex')

/** The members of a round as the leader gets to know them. */
export const membersOf = (round: VectorRound): GroupMember[] =>
  round.members.map(({ id, topics, owned, instanceId = null, rack = null, generation, userDataHex }) => ({
    memberId: id,
    groupInstanceId: instanceId,
    memberMetadata: encodeSubscription(3, {
      topics,
      ownedPartitions: fromPairs(owned),
      generationId: generation,
      rackId: rack,
      userData: bytesOf(userDataHex),
    }),
  }))

/** What an assigner is made of, with these topics; a node is in the rack of its name. */
export function configOf(topics: VectorRound['topics'], replicaRacks: VectorRound['replicaRacks'] = {}): AssignerConfig {
  const racks = [...new Set(Object.values(replicaRacks).flat(2))]
  const cluster: AssignerCluster = {
    getNodeIds: () => racks.map((_, id) => id),
    isConnected: () => true,
    refreshMetadata: async () => undefined,
    refreshMetadataIfNecessary: async () => undefined,
    addTargetTopic: async () => undefined,
    addMultipleTargetTopics: async () => undefined,
    findLeaderForPartitions: () => ({}),
    findBroker: async () => Promise.reject(new Error('no brokers')),
    findGroupCoordinator: async () => Promise.reject(new Error('no brokers')),
    findGroupCoordinatorMetadata: async () => ({ nodeId: -1, host: '', port: -1 }),
    fetchTopicsOffset: async () => [],
    findTopicPartitionMetadata: topic =>
      Array.from({ length: topics[topic] ?? 0 }, (_, partitionId) => {
        const replicas = (replicaRacks[topic]?.[partitionId] ?? []).map(rack => racks.indexOf(rack))
        return { partitionErrorCode: 0, partitionId, leader: -1, replicas, isr: replicas }
      }),
    rackOf: id => racks[id] ?? null,
  }
  return { cluster, groupId: 'g', logger: silent }
}

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  namespace: () => silent,
  setLogLevel: () => undefined,
}
