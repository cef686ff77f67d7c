// What tests of memberships share: clusters beside a broker in the same process, and a listener that writes down what it is told.
import { createTopicsApi } from '@ottla/protocol'
import type { Cluster } from '../../packages/client/src/cluster/cluster.ts'
import { type ClusterOptions, createCluster } from '../../packages/client/src/cluster/create-cluster.ts'
import { createMembership, type MembershipOptions } from '../../packages/client/src/consumer/group/membership.ts'
import type { AssignmentListener, JoinFacts, Membership, TopicPartition } from '../../packages/client/src/consumer/parts.ts'
import { createLogger, logLevel } from '../../packages/client/src/logger.ts'

const level = process.env['MEMBERSHIP_LOG'] === undefined ? logLevel.NOTHING : logLevel.DEBUG

/** A cluster of a test's own. */
export const clusterOf = (bootstrap: string, options: Partial<ClusterOptions> = {}): Cluster =>
  createCluster({ brokers: [bootstrap], logger: createLogger({ level }), ...options })

/** Creates topics, given as name and number of partitions. */
export async function createTopics(bootstrap: string, topics: Record<string, number>): Promise<void> {
  const cluster = clusterOf(bootstrap)
  await cluster.request('controller', createTopicsApi, {
    topics: Object.entries(topics).map(([name, numPartitions]) => ({
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
    timeoutMs: 10_000,
    validateOnly: false,
  })
  await cluster.disconnect()
}

/** A member with its own cluster. */
export interface TestMember extends AsyncDisposable {
  readonly membership: Membership
  readonly cluster: Cluster
  /** What the listener was told, as `+a0` (assigned), `-a0` (revoked), `!a0` (lost). */
  readonly told: string[]
  readonly errors: Error[]
  /** Partitions as the listener knows them, sorted, such as `a0 a1`. */
  owned(): string
  facts: JoinFacts | undefined
}

/** Options of a test's member. */
export interface MemberOptions extends Partial<MembershipOptions> {
  readonly topics?: readonly string[]
  readonly revoked?: (partitions: readonly TopicPartition[], membership: Membership) => Promise<void>
}

/** Makes a member; it joins with `membership.join()`. */
export function memberOf(bootstrap: string, { topics = ['a'], revoked, ...options }: MemberOptions = {}): TestMember {
  const cluster = clusterOf(bootstrap)
  const told: string[] = []
  const errors: Error[] = []
  const partitions = new Set<string>()
  const note = (sign: string, list: readonly TopicPartition[]): void => {
    for (const { topic, partition } of list) {
      told.push(`${sign}${topic}${partition}`)
      if (sign === '+') partitions.add(`${topic}${partition}`)
      else partitions.delete(`${topic}${partition}`)
    }
  }
  const listener: AssignmentListener = {
    assigned: async (list, facts) => {
      note('+', list)
      member.facts = facts
    },
    revoked: async list => {
      await revoked?.(list, member.membership)
      note('-', list)
    },
    lost: async list => note('!', list),
    failed: error => void errors.push(error),
  }
  const member: TestMember = {
    membership: createMembership(cluster, { groupId: 'g', heartbeatInterval: 100, subscription: { topics }, ...options }, listener),
    cluster,
    told,
    errors,
    owned: () => [...partitions].toSorted().join(' '),
    facts: undefined,
    [Symbol.asyncDispose]: async () => {
      await member.membership.leave()
      await cluster.disconnect()
    },
  }
  return member
}
