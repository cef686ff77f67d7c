// What the coordinator knows of groups of consumers, because it can read what they say to each other: topics they subscribe to, partitions they get.

import { KafkaError } from '@ottla/protocol'
import { CONSUMER_PROTOCOL_TYPE, parseAssignment, parseSubscribedTopics, type TopicPartitions } from '../consumer-protocol.ts'
import type { Rebalance } from '../world.ts'
import type { ClassicGroup } from './classic-group.ts'

/** Topics that are read of the subscriptions of a group; members with the same subscription count as one. */
const MAX_TOPICS_READ = 200_000

/** Topics that the members of a group subscribe to; null where that cannot be known, or would take too long. */
export const subscribedTopicsOf = (group: ClassicGroup): ReadonlySet<string> | null => {
  if (group.protocolType !== CONSUMER_PROTOCOL_TYPE) return null
  const { protocolName } = group
  const topics = new Set<string>()
  if (group.memberCount === 0) return topics
  if (protocolName === null) return null
  let before: Buffer | null = null
  let read = 0
  for (const member of group.members.values()) {
    const metadata = member.metadata(protocolName)
    // Mostly all say the same.
    if (before?.equals(metadata)) continue
    before = metadata
    const subscribed = readable(() => parseSubscribedTopics(metadata, MAX_TOPICS_READ - read))
    if (subscribed === null) return null
    read += subscribed.length
    for (const topic of subscribed) topics.add(topic)
  }
  return topics
}

/** Partitions by member as the leader assigned them; null where that cannot be known. */
export const assignmentsOf = (group: ClassicGroup): Rebalance['assignment'] => {
  if (group.protocolType !== CONSUMER_PROTOCOL_TYPE) return null
  const assignments = new Map<string, readonly TopicPartitions[]>()
  for (const { memberId, assignment } of group.members.values()) {
    const assigned = assignment.length === 0 ? [] : readable(() => parseAssignment(assignment).assignedPartitions)
    if (assigned === null) return null
    assignments.set(memberId, assigned)
  }
  return assignments
}

/** Null for bytes that are not what they should be: clients wrote them. */
const readable = <T>(read: () => T): T | null => {
  try {
    return read()
  } catch (error) {
    if (error instanceof KafkaError) return null
    throw error
  }
}
