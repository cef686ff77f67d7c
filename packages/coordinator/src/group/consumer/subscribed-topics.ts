// Which groups of one coordinator partition subscribe to which topics, and a hash over what their partitions are. A group's epoch goes up when
// the hash over its topics is another one (class ModernGroup, computeMetadataHash).
// Kafka's hash is XXH3 over ids, names, partition counts and racks. Only the coordinator that wrote a hash compares it with anything, apart
// from the one that loads the partition next: a group that moves between Kafka and this broker gets one more epoch, and nothing else
// happens. So ours is another hash, of 53 bits, that fits in a number.

import type { TopicFacts, Topics } from '../world.ts'

/** What subscribes to a topic: members by its name, and patterns that it matches. */
export interface SubscriptionCount {
  readonly names: number
  readonly patterns: number
}

/** Subscriptions of a group by topic name. */
export type SubscriptionCounts = ReadonlyMap<string, SubscriptionCount>

const nothing: SubscriptionCount = { names: 0, patterns: 0 }
/** What most topics of a group with few members have; a member may name very many. */
const oneName: SubscriptionCount = { names: 1, patterns: 0 }

/** Adds to the counts of a topic; a topic without subscriptions is not in the map. Returns whether it is there. */
export const count = (counts: Map<string, SubscriptionCount>, topic: string, added: Partial<SubscriptionCount>): boolean => {
  const before = counts.get(topic) ?? nothing
  const names = Math.max(0, before.names + (added.names ?? 0))
  const patterns = Math.max(0, before.patterns + (added.patterns ?? 0))
  const isThere = names > 0 || patterns > 0
  if (!isThere) counts.delete(topic)
  else if (names !== before.names || patterns !== before.patterns)
    counts.set(topic, names === 1 && patterns === 0 ? oneName : { names, patterns })
  return isThere
}

/** Adds to a plain count; a name without any is not in the map. */
export const tally = (counts: Map<string, number>, name: string, added: number): void => {
  const now = (counts.get(name) ?? 0) + added
  if (now <= 0) counts.delete(name)
  else counts.set(name, now)
}

/** Whether all members subscribe to the same topics; said of counts, so that nobody has to compare members. */
export const isHomogeneous = (topics: SubscriptionCounts, patterns: ReadonlyMap<string, number>, memberCount: number): boolean => {
  if (patterns.size === 0) {
    for (const { names } of topics.values()) if (names !== memberCount) return false
    return true
  }
  const [first] = patterns.values()
  if (first !== memberCount) return false
  for (const topic of topics.values()) if (topic.patterns !== 1 || topic.names > 0) return false
  return true
}

/** The topics that groups of a coordinator partition subscribe to. */
export class SubscribedTopics {
  readonly #topics: Topics
  /** One group, or several. */
  readonly #groups = new Map<string, string | Set<string>>()
  /** Made when asked for, dropped when the topic changes or nobody subscribes to it any more. */
  readonly #hashes = new Map<string, number>()

  constructor(topics: Topics) {
    this.#topics = topics
  }

  /** A group subscribes to a topic from now on. */
  add(topic: string, groupId: string): void {
    const groups = this.#groups.get(topic)
    if (groups === undefined) this.#groups.set(topic, groupId)
    else if (typeof groups !== 'string') groups.add(groupId)
    else if (groups !== groupId) this.#groups.set(topic, new Set([groups, groupId]))
  }

  /** A group does not subscribe to a topic any more. */
  remove(topic: string, groupId: string): void {
    const groups = this.#groups.get(topic)
    if (groups === undefined) return
    if (typeof groups === 'string') {
      if (groups !== groupId) return
    } else {
      groups.delete(groupId)
      if (groups.size > 0) return
    }
    this.#groups.delete(topic)
    this.#hashes.delete(topic)
  }

  /** A topic was created, deleted, or its partitions are others than before. Returns the groups that subscribe to it. */
  changed(topic: string): Iterable<string> {
    this.#hashes.delete(topic)
    const groups = this.#groups.get(topic) ?? []
    return typeof groups === 'string' ? [groups] : groups
  }

  /** Hash over those topics that exist; 0 for none. Their order does not matter. */
  hashOf(names: Iterable<string>): number {
    let sum = 0
    for (const name of names) {
      const hash = this.#hash(name)
      // A sum modulo 2^53, never larger than what a number holds exactly.
      sum = hash > Number.MAX_SAFE_INTEGER - sum ? hash - (Number.MAX_SAFE_INTEGER - sum) - 1 : sum + hash
    }
    return sum
  }

  #hash(name: string): number {
    const known = this.#hashes.get(name)
    if (known !== undefined) return known
    const facts = this.#topics.topic(name)
    if (facts === undefined) return 0
    const hash = topicHash(facts)
    this.#hashes.set(name, hash)
    return hash
  }
}

/** Hash over a topic's id, name, partitions and racks: two lanes of FNV-1a, mixed at the end. */
const topicHash = (topic: TopicFacts): number => {
  let low = 0x811c9dc5
  let high = 0xdeadbeef
  const mix = (value: number): void => {
    low = Math.imul(low ^ value, 0x01000193)
    high = Math.imul(high ^ value, 0x85ebca6b)
  }
  const mixText = (text: string): void => {
    mix(text.length)
    for (let at = 0; at < text.length; at++) mix(text.charCodeAt(at))
  }
  mixText(topic.id)
  mixText(topic.name)
  mix(topic.partitionCount)
  for (let partition = 0; partition < topic.partitionCount; partition++) {
    mix(partition)
    for (const rack of [...topic.racksOf(partition)].toSorted()) mixText(rack)
  }
  low = Math.imul(low ^ (low >>> 16), 0x45d9f3b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35)
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35)
  return (high & 0x1fffff) * 0x100000000 + (low >>> 0)
}
