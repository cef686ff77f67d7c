// Sets of partitions: keys, grouping, and what one set has that another has not.
import type { TopicPartition } from '../parts.ts'

/** A partition as a key of maps and sets. No topic's name has a colon. */
export const partitionKey = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`

/** Partition numbers by topic, both in the order in which they come. */
export function groupedByTopic(partitions: Iterable<TopicPartition>): Map<string, number[]> {
  const grouped = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const numbers = grouped.get(topic)
    if (numbers === undefined) grouped.set(topic, [partition])
    else numbers.push(partition)
  }
  return grouped
}

/** Those of the first that are not among the second. */
export function without(partitions: readonly TopicPartition[], others: readonly TopicPartition[]): TopicPartition[] {
  const keys = new Set(others.map(partitionKey))
  return partitions.filter(partition => !keys.has(partitionKey(partition)))
}

/** By topic, then by number. */
export const compareTopicPartitions = (one: TopicPartition, other: TopicPartition): number =>
  compareStrings(one.topic, other.topic) || one.partition - other.partition

/** As Java compares strings: by UTF-16 units. */
export const compareStrings = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
