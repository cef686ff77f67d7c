// Finds the topics that patterns match (KIP-848, SubscribedTopicRegex; classes TopicRegexResolver and GroupMetadataManager,
// maybeUpdateRegularExpressions). All patterns of a group are looked up together, a slice of the topics per turn, and what they match is
// written down: so the group survives a move of its coordinator, and a heartbeat never has to match anything.
// As in Kafka a group's patterns are looked up at most every 10 s: when one of them is new, when topics appeared, or when
// `group.consumer.regex.refresh.interval.ms` are over. Unlike Kafka's, this does not ask who may describe a topic.

import { answered, type Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import type { Groups } from '../group.ts'
import { TopicPattern } from '../topic-pattern.ts'
import type { GroupWorld } from '../world.ts'
import { sameSet } from './assignment.ts'
import { type ConsumerGroup, isConsumerGroup } from './consumer-group.ts'
import { patternOf } from './member.ts'
import { type MemberUpdate, topicsChanged } from './member-update.ts'
import type { Cause, Rebalances } from './rebalances.ts'
import { epochRecord, patternRecord, patternTombstone, type ResolvedPattern } from './records.ts'
import { count, type SubscribedTopics, tally } from './subscribed-topics.ts'

/** Patterns of a group are not looked up more often than this. */
const MIN_INTERVAL_MS = 10_000
/** One turn matches so many names at most, */
const SLICE_MATCHES = 5_000
/** and takes not much longer than this. */
const SLICE_MS = 5

/** What a request means for the patterns of a group; `resolved`: the topics that its patterns match are others from now on, and known. */
export type PatternChange = 'none' | 'changed' | 'resolved'

interface Resolution {
  readonly patterns: readonly { readonly pattern: TopicPattern; readonly topics: Set<string> }[]
  readonly names: Iterator<string>
  readonly version: number
  readonly timestampMs: number
  readonly cause: Cause
}

/** Looks patterns up, for the groups of one coordinator partition. */
export class PatternResolution {
  readonly #world: GroupWorld
  readonly #groups: Groups
  readonly #subscribed: SubscribedTopics
  readonly #rebalances: Rebalances
  readonly #running = new Map<string, Resolution>()

  constructor(world: GroupWorld, groups: Groups, parts: { readonly subscribed: SubscribedTopics; readonly rebalances: Rebalances }) {
    this.#world = world
    this.#groups = groups
    this.#subscribed = parts.subscribed
    this.#rebalances = parts.rebalances
  }

  /**
   * Looks at the pattern of a member that sends a request, and begins to look up the group's patterns if it is time.
   * @throws KafkaError INVALID_REGULAR_EXPRESSION
   */
  update(update: MemberUpdate): PatternChange {
    const { group, before, member } = update
    const change = this.#changeOf(update)
    const isNew = change === 'changed' && patternOf(member) !== null && !group.patterns.has(patternOf(member) ?? '')
    if (!isNew && group.patterns.size === 0) return change
    if (this.#running.has(group.groupId)) return change
    const nowMs = this.#world.clock.now()
    const last = firstOf(group)
    if (last !== undefined && isJustAfter(last.timestampMs, nowMs)) return change
    if (isJustAfter(group.patternsFailedAtMs, nowMs)) return change
    const patterns = patternsAfter(group, patternOf(before), patternOf(member))
    if (patterns.size === 0) return change
    const isDue =
      isNew ||
      patterns.size !== group.resolved.size ||
      (group.hasStalePatterns ?? (last?.version ?? 0) < this.#world.topics.revision) ||
      (last !== undefined && nowMs > last.timestampMs + this.#world.settings.groupConsumerRegexRefreshIntervalMs)
    if (isDue)
      this.#start(group, [...patterns.keys()], isNew ? { ...update.cause, reason: 'a member subscribes to a new pattern' } : topicsChanged)
    else group.hasStalePatterns = false
    return change
  }

  /** Topics appeared, or are others: groups whose patterns match them look again. */
  topicsChanged(names: readonly string[]): void {
    const { topics, clock } = this.#world
    const existing = names.filter(name => topics.topic(name) !== undefined)
    if (existing.length === 0) return
    const endMs = clock.monotonic() + SLICE_MS
    for (const group of this.#groups.values()) {
      if (!isConsumerGroup(group) || group.patterns.size === 0 || group.hasStalePatterns !== false) continue
      // Once this has taken long enough, a group may look up its patterns for nothing.
      if (clock.monotonic() >= endMs || concerns(group, existing)) group.hasStalePatterns = true
    }
  }

  #changeOf({ group, before, member, records }: MemberUpdate): PatternChange {
    if (before.subscribedTopicRegex === member.subscribedTopicRegex) return 'none'
    const old = patternOf(before)
    const pattern = patternOf(member)
    if (old !== null && group.patterns.get(old) === 1) records.push(patternTombstone(group.groupId, old))
    if (pattern === null) return old === null ? 'changed' : 'resolved'
    if (group.patterns.has(pattern)) return group.resolved.has(pattern) ? 'resolved' : 'changed'
    TopicPattern.parse(pattern)
    return 'changed'
  }

  #start(group: ConsumerGroup, texts: readonly string[], cause: Cause): void {
    const { topics, clock, logger } = this.#world
    const { groupId } = group
    const patterns = texts.flatMap(text => {
      try {
        return [{ pattern: TopicPattern.parse(text), topics: new Set<string>() }]
      } catch (error) {
        // Checked when the member subscribed: another version wrote it, with other rules.
        logger.error({ groupId, pattern: text, error }, 'a pattern of a consumer group is passed over')
        return []
      }
    })
    group.hasStalePatterns = false
    this.#running.set(groupId, {
      patterns,
      names: topics.names()[Symbol.iterator](),
      version: topics.revision,
      timestampMs: clock.now(),
      cause,
    })
    this.#next(groupId)
  }

  #next(groupId: string): void {
    this.#world.timers.set(`consumer-patterns ${groupId}`, 0, () => this.#step(groupId))
  }

  #step(groupId: string): Decision<void> {
    const resolution = this.#running.get(groupId)
    if (resolution === undefined) return answered(undefined)
    const { patterns, names } = resolution
    const { clock } = this.#world
    const endMs = clock.monotonic() + SLICE_MS
    for (let matches = 0; matches < SLICE_MATCHES && clock.monotonic() < endMs; matches += patterns.length) {
      const name = names.next()
      if (name.done === true) {
        this.#running.delete(groupId)
        return this.#decide(groupId, resolution)
      }
      for (const { pattern, topics } of patterns) if (pattern.matches(name.value)) topics.add(name.value)
    }
    this.#next(groupId)
    return answered(undefined)
  }

  #decide(groupId: string, { patterns, version, timestampMs, cause }: Resolution): Decision<void> {
    const group = this.#groups.get(groupId)
    if (!isConsumerGroup(group)) return answered(undefined)
    const records: CoordinatorRecord[] = []
    const subscriptions = new Map(group.subscriptions)
    let isChanged = false
    for (const { pattern, topics } of patterns) {
      // Its last subscriber may be gone by now.
      if (!group.patterns.has(pattern.text)) continue
      const before = group.resolved.get(pattern.text)?.topics ?? new Set<string>()
      if (!sameSet(before, topics)) {
        isChanged = true
        for (const topic of topics) count(subscriptions, topic, { patterns: 1 })
        for (const topic of before) count(subscriptions, topic, { patterns: -1 })
      }
      records.push(patternRecord(groupId, pattern.text, { topics, version, timestampMs }))
    }
    const metadataHash = this.#subscribed.hashOf(subscriptions.keys())
    if (isChanged || metadataHash !== group.metadataHash) {
      const epoch = group.groupEpoch + 1
      records.push(epochRecord(groupId, epoch, metadataHash))
      this.#rebalances.began(groupId, epoch, cause)
    }
    return {
      records,
      reply: undefined,
      settled: error => {
        // So that a group whose patterns match more than a record holds does not look them up with every heartbeat.
        if (error !== null) group.patternsFailedAtMs = this.#world.clock.now()
      },
    }
  }
}

/** What happened later than now was before the wall clock was set back: no reason to wait. */
const isJustAfter = (lastMs: number, nowMs: number): boolean => nowMs >= lastMs && nowMs <= lastMs + MIN_INTERVAL_MS

/** All patterns of a group are looked up at the same time: any of them tells when. */
const firstOf = (group: ConsumerGroup): ResolvedPattern | undefined => {
  for (const resolved of group.resolved.values()) return resolved
  return undefined
}

const patternsAfter = (group: ConsumerGroup, before: string | null, after: string | null): ReadonlyMap<string, number> => {
  if (before === after) return group.patterns
  const patterns = new Map(group.patterns)
  if (before !== null) tally(patterns, before, -1)
  if (after !== null) tally(patterns, after, 1)
  return patterns
}

/** Whether a pattern of the group matches one of these topics, and did not before. */
const concerns = (group: ConsumerGroup, names: readonly string[]): boolean => {
  for (const text of group.patterns.keys()) {
    const known = group.resolved.get(text)?.topics
    if (known === undefined) return true
    const unknown = names.filter(name => !known.has(name))
    if (unknown.length === 0) continue
    try {
      const pattern = TopicPattern.parse(text)
      if (unknown.some(name => pattern.matches(name))) return true
    } catch {
      // Nothing matches a pattern that cannot be read.
    }
  }
  return false
}
