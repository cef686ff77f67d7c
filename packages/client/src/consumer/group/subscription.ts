// Comparing what is subscribed.
import type { Subscription } from '../parts.ts'

/** Of who subscribes nothing yet. */
export const noSubscription: Subscription = { topics: [] }

/** Whether both name the same topics and the same pattern. */
export function sameTopics(one: Subscription, other: Subscription): boolean {
  const topics = new Set(one.topics)
  return one.pattern === other.pattern && topics.size === new Set(other.topics).size && other.topics.every(topic => topics.has(topic))
}
