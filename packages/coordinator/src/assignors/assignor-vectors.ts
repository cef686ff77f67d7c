// Test support: groups over several rebalances and what Kafka 4.3.1's assignors made of them, and groups for tests to make up.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { GroupSpec, MemberSpec, PartitionsByTopic, TopicDescriber } from './index.ts'

type TopicPartition = readonly [topic: string, partition: number]

interface RoundJson {
  /** Partition counts by topic. */
  readonly topics: Readonly<Record<string, number>>
  readonly topicIds: Readonly<Record<string, string>>
  readonly subscriptionType: 'HOMOGENEOUS' | 'HETEROGENEOUS'
  /** These, their topics and what they own: all in the order in which Kafka iterated them, as it decides between equals. */
  readonly members: readonly {
    readonly id: string
    readonly topics: readonly string[]
    readonly instanceId?: string
    readonly owned?: readonly TopicPartition[]
  }[]
  readonly assignment: Readonly<Record<string, readonly TopicPartition[]>>
}

/** One rebalance. */
export interface Round {
  readonly group: GroupSpec
  readonly topics: TopicDescriber
  /** Partitions as `topic id:partition`, sorted, by member. */
  readonly expected: Readonly<Record<string, readonly string[]>>
}

/** Vectors by name: the assignor's in `server:<name>`, more of a kind behind another colon. */
export function assignorVectors(): Map<string, Round[]> {
  const text = gunzipSync(readFileSync(new URL('../../fixtures/assignors.json.gz', import.meta.url))).toString()
  const json: Record<string, RoundJson[][]> = JSON.parse(text)
  return new Map(Object.entries(json).map(([name, scenarios]) => [name, scenarios.flat().map(roundOf)]))
}

function roundOf(json: RoundJson): Round {
  const idOf = (topic: string): string => json.topicIds[topic] ?? topic
  const members = new Map<string, MemberSpec>()
  for (const { id, topics, instanceId, owned } of json.members) {
    const assignment = new Map<string, Set<number>>()
    for (const [topic, partition] of owned ?? []) assignment.set(idOf(topic), (assignment.get(idOf(topic)) ?? new Set()).add(partition))
    members.set(id, {
      instanceId: instanceId ?? null,
      rackId: null,
      subscribedTopicIds: new Set(topics.map(idOf)),
      assignment,
    })
  }
  const entries = Object.entries(json.assignment).map(([member, partitions]) => [
    member,
    partitions.map(([topic, partition]) => `${idOf(topic)}:${partition}`).toSorted(),
  ])
  return {
    group: groupOf(members, json.subscriptionType === 'HOMOGENEOUS'),
    topics: describerOf(new Map(Object.entries(json.topics).map(([topic, count]) => [idOf(topic), count]))),
    expected: Object.fromEntries(entries),
  }
}

/** A group of these members. */
export function groupOf(members: ReadonlyMap<string, MemberSpec>, isHomogeneous: boolean): GroupSpec {
  const assigned = new Set<string>()
  for (const { assignment } of members.values()) for (const owned of partitionsOf(assignment)) assigned.add(owned)
  return { members, isHomogeneous, isAssigned: (topicId, partition) => assigned.has(`${topicId}:${partition}`) }
}

/** Topics with these numbers of partitions. */
export const describerOf = (counts: ReadonlyMap<string, number>): TopicDescriber => ({
  partitionCount: topicId => counts.get(topicId) ?? -1,
  racksOf: () => new Set(),
})

/** Partitions as `topic id:partition`. */
export function partitionsOf(assignment: PartitionsByTopic | undefined): string[] {
  return [...(assignment ?? [])].flatMap(([topicId, partitions]) => Array.from(partitions, partition => `${topicId}:${partition}`))
}
