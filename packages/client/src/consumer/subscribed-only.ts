// What a group leader assigned although this member has not subscribed it is not read. Leaders of other clients do so while the members of a
// group have different subscriptions (KafkaJS's round robin among them).
import type { EventEmitter } from '../events/emitter.ts'
import type { Logger } from '../logger.ts'
import type { AssignmentListener, JoinFacts, TopicPartition } from './parts.ts'

/** What it takes to tell of topics that are not subscribed. */
export interface SubscribedOnlyWorld {
  readonly events: EventEmitter
  readonly logger: Logger
  /** The topics that are subscribed now. */
  readonly subscribed: () => readonly string[]
}

/** The same listener, told of partitions of subscribed topics only; of the others the event `consumer.received_unsubscribed_topics` tells. */
export function subscribedOnly(listener: AssignmentListener, world: SubscribedOnlyWorld): AssignmentListener {
  return {
    assigned: (partitions, facts) => listener.assigned(wantedOf(partitions, facts, world), facts),
    revoked: partitions => listener.revoked(partitions),
    lost: partitions => listener.lost(partitions),
    failed: error => listener.failed(error),
  }
}

function wantedOf(
  partitions: readonly TopicPartition[],
  { groupId, generationId, memberId }: JoinFacts,
  { events, logger, subscribed }: SubscribedOnlyWorld,
): readonly TopicPartition[] {
  const topicsSubscribed = [...subscribed()]
  const wanted = new Set(topicsSubscribed)
  const assignedTopics = [...new Set(partitions.map(({ topic }) => topic))]
  const topicsNotSubscribed = assignedTopics.filter(topic => !wanted.has(topic))
  if (topicsNotSubscribed.length === 0) return partitions
  const payload = { groupId, generationId, memberId, assignedTopics, topicsSubscribed, topicsNotSubscribed }
  events.emit('consumer.received_unsubscribed_topics', payload)
  logger.warn('Consumer group received unsubscribed topics', payload)
  return partitions.filter(({ topic }) => wanted.has(topic))
}
