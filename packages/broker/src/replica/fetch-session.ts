// Fetch sessions (KIP-227; classes FetchSession, FetchSessionCacheShard, FetchManager): the broker remembers what a client reads, the
// client only sends what changed, and only what changed is answered. A session knows topics by id from version 13 on, by name before.
import type { Clock, FetchRequest, Random } from '@ottla/protocol'
import { ErrorCode } from '@ottla/protocol'
import type { FetchTarget, PartitionRead } from './fetch-read.ts'

/** Session id of a fetch without session. */
export const NO_SESSION = 0
/** Session epochs that ask for a new session, and for none or the end of one. */
export const INITIAL_EPOCH = 0
export const FINAL_EPOCH = -1
/** A session that was not used for so long may go, one that is younger may not be replaced by a larger one. */
const EVICTION_MS = 120_000
/** Whoever reads more partitions than this does so without session. */
const MAX_PARTITIONS = 100_000
/** Partitions in all sessions together: some 150 bytes each. Whoever would add more to them reads without session. */
const MAX_PARTITIONS_OF_ALL = 1_000_000
/** A session of no more than so many is always let in: all of them together are not many. */
const FEW_PARTITIONS = 1000

const nextEpoch = (epoch: number): number => (epoch < 0 ? FINAL_EPOCH : epoch === 0x7fffffff ? 1 : epoch + 1)

type RequestedTopic = FetchRequest['topics'][number]
type RequestedPartition = RequestedTopic['partitions'][number]

/** One partition of a session: what is asked for, and what was answered last. */
export class SessionPartition implements FetchTarget {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  fetchOffset = 0
  currentLeaderEpoch = -1
  lastFetchedEpoch = -1
  partitionMaxBytes = 0
  answeredHighWatermark = -1
  answeredLogStart = -1

  constructor(topic: RequestedTopic, requested: RequestedPartition) {
    this.topic = topic.topic
    this.topicId = topic.topicId
    this.partition = requested.partition
    this.ask(requested)
  }

  ask(requested: RequestedPartition): void {
    this.fetchOffset = requested.fetchOffset
    this.currentLeaderEpoch = requested.currentLeaderEpoch
    this.lastFetchedEpoch = requested.lastFetchedEpoch
    this.partitionMaxBytes = requested.partitionMaxBytes
  }

  /** Whether an answer says anything that the client does not know; remembers it as answered. */
  answer(read: PartitionRead): boolean {
    let isNews = read.size > 0 || read.divergingEpoch !== undefined || read.preferredReadReplica !== -1
    if (this.answeredHighWatermark !== read.highWatermark) {
      this.answeredHighWatermark = read.highWatermark
      isNews = true
    }
    if (this.answeredLogStart !== read.logStartOffset) {
      this.answeredLogStart = read.logStartOffset
      isNews = true
    }
    if (read.errorCode !== ErrorCode.NONE) {
      // So that the partition is answered again when the error has gone.
      this.answeredHighWatermark = -1
      isNews = true
    }
    return isNews
  }
}

/** One client's session. */
export class FetchSession {
  readonly id: number
  readonly usesTopicIds: boolean
  readonly createdMs: number
  lastUsedMs: number
  /** The epoch that the next request must have. */
  epoch = 1
  /** In the order in which they are read: those that got records go to the end, so that all get their turn (KIP-74). */
  readonly partitions = new Set<SessionPartition>()
  readonly #byTopic = new Map<string, Map<number, SessionPartition>>()

  constructor(id: number, usesTopicIds: boolean, nowMs: number) {
    this.id = id
    this.usesTopicIds = usesTopicIds
    this.createdMs = nowMs
    this.lastUsedMs = nowMs
  }

  /** Takes what a request names into the session. */
  ask(topics: readonly RequestedTopic[]): void {
    for (const topic of topics) {
      const key = this.usesTopicIds ? topic.topicId : topic.topic
      let known = this.#byTopic.get(key)
      if (known === undefined) this.#byTopic.set(key, (known = new Map()))
      for (const requested of topic.partitions) {
        const partition = known.get(requested.partition)
        if (partition !== undefined) {
          partition.ask(requested)
          continue
        }
        const added = new SessionPartition(topic, requested)
        known.set(requested.partition, added)
        this.partitions.add(added)
      }
    }
  }

  /** Takes out what a request forgets. */
  forget(topics: FetchRequest['forgottenTopicsData']): void {
    for (const topic of topics) {
      const key = this.usesTopicIds ? topic.topicId : topic.topic
      const known = this.#byTopic.get(key)
      if (known === undefined) continue
      for (const index of topic.partitions) {
        const partition = known.get(index)
        if (partition === undefined) continue
        known.delete(index)
        this.partitions.delete(partition)
      }
      if (known.size === 0) this.#byTopic.delete(key)
    }
  }

  /** The reads that are news for the client, which are then known to it. */
  answer(reads: readonly PartitionRead[]): PartitionRead[] {
    const news: PartitionRead[] = []
    for (const read of reads) {
      const partition = read.target
      if (!(partition instanceof SessionPartition) || !this.partitions.has(partition)) continue
      if (!partition.answer(read)) continue
      news.push(read)
      if (read.size > 0) {
        this.partitions.delete(partition)
        this.partitions.add(partition)
      }
    }
    return news
  }
}

/** What a request with its session amounts to. */
export interface FetchContext {
  /** Of the whole response; nothing is read when there is one. */
  readonly errorCode: number
  readonly targets: readonly FetchTarget[]
  /** The session that the response belongs to: the one that goes on, or the one that begins. */
  readonly session: FetchSession | null
  /** Whether the session begins with this response. */
  readonly begins: boolean
}

const failed = (errorCode: number): FetchContext => ({ errorCode, targets: [], session: null, begins: false })

/** The partitions of a request without session, as they are read: each once, however often it is named. */
const targetsOf = (topics: readonly RequestedTopic[], usesTopicIds: boolean): readonly FetchTarget[] => {
  const [topic] = topics
  const [requested] = topic?.partitions ?? []
  if (topic === undefined || (topics.length === 1 && requested === undefined)) return []
  if (topics.length === 1 && topic.partitions.length === 1 && requested !== undefined) return [new SessionPartition(topic, requested)]
  const once = new FetchSession(NO_SESSION, usesTopicIds, 0)
  once.ask(topics)
  return [...once.partitions]
}

/** All sessions of a broker, no more of them than there is room for. */
export class FetchSessions {
  /** The least recently used first. */
  readonly #sessions = new Map<number, FetchSession>()
  readonly #clock: Clock
  readonly #random: Random
  readonly #slots: number
  readonly #partitionsOfAll: number
  /** How many had to go for others. */
  evictions = 0

  /** `slots` is `max.incremental.fetch.session.cache.slots`; `partitions` bounds those of all sessions together. */
  constructor(options: { clock: Clock; random: Random; slots: number; partitions?: number }) {
    this.#clock = options.clock
    this.#random = options.random
    this.#slots = options.slots
    this.#partitionsOfAll = options.partitions ?? MAX_PARTITIONS_OF_ALL
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Partitions in all sessions. */
  get partitions(): number {
    let count = 0
    for (const session of this.#sessions.values()) count += session.partitions.size
    return count
  }

  /** What a request asks for, with what its session knows. */
  open(request: FetchRequest, apiVersion: number): FetchContext {
    const { sessionEpoch, sessionId, topics } = request
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      if (sessionId !== NO_SESSION) this.#sessions.delete(sessionId)
      if (sessionEpoch === FINAL_EPOCH || apiVersion < 7)
        return { errorCode: ErrorCode.NONE, targets: targetsOf(topics, apiVersion >= 13), session: null, begins: false }
      return this.#begin(topics, apiVersion)
    }
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return failed(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    if (session.epoch !== sessionEpoch) return failed(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    if (session.usesTopicIds !== apiVersion >= 13) return failed(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
    const before = session.partitions.size
    session.ask(topics)
    session.forget(request.forgottenTopicsData)
    if (session.partitions.size === 0 || this.#isTooLarge(session, before)) {
      this.#sessions.delete(sessionId)
      const targets = session.partitions.size === 0 ? targetsOf(topics, session.usesTopicIds) : [...session.partitions]
      return { errorCode: ErrorCode.NONE, targets, session: null, begins: false }
    }
    session.epoch = nextEpoch(session.epoch)
    this.#sessions.delete(sessionId)
    this.#sessions.set(sessionId, session)
    session.lastUsedMs = this.#clock.monotonic()
    return { errorCode: ErrorCode.NONE, targets: [...session.partitions], session, begins: false }
  }

  /**
   * The part of the reads that the response shows, with its session id and error: everything in a first response, what is news in later
   * ones. A session whose epoch has moved on meanwhile gets an error: the request came twice.
   */
  answer(context: FetchContext, reads: readonly PartitionRead[], requestEpoch: number): FetchAnswer {
    const { begins, session } = context
    if (session === null) return { errorCode: context.errorCode, sessionId: NO_SESSION, reads }
    if (begins) {
      const kept = this.#keep(session)
      if (kept) session.answer(reads)
      return { errorCode: ErrorCode.NONE, sessionId: kept ? session.id : NO_SESSION, reads }
    }
    if (session.epoch !== nextEpoch(requestEpoch)) {
      return { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: session.id, reads: [] }
    }
    return { errorCode: ErrorCode.NONE, sessionId: session.id, reads: session.answer(reads) }
  }

  #begin(topics: readonly RequestedTopic[], apiVersion: number): FetchContext {
    const session = new FetchSession(this.#newId(), apiVersion >= 13, this.#clock.monotonic())
    session.ask(topics)
    const targets = [...session.partitions]
    const isLarge = targets.length > MAX_PARTITIONS
    return { errorCode: ErrorCode.NONE, targets, session: isLarge ? null : session, begins: !isLarge }
  }

  #isTooLarge({ partitions: { size } }: FetchSession, before: number): boolean {
    return size > MAX_PARTITIONS || (size > before && size > FEW_PARTITIONS && this.partitions > this.#partitionsOfAll)
  }

  #newId(): number {
    for (;;) {
      const id = 1 + Math.floor(this.#random.next() * 0x7ffffffe)
      if (!this.#sessions.has(id)) return id
    }
  }

  /** Keeps a new session if there is room or a less valuable one; says whether it did. */
  #keep(session: FetchSession): boolean {
    if (this.#slots <= 0 || this.#sessions.has(session.id)) return false
    const { size } = session.partitions
    if (size > FEW_PARTITIONS && this.partitions + size > this.#partitionsOfAll) return false
    if (this.#sessions.size >= this.#slots && !this.#evictFor(session.partitions.size)) return false
    session.lastUsedMs = this.#clock.monotonic()
    this.#sessions.set(session.id, session)
    return true
  }

  /** The stalest session goes; if none is stale, the smallest one that is not young, where it is smaller than the new one. */
  #evictFor(size: number): boolean {
    const now = this.#clock.monotonic()
    let least: FetchSession | undefined
    for (const session of this.#sessions.values()) {
      if (now - session.lastUsedMs > EVICTION_MS) {
        least = session
        break
      }
      const isOld = now - session.createdMs > EVICTION_MS
      if (isOld && session.partitions.size < size && session.partitions.size < (least?.partitions.size ?? Infinity)) least = session
    }
    if (least === undefined) return false
    this.#sessions.delete(least.id)
    this.evictions++
    return true
  }
}

/** What a response shows. */
export interface FetchAnswer {
  readonly errorCode: number
  readonly sessionId: number
  readonly reads: readonly PartitionRead[]
}
