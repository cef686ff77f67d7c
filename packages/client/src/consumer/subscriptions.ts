// What a consumer has subscribed: names, and patterns that are matched against the names of all topics of the cluster, again each time
// metadata is refreshed. Internal topics are never matched by a pattern.
import type { Cluster } from '../cluster/cluster.ts'
import { retrying } from '../retry.ts'
import type { OffsetReset } from './parts.ts'

interface Pattern {
  readonly pattern: RegExp
  readonly fromBeginning: boolean | undefined
}

/** Subscriptions of one consumer; they add up until it is made anew. */
export class Subscriptions {
  readonly #cluster: Cluster
  readonly #allowAutoTopicCreation: boolean | undefined
  readonly #offsetReset: OffsetReset
  /** Topics by name, with `fromBeginning` as it was said last. */
  readonly #topics = new Map<string, boolean | undefined>()
  readonly #patterns: Pattern[] = []

  constructor(cluster: Cluster, options: { allowAutoTopicCreation?: boolean | undefined; offsetReset?: OffsetReset | undefined }) {
    this.#cluster = cluster
    this.#allowAutoTopicCreation = options.allowAutoTopicCreation
    this.#offsetReset = options.offsetReset ?? 'latest'
  }

  get topics(): string[] {
    return [...this.#topics.keys()]
  }

  get hasPatterns(): boolean {
    return this.#patterns.length > 0
  }

  /** Where partitions of this topic begin when nothing is committed. */
  resetOf(topic: string): OffsetReset {
    const fromBeginning = this.#topics.get(topic)
    return fromBeginning === undefined ? this.#offsetReset : fromBeginning ? 'earliest' : 'latest'
  }

  /**
   * Adds names and patterns; rejects when a named topic is not there and is not to be created. Names count at once: programs that do not wait
   * for `subscribe` before they call `run` get what they named, as with KafkaJS.
   */
  async add(subscribed: readonly (string | RegExp)[], fromBeginning: boolean | undefined): Promise<void> {
    const names = subscribed.filter(name => typeof name === 'string')
    const patterns = subscribed.filter(name => name instanceof RegExp).map(pattern => ({ pattern, fromBeginning }))
    const fresh = names.filter(name => !this.#topics.has(name))
    for (const name of names) this.#topics.set(name, fromBeginning)
    try {
      const matched = patterns.length > 0 ? await this.#match(patterns) : []
      const found = [...names, ...matched.map(([name]) => name)]
      if (found.length > 0) await this.follow(found)
      for (const [name, begins] of matched) this.#topics.set(name, begins)
    } catch (error) {
      for (const name of fresh) this.#topics.delete(name)
      throw error
    }
    this.#patterns.push(...patterns)
  }

  /** Has metadata of these kept up to date. */
  async follow(topics: readonly string[]): Promise<void> {
    const allow = this.#allowAutoTopicCreation
    const options = allow === undefined ? {} : { allowAutoTopicCreation: allow }
    await retrying(this.#cluster, async () => this.#cluster.topics([...new Set(topics)], options))
  }

  /** Matches the patterns again; true when there are topics that were not there before. */
  async refresh(): Promise<boolean> {
    const fresh = (await this.#match(this.#patterns)).filter(([name]) => !this.#topics.has(name))
    for (const [name, fromBeginning] of fresh) this.#topics.set(name, fromBeginning)
    if (fresh.length > 0) await this.follow(fresh.map(([name]) => name))
    return fresh.length > 0
  }

  async #match(patterns: readonly Pattern[]): Promise<[string, boolean | undefined][]> {
    const image = await this.#cluster.refresh('all')
    const names = [...image.topics.values()].filter(({ isInternal }) => !isInternal).map(({ name }) => name)
    return names.flatMap((name): [string, boolean | undefined][] => {
      const match = patterns.findLast(({ pattern }) => {
        pattern.lastIndex = 0
        return pattern.test(name)
      })
      return match === undefined ? [] : [[name, match.fromBeginning]]
    })
  }
}
