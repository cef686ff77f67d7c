// What is known of a cluster, and how it is kept up to date: one question at a time, whose answer serves all who asked meanwhile.
import type { Clock, MetadataRequestInit, MetadataResponse, Timer } from '@ottla/protocol'
import { ErrorCode, errorOf } from '@ottla/protocol'
import { KafkaJSMetadataNotLoaded, protocolError } from '../errors/index.ts'
import type { Logger } from '../logger.ts'
import type { ClusterImage, NodeFacts, TopicFacts } from './cluster.ts'
import { emptyImage, imageAfter, imageWithLeader, imageWithout } from './image.ts'

/** Distance between refreshes that errors ask for (retry.backoff.ms). */
const TROUBLE_BACKOFF_MS = 100
const LONGEST_TROUBLE_BACKOFF_MS = 10_000
/** A topic that is missing for so long is told of in the log, though retries may go on. */
const MISSING_AFTER_MS = 1000

/** What metadata works with. */
export interface MetadataParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly maxAgeMs: number
  readonly allowAutoTopicCreation: boolean
  /** Asks any broker. */
  ask(body: (version: number) => MetadataRequestInit): Promise<MetadataResponse>
}

/** One question, for all who want it answered. */
interface Question {
  /** Topics that are only looked for. */
  readonly names: Set<string>
  /** Topics that may be created by being asked for. */
  readonly created: Set<string>
  /** Whether somebody wants to know all topics of interest. */
  refreshes: boolean
  /** Whether somebody wants to know all topics there are. */
  everything: boolean
  /** Topics in the answer that are not usable, with their error codes. */
  readonly answer: Promise<ReadonlyMap<string, number>>
}

/** The image of a cluster, and its topics of interest. */
export class Metadata {
  readonly #parts: MetadataParts
  readonly #interest = new Set<string>()
  readonly #listeners = new Set<(image: ClusterImage) => void>()
  /** Since when a topic has been missing; Infinity once that was told. */
  readonly #missingSinceMs = new Map<string, number>()
  #image = emptyImage
  #asking: Question | null = null
  #next: Question | null = null
  #timer: Timer | null = null
  #troubleTimer: Timer | null = null
  /** Refreshes that errors have asked for since the last answer. */
  #troubles = 0
  #isRunning = false

  constructor(parts: MetadataParts) {
    this.#parts = parts
  }

  get image(): ClusterImage {
    return this.#image
  }

  /** Keeps the image up to date from now on. */
  start(): void {
    this.#isRunning = true
    this.#plan()
  }

  stop(): void {
    this.#isRunning = false
    this.#timer?.cancel()
    this.#troubleTimer?.cancel()
    this.#timer = null
    this.#troubleTimer = null
  }

  /** As Cluster.topics. */
  async topics(names: readonly string[], allowAutoTopicCreation?: boolean): Promise<ReadonlyMap<string, TopicFacts>> {
    for (const name of names) this.#interest.add(name)
    const missing = names.filter(name => !this.#image.topics.has(name))
    const errors = missing.length === 0 ? new Map<string, number>() : await this.#ask(missing, allowAutoTopicCreation)
    const found = new Map<string, TopicFacts>()
    for (const name of names) {
      const facts = this.#image.topics.get(name)
      if (facts === undefined) throw topicError(errors.get(name) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name)
      found.set(name, facts)
    }
    return found
  }

  /** As Cluster.refresh. */
  async refresh(which?: 'all'): Promise<ClusterImage> {
    await this.#ask(which ?? [], false)
    return this.#image
  }

  /** Something is not as it was believed to be: asks anew soon, in the background. */
  trouble(): void {
    if (!this.#isRunning || this.#troubleTimer !== null) return
    const backoffMs = Math.min(TROUBLE_BACKOFF_MS * 2 ** this.#troubles, LONGEST_TROUBLE_BACKOFF_MS)
    this.#troubleTimer = this.#parts.clock.after(backoffMs, () => {
      this.#troubleTimer = null
      this.#troubles++
      this.#refreshQuietly()
    })
  }

  forget(names: Iterable<string>): void {
    const list = [...names]
    for (const name of list) {
      this.#interest.delete(name)
      this.#missingSinceMs.delete(name)
    }
    this.#replace(imageWithout(this.#image, list))
  }

  /** As Cluster.learnLeader. */
  learn(topic: string, partition: number, leader: { leaderId: number; leaderEpoch: number }, nodes: readonly NodeFacts[]): void {
    this.#replace(imageWithLeader(this.#image, { topic, partition, ...leader, nodes }))
  }

  /** A broker that some answer told of. */
  learnNode(node: NodeFacts): void {
    this.#replace(imageWithLeader(this.#image, { topic: '', partition: 0, leaderId: -1, leaderEpoch: -1, nodes: [node] }))
  }

  onChange(listener: (image: ClusterImage) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #ask(names: readonly string[] | 'all', creates = this.#parts.allowAutoTopicCreation): Promise<ReadonlyMap<string, number>> {
    const current = this.#asking
    if (current !== null && covers(current, names, creates)) return current.answer
    const next = (this.#next ??= this.#question())
    if (names === 'all') next.everything = true
    else if (names.length === 0) next.refreshes = true
    else for (const name of names) (creates ? next.created : next.names).add(name)
    return next.answer
  }

  /** A question that is asked when the one before is answered, at the earliest when this turn is over: so all who ask at once share it. */
  #question(): Question {
    const before = this.#asking?.answer ?? Promise.resolve()
    const begin = async (): Promise<ReadonlyMap<string, number>> => {
      await before.catch(() => undefined)
      this.#asking = question
      this.#next = null
      try {
        return await this.#answer(question)
      } finally {
        if (this.#asking === question) this.#asking = null
      }
    }
    const question: Question = { names: new Set(), created: new Set(), refreshes: false, everything: false, answer: begin() }
    return question
  }

  async #answer(question: Question): Promise<ReadonlyMap<string, number>> {
    const { names, created, everything } = question
    const errors = new Map<string, number>()
    // A request that may create topics names only those that somebody wants to be there: none of the others comes back to life by it.
    if (created.size > 0) await this.#exchange(created, errors, true)
    if (everything) await this.#exchange('all', errors)
    else if (looksFor(question)) await this.#exchange(new Set([...names, ...this.#interest]), errors)
    for (const name of this.#interest) this.#watchMissing(name, errors.get(name))
    this.#plan()
    return errors
  }

  /** One request. An answer without a single broker is that of one which knows nothing yet (as in Kafka's NetworkClient). */
  async #exchange(asked: ReadonlySet<string> | 'all', errors: Map<string, number>, creates = false): Promise<void> {
    const answer = await this.#parts.ask(version => ({
      topics: asked === 'all' ? (version === 0 ? [] : null) : [...asked].map(name => ({ name })),
      ...(version >= 4 ? { allowAutoTopicCreation: creates } : {}),
    }))
    if (answer.brokers.length === 0) throw new KafkaJSMetadataNotLoaded('The broker that was asked for metadata knows of no brokers yet')
    this.#troubles = 0
    for (const { name, errorCode } of answer.topics) if (name !== null && errorCode !== 0) errors.set(name, errorCode)
    this.#replace(imageAfter(this.#image, answer, { asked, keep: name => this.#interest.has(name) }))
  }

  #replace(image: ClusterImage): void {
    if (image === this.#image) return
    this.#image = image
    for (const listener of this.#listeners) {
      try {
        listener(image)
      } catch (error) {
        this.#parts.logger.error('A listener of metadata failed', { error: error instanceof Error ? error.message : String(error) })
      }
    }
  }

  #plan(): void {
    this.#timer?.cancel()
    this.#timer = null
    if (!this.#isRunning || this.#parts.maxAgeMs === Number.POSITIVE_INFINITY) return
    this.#timer = this.#parts.clock.after(this.#parts.maxAgeMs, () => {
      this.#refreshQuietly()
      this.#plan()
    })
  }

  #refreshQuietly(): void {
    this.refresh().catch(error => {
      if (!this.#isRunning) return
      this.#parts.logger.debug('Metadata could not be refreshed', { error: error instanceof Error ? error.message : String(error) })
    })
  }

  #watchMissing(name: string, errorCode: number | undefined): void {
    if (errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION || this.#image.topics.has(name)) {
      this.#missingSinceMs.delete(name)
      return
    }
    const nowMs = this.#parts.clock.monotonic()
    const sinceMs = this.#missingSinceMs.get(name) ?? nowMs
    this.#missingSinceMs.set(name, sinceMs)
    if (nowMs - sinceMs < MISSING_AFTER_MS) return
    this.#missingSinceMs.set(name, Number.POSITIVE_INFINITY)
    this.#parts.logger.warn(topicError(errorCode, name).message, { topic: name })
  }
}

function covers(question: Question, names: readonly string[] | 'all', creates: boolean): boolean {
  if (names === 'all' || (question.everything && !creates)) return question.everything
  if (names.length === 0) return looksFor(question)
  return names.every(name => question.created.has(name) || (!creates && question.names.has(name)))
}

/** Whether it asks for topics without creating them, those of interest among them. */
const looksFor = ({ names, created, refreshes }: Question): boolean => refreshes || names.size > 0 || created.size === 0

/** The error of a topic that cannot be used: what the code means, and the topic. */
export function topicError(code: number, topic: string): Error {
  return protocolError(code, `${errorOf(code).message.replace(/\.$/, '')} (topic ${topic})`, { topic })
}
