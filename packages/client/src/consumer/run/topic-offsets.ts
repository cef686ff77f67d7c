// Offsets as KafkaJS groups them, by topic and as text, from and to the flat lists used inside.
import { offsetsToCommit } from '../checks.ts'
import type { OffsetToCommit, TopicPartition } from '../parts.ts'
import type { Offsets, TopicOffsets } from '../types.ts'

/** Groups by topic. */
export function topicOffsets(offsets: readonly (TopicPartition & { readonly offset: number })[]): TopicOffsets[] {
  const topics = new Map<string, TopicOffsets>()
  for (const { topic, partition, offset } of offsets) {
    const group = topics.get(topic) ?? { topic, partitions: [] }
    topics.set(topic, group)
    group.partitions.push({ partition, offset: String(offset) })
  }
  return [...topics.values()]
}

/** The flat list; throws KafkaJSNonRetriableError for what is no offset. */
export const offsetsFrom = ({ topics }: Offsets): OffsetToCommit[] =>
  offsetsToCommit(topics.flatMap(({ topic, partitions }) => partitions.map(at => ({ ...at, topic }))))
