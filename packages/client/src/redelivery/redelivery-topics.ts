// The topics of one run with redelivery: which ones messages move to, which ones they came from, and making those that are missing.
import { createAdmin } from '../admin/admin.ts'
import { ConfigResourceTypes } from '../admin/configs.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { KafkaMessage } from '../consumer/fetch/message.ts'
import { KafkaJSAggregateError, KafkaJSNonRetriableError } from '../errors/index.ts'
import type { Logger } from '../logger.ts'
import { names, numberOf, originOf } from './headers.ts'
import type { RedeliverySettings, TopicCreation } from './policies.ts'
import { mostDelays } from './policies.ts'
import { RetryPattern } from './retry-pattern.ts'

/** Where a message of a retry topic stands. */
export interface RetryPlace {
  /** The topic after which its retry and dead-letter topics are named. */
  readonly base: string
  /** Which of its retry topics it is in, from 1 on. */
  readonly stage: number
}

const dayMs = 86_400_000
/** Room for headers that say how a message failed, beside stack and message of the error. */
const headerBytes = 16_384

/** See above. */
export class RedeliveryTopics {
  readonly #cluster: Cluster
  readonly #logger: Logger
  readonly #settings: RedeliverySettings
  readonly #subscribed: readonly (string | RegExp)[]
  readonly #named: ReadonlySet<string>
  readonly #pattern: RetryPattern
  readonly #ensured = new Map<string, Promise<void>>()

  constructor(cluster: Cluster, settings: RedeliverySettings, subscribed: readonly (string | RegExp)[]) {
    this.#cluster = cluster
    this.#logger = cluster.logger.namespace('Redelivery')
    this.#settings = settings
    this.#subscribed = subscribed
    this.#named = new Set(subscribed.filter(topic => typeof topic === 'string'))
    this.#pattern = new RetryPattern(settings.groupId)
    if (this.hasPatterns && settings.hasOwnNames)
      throw new KafkaJSNonRetriableError(
        'retry.topics.name is for topics that are subscribed to by their names: retry topics of patterns are found by their own',
      )
  }

  get hasPatterns(): boolean {
    return this.#named.size < new Set(this.#subscribed).size
  }

  /** Topics to be read for later tries; for patterns, all that are named as ours. */
  get toRetry(): (string | RegExp)[] {
    const topics = [...this.#named].flatMap(topic => this.#retryTopicsOf(topic))
    return this.hasPatterns ? [...topics, this.#pattern] : topics
  }

  #retryTopicsOf(topic: string): string[] {
    return this.#settings.delaysMs.map((_, index) => this.#settings.retryTopic(topic, index + 1))
  }

  /**
   * Whether a pattern matched a retry or dead-letter topic of this group, which is not read as others are; or one of another group for a topic that both
   * read: if groups took each other's failed messages, there would be no end of topics.
   */
  isMoved(topic: string, message: KafkaMessage): boolean {
    if (this.#named.has(topic)) return false
    const origin = originOf(message)
    if (origin === null || origin.group === null) return false
    const { groupId, retryTopic, deadLetterTopic } = this.#settings
    const { group, topic: base } = origin
    if (group !== groupId && !this.#subscribed.some(of => (typeof of === 'string' ? of === base : base.search(of) !== -1))) return false
    return topic === retryTopic(base, stageOf(message) ?? 1, group) || topic === deadLetterTopic?.(base, group)
  }

  /** As the headers say when they are right about the topic that the message is in; anybody may have written them. */
  placeOf(topic: string, message: KafkaMessage): RetryPlace {
    const { delaysMs, retryTopic } = this.#settings
    const [origin, stage] = [originOf(message), stageOf(message)]
    if (origin !== null && stage !== null && retryTopic(origin.topic, stage) === topic) return { base: origin.topic, stage }
    for (const base of this.#named) {
      const index = this.#retryTopicsOf(base).indexOf(topic)
      if (index !== -1) return { base, stage: index + 1 }
    }
    return this.#pattern.parts(topic) ?? { base: topic, stage: delaysMs.length }
  }

  /** Makes what is missing for the topics that are subscribed to by name. */
  async ensureAll(): Promise<void> {
    const { deadLetterTopic } = this.#settings
    const making = [...this.#named].flatMap(base => {
      const topics = this.#retryTopicsOf(base).map((topic, index) => this.ensure(topic, { base, stage: index + 1 }))
      return deadLetterTopic === null ? topics : [...topics, this.ensure(deadLetterTopic(base), { base, stage: 0 })]
    })
    await Promise.all(making)
  }

  /** Makes a topic that is missing, once; stage 0 are the dead letters. One that may not be made is told when it is written to. */
  ensure(topic: string, place: RetryPlace): Promise<void> {
    const { creation } = this.#settings
    if (creation === null) return Promise.resolve()
    const known = this.#ensured.get(topic)
    if (known !== undefined) return known
    const made = this.#make(topic, place, creation).catch((error: unknown) => {
      this.forget(topic)
      const causes = error instanceof KafkaJSAggregateError ? error.errors : [error]
      this.#logger.warn('Could not make a topic', { topic, error: causes.map(String).join(', ') })
    })
    this.#ensured.set(topic, made)
    return made
  }

  /** A topic that was there is gone: it may be made again. */
  forget(topic: string): void {
    this.#ensured.delete(topic)
  }

  async #make(topic: string, { base, stage }: RetryPlace, creation: TopicCreation): Promise<void> {
    const numPartitions = this.#cluster.image.topics.get(base)?.partitions.length
    const delayMs = this.#settings.delaysMs[stage - 1] ?? 0
    const entries = new Map([['cleanup.policy', 'delete']])
    if (delayMs > dayMs) entries.set('retention.ms', String(delayMs + 7 * dayMs))
    const longest = await this.#longestMessage(base)
    if (longest !== null)
      entries.set('max.message.bytes', String(Math.min(longest + 2 * this.#settings.maxStackBytes + headerBytes, 0x7fff_ffff)))
    for (const { name, value } of creation.configEntries ?? []) entries.set(name, value)
    const configEntries = [...entries].map(([name, value]) => ({ name, value }))
    const wanted = { topic, ...(numPartitions !== undefined && { numPartitions }), ...creation, configEntries }
    await createAdmin(this.#cluster).createTopics({ topics: [wanted] })
  }

  /** Setting max.message.bytes of a topic, null where it is not told. */
  async #longestMessage(topic: string): Promise<number | null> {
    try {
      const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['max.message.bytes'] }
      const { resources } = await createAdmin(this.#cluster).describeConfigs({ resources: [resource] })
      const bytes = Number(resources[0]?.configEntries.find(({ configName }) => configName === 'max.message.bytes')?.configValue)
      return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null
    } catch {
      return null
    }
  }
}

function stageOf({ headers }: KafkaMessage): number | null {
  const stage = numberOf(headers, names.stage)
  return stage !== null && stage >= 1 && stage <= mostDelays ? stage : null
}
