// The client's side of a fetch session (KIP-227, class FetchSessionHandler): the broker remembers what is read, requests name what changed. Topics
// go by id from version 13 of Fetch on (KIP-516) and by name before; a session knows only one of both.
import type { FetchRequestInit } from '@ottla/protocol'
import { ErrorCode } from '@ottla/protocol'

/** What a partition asks for. */
export interface Wanted {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  /** Leader epoch that the client knows, -1 for none. */
  readonly leaderEpoch: number
  readonly fetchBytes: number
  readonly version: number
}

/** A partition of the session, and what was asked for last. */
export interface SessionEntry<W extends Wanted> {
  readonly wanted: W
  readonly topicKey: string
  offset: number
  leaderEpoch: number
  fetchBytes: number
  version: number
  round: number
}

type SessionFields = Required<Pick<FetchRequestInit, 'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData'>>
type RequestedTopic = FetchRequestInit['topics'][number]
type RequestedPartition = RequestedTopic['partitions'][number]
interface ForgottenTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: number[]
}

const NO_SESSION = 0
const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1

/** A session with one broker; `W` is whom the answers are for. */
export class FetchSession<W extends Wanted> {
  #id = NO_SESSION
  #epoch = INITIAL_EPOCH
  #usesIds = false
  #round = 0
  #count = 0
  readonly #entries = new Map<string, Map<number, SessionEntry<W>>>()

  get id(): number {
    return this.#id
  }

  /** The next request, for exactly these partitions. */
  request(wanted: readonly W[], usesIds: boolean): SessionFields {
    if (this.#usesIds !== usesIds) this.restart()
    this.#usesIds = usesIds
    const isFull = this.#epoch === INITIAL_EPOCH
    if (isFull) {
      this.#entries.clear()
      this.#count = 0
    }
    const round = ++this.#round
    const topics = new Map<string, RequestedTopic & { partitions: RequestedPartition[] }>()
    for (const one of wanted) {
      if (this.#ask(one, round)) {
        const topicKey = usesIds ? one.topicId : one.topic
        let topic = topics.get(topicKey)
        if (topic === undefined) topics.set(topicKey, (topic = { topic: one.topic, topicId: one.topicId, partitions: [] }))
        topic.partitions.push({
          partition: one.partition,
          fetchOffset: one.offset,
          currentLeaderEpoch: one.leaderEpoch,
          partitionMaxBytes: one.fetchBytes,
        })
      }
    }
    const forgottenTopicsData = this.#count > wanted.length ? this.#forget(round) : []
    return { sessionId: this.#id, sessionEpoch: this.#epoch, topics: [...topics.values()], forgottenTopicsData }
  }

  /** Notes what is asked for; whether the broker has to be told. */
  #ask(one: W, round: number): boolean {
    const topicKey = this.#usesIds ? one.topicId : one.topic
    const partitions = this.#entries.get(topicKey) ?? new Map<number, SessionEntry<W>>()
    if (partitions.size === 0) this.#entries.set(topicKey, partitions)
    const { offset, leaderEpoch, fetchBytes, version } = one
    const entry = partitions.get(one.partition)
    if (entry === undefined || entry.wanted !== one) {
      if (entry === undefined) this.#count++
      partitions.set(one.partition, { wanted: one, topicKey, offset, leaderEpoch, fetchBytes, version, round })
      return true
    }
    entry.round = round
    entry.version = version
    if (entry.offset === offset && entry.leaderEpoch === leaderEpoch && entry.fetchBytes === fetchBytes) return false
    entry.offset = offset
    entry.leaderEpoch = leaderEpoch
    entry.fetchBytes = fetchBytes
    return true
  }

  /** Takes out what was not asked for this time. */
  #forget(round: number): ForgottenTopic[] {
    const forgotten: ForgottenTopic[] = []
    for (const [topicKey, partitions] of this.#entries) {
      let topic: ForgottenTopic | undefined
      for (const [partition, entry] of partitions) {
        if (entry.round === round) continue
        topic ??= { topic: entry.wanted.topic, topicId: this.#usesIds ? topicKey : entry.wanted.topicId, partitions: [] }
        topic.partitions.push(partition)
        partitions.delete(partition)
        this.#count--
      }
      if (topic !== undefined) forgotten.push(topic)
      if (partitions.size === 0) this.#entries.delete(topicKey)
    }
    return forgotten
  }

  /** The partition that an answer names, as it was asked for. */
  entry(topic: { readonly topic: string; readonly topicId: string }, partition: number): SessionEntry<W> | undefined {
    return this.#entries.get(this.#usesIds ? topic.topicId : topic.topic)?.get(partition)
  }

  /** Takes the answer's verdict on the session; false when nothing in the answer is to be used. */
  answered(errorCode: number, sessionId: number): boolean {
    if (errorCode !== ErrorCode.NONE) {
      if (errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND) this.#id = NO_SESSION
      this.restart()
      return false
    }
    if (sessionId === NO_SESSION) {
      // The broker has no room for one.
      this.#id = NO_SESSION
      this.#epoch = INITIAL_EPOCH
      return true
    }
    this.#id = sessionId
    this.#epoch = this.#epoch === 0x7fffffff ? 1 : this.#epoch + 1
    return true
  }

  /** The next request names everything and asks for a new session; the one that was, if any, is given up with it. */
  restart(): void {
    this.#epoch = INITIAL_EPOCH
  }

  /** A request that ends the session. */
  end(): SessionFields {
    return { sessionId: this.#id, sessionEpoch: FINAL_EPOCH, topics: [], forgottenTopicsData: [] }
  }
}
