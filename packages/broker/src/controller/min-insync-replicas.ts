// How many replicas must be in sync, as all brokers see it.
import type { ClusterImage } from '@ottla/metadata'

/**
 * Replicas that must be in sync for a topic: its own setting, else that of all brokers, else 1. That of single brokers does
 * not count, since the number must be the same whoever looks (KIP-966).
 */
export function minInsyncReplicas(image: ClusterImage, topic: string): number {
  const name = 'min.insync.replicas'
  const text = image.config('topic', topic).get(name) ?? image.config('broker', '').get(name)
  const value = Number(text)
  return text === undefined || !Number.isInteger(value) ? 1 : value
}
