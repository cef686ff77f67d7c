// The assignment that the coordinator wants a member to have comes with topic ids. Those whose names are not known wait until metadata has them.
import type { Cluster } from '../../../cluster/cluster.ts'
import type { TopicPartition } from '../../parts.ts'
import type { IdPartitions } from './member-fields.ts'

/** A target by names, as far as they are known. */
export interface ResolvedTarget {
  readonly partitions: readonly TopicPartition[]
  readonly unresolved: readonly string[]
}

/** Resolves with what the image has, after asking for metadata where that is not enough. */
export async function resolveTarget(
  cluster: Cluster,
  target: readonly IdPartitions[],
  known: Map<string, string>,
): Promise<ResolvedTarget> {
  learnNames(cluster.image.topicNames, target, known)
  if (target.some(({ topicId }) => !known.has(topicId))) learnNames((await cluster.refresh()).topicNames, target, known)
  if (target.some(({ topicId }) => !known.has(topicId))) {
    learnNames((await cluster.refresh('all')).topicNames, target, known)
    const names = target.flatMap(({ topicId }) => known.get(topicId) ?? [])
    if (names.length > 0) await cluster.topics(names, { allowAutoTopicCreation: false })
  }
  return {
    partitions: target.flatMap(({ topicId, partitions }) => {
      const topic = known.get(topicId)
      return topic === undefined ? [] : partitions.map(partition => ({ topic, partition }))
    }),
    unresolved: target.flatMap(({ topicId }) => (known.has(topicId) ? [] : [topicId])),
  }
}

function learnNames(names: ReadonlyMap<string, string>, target: readonly IdPartitions[], known: Map<string, string>): void {
  for (const { topicId } of target) {
    const name = names.get(topicId)
    if (name !== undefined) known.set(topicId, name)
  }
}

/** Partitions by topic id, in an order of their own. Those of topics that have no known id are left out: the coordinator never gave them. */
export function byTopicId(partitions: readonly TopicPartition[], known: ReadonlyMap<string, string>): IdPartitions[] {
  const ids = new Map([...known].map(([id, name]) => [name, id]))
  const grouped = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const id = ids.get(topic)
    if (id === undefined) continue
    const numbers = grouped.get(id) ?? []
    grouped.set(id, numbers)
    numbers.push(partition)
  }
  return [...grouped.keys()]
    .toSorted()
    .map(topicId => ({ topicId, partitions: (grouped.get(topicId) ?? []).toSorted((one, other) => one - other) }))
}
