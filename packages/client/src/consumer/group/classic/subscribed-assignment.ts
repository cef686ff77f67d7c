// What a member takes of the assignment that it was given: partitions of topics that it subscribes. Others come from an assigner that does not look at
// subscriptions, as KafkaJS's did while the members of a group were not all restarted with the new subscription.
import type { Cluster } from '../../../cluster/cluster.ts'
import { KafkaJSNonRetriableError } from '../../../errors/index.ts'
import { parseAssignment } from '../../assignors/consumer-protocol.ts'
import type { TopicPartition } from '../../parts.ts'
import type { Generation } from './generation.ts'

/** Who was given it. */
export interface AssignedMember {
  readonly cluster: Cluster
  readonly groupId: string
  readonly generation: Generation
  readonly topics: readonly string[]
}

/** Decodes an assignment and leaves out what was not subscribed. Throws KafkaJSNonRetriableError for bytes that are none. */
export function subscribedAssignment(bytes: Buffer, { cluster, groupId, generation, topics }: AssignedMember): TopicPartition[] {
  const { partitions } = readable(bytes, groupId)
  const subscribed = new Set(topics)
  const assignedTopics = [...new Set(partitions.map(({ topic }) => topic))]
  const topicsNotSubscribed = assignedTopics.filter(topic => !subscribed.has(topic))
  if (topicsNotSubscribed.length === 0) return [...partitions]
  const { generationId, memberId } = generation
  const payload = { groupId, generationId, memberId, assignedTopics, topicsSubscribed: [...topics], topicsNotSubscribed }
  cluster.events.emit('consumer.received_unsubscribed_topics', payload)
  cluster.logger.warn('Consumer group received unsubscribed topics', payload)
  return partitions.filter(({ topic }) => subscribed.has(topic))
}

function readable(bytes: Buffer, groupId: string): ReturnType<typeof parseAssignment> {
  try {
    return parseAssignment(bytes)
  } catch (error) {
    throw new KafkaJSNonRetriableError(`The assignment that the leader of group ${groupId} made cannot be read: ${String(error)}`)
  }
}
