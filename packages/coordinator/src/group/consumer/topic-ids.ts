// Ids of the topics that a member subscribes to, by name and by pattern. Members with the same names share one set of names (ConsumerGroup), so
// the ids are found once per change of the metadata and not once per member.

import type { Topics } from '../world.ts'
import { type ConsumerGroupMember, patternOf } from './member.ts'
import type { ResolvedPattern } from './records.ts'

const nothing: ReadonlySet<string> = new Set()

/** Looks ids up, and remembers them as long as the names are in use and the metadata the same. */
export class TopicIds {
  readonly #topics: Topics
  #byNames = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>()
  #revision = -1

  constructor(topics: Topics) {
    this.#topics = topics
  }

  /** Topics that a member subscribes to, those that exist. A pattern that was not looked up yet matches none. */
  subscribedBy(member: ConsumerGroupMember, resolved: ReadonlyMap<string, ResolvedPattern>): ReadonlySet<string> {
    const pattern = patternOf(member)
    const matched = (pattern === null ? undefined : resolved.get(pattern)?.topics) ?? nothing
    if (matched.size === 0) return this.#idsOf(member.subscribedTopicNames)
    if (member.subscribedTopicNames.size === 0) return this.#idsOf(matched)
    return new Set([...this.#idsOf(member.subscribedTopicNames), ...this.#idsOf(matched)])
  }

  #idsOf(names: ReadonlySet<string>): ReadonlySet<string> {
    if (this.#revision !== this.#topics.revision) {
      this.#revision = this.#topics.revision
      this.#byNames = new WeakMap()
    }
    const known = this.#byNames.get(names)
    if (known !== undefined) return known
    const ids = new Set<string>()
    for (const name of names) {
      const topic = this.#topics.topic(name)
      if (topic !== undefined) ids.add(topic.id)
    }
    this.#byNames.set(names, ids)
    return ids
  }
}
