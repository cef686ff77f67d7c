// Brokers for tests of the fetcher: logs in memory, read as Kafka's brokers let them be read, with fetch sessions (KIP-227) that are checked strictly.
import type { BatchOptions, RecordInit, RequestOf, ResponseInitOf } from '@ottla/protocol'
import {
  BatchBuilder,
  endTransactionMarker,
  ErrorCode,
  type fetchApi,
  type listOffsetsApi,
  type offsetForLeaderEpochApi,
  RecordBatch,
  ZERO_UUID,
} from '@ottla/protocol'
import { KafkaJSConnectionClosedError } from '../../errors/index.ts'
import type { FetchedRecords, Fetcher } from '../parts.ts'
import { type FakeBrokers, FakeCluster } from './fake-cluster-testing.ts'
import { createFetcher, type FetcherOptions, type PositionReset } from './fetcher.ts'
import { messagesOf } from './message.ts'

type FetchRequest = RequestOf<typeof fetchApi>
type FetchAnswer = ResponseInitOf<typeof fetchApi>
type PartitionAnswer = FetchAnswer['responses'][number]['partitions'][number]
type Asked = FetchRequest['topics'][number]['partitions'][number]

/** A partition's log. */
export class ModelLog {
  readonly topic: string
  readonly partition: number
  batches: RecordBatch[] = []
  startOffset = 0
  leader: number
  leaderEpoch = 0
  /** A replica beside the leader that may be read from. */
  follower = -1
  highWatermark = 0
  lastStableOffset: number | undefined
  aborted: { readonly producerId: number; readonly firstOffset: number }[] = []
  /** What the next fetches are answered, one after the other. */
  answers: Partial<PartitionAnswer>[] = []
  /** Where epochs ended, for OffsetForLeaderEpoch. */
  epochEnd: { readonly leaderEpoch: number; readonly endOffset: number } | undefined
  /** Errors for ListOffsets. */
  listErrors: number[] = []

  constructor(topic: string, partition: number, leader: number) {
    this.topic = topic
    this.partition = partition
    this.leader = leader
  }

  append(records: readonly RecordInit[], options: BatchOptions = {}): void {
    const builder = new BatchBuilder({ baseOffset: this.highWatermark, partitionLeaderEpoch: this.leaderEpoch, ...options })
    for (const record of records) builder.append(record)
    this.add(builder.build())
  }
  /** Appends `count` records whose keys are their offsets. */
  fill(count: number, options: BatchOptions = {}): void {
    this.append(
      Array.from({ length: count }, (_, index) => ({ timestamp: 5000 + index, key: String(this.highWatermark + index), value: 'v' })),
      options,
    )
  }
  end(producerId: number, isCommit: boolean): void {
    const marker = { producerId, producerEpoch: 0, timestamp: 1, baseOffset: this.highWatermark, partitionLeaderEpoch: this.leaderEpoch }
    this.add(endTransactionMarker({ isCommit, coordinatorEpoch: 0 }, marker))
  }
  add(batch: RecordBatch): void {
    this.batches.push(batch)
    this.highWatermark = batch.nextOffset
  }

  /** Whole batches from an offset on, the last one cut off at the limit as brokers do; the first always as a whole where that is asked for. */
  read(offset: number, limitBytes: number, isFirst: boolean): Buffer {
    const end = this.lastStableOffset ?? this.highWatermark
    const chosen = this.batches.filter(batch => batch.lastOffset >= offset && batch.baseOffset < end).map(({ bytes }) => bytes)
    const all = Buffer.concat(chosen)
    const least = isFirst ? (chosen[0]?.length ?? 0) : 0
    return all.subarray(0, Math.max(limitBytes, least))
  }
}

interface Session {
  epoch: number
  readonly partitions: Map<string, { readonly name: string; readonly topic: string; readonly topicId: string; asked: Asked; told: string }>
}

export class ModelBrokers implements FakeBrokers {
  readonly logs = new Map<string, ModelLog>()
  readonly sessions = new Map<number, Session>()
  readonly fetches: { readonly nodeId: number; readonly request: FetchRequest; readonly version: number }[] = []
  readonly listed: string[] = []
  readonly epochsAsked: { readonly partition: number; readonly leaderEpoch: number; readonly currentLeaderEpoch: number }[] = []
  /** How long answers take. */
  latencyMs = () => 1
  /** What whole requests are answered, one after the other: an error code, or an error of the connection. */
  refusals: (number | Error)[] = []
  givesSessions = true
  cluster: FakeCluster | undefined
  #sessionId = 100
  readonly #cutFrom = new Set<number>()

  log(topic: string, partition: number, leader = 1): ModelLog {
    const key = `${topic}-${partition}`
    const log = this.logs.get(key) ?? new ModelLog(topic, partition, leader)
    this.logs.set(key, log)
    return log
  }

  /** Requests to a node fail from now on, or no longer. */
  cut(nodeId: number, isCut = true): void {
    if (isCut) this.#cutFrom.add(nodeId)
    else this.#cutFrom.delete(nodeId)
  }

  async fetch(nodeId: number, request: FetchRequest, version: number): Promise<FetchAnswer> {
    this.fetches.push({ nodeId, request, version })
    await this.#wait(this.latencyMs())
    if (this.#cutFrom.has(nodeId)) throw new KafkaJSConnectionClosedError('cut')
    const refusal = this.refusals.shift()
    if (refusal instanceof Error) throw refusal
    if (refusal !== undefined) return { throttleTimeMs: 0, errorCode: refusal, responses: [] }
    const found = this.#session(request)
    if (typeof found === 'number') return { throttleTimeMs: 0, errorCode: found, responses: [] }
    const { session, sessionId, isNew } = found
    const deadline = (this.cluster?.clock.monotonic() ?? 0) + request.maxWaitMs
    for (;;) {
      const responses = this.#answers(nodeId, request, { session, isNew })
      const isNews = responses.some(({ partitions }) =>
        partitions.some(answer => answer.errorCode !== 0 || (answer.records?.length ?? 0) > 0 || (answer.preferredReadReplica ?? -1) >= 0),
      )
      if (isNews || (this.cluster?.clock.monotonic() ?? 0) >= deadline) return { throttleTimeMs: 0, errorCode: 0, sessionId, responses }
      await this.#wait(5)
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise(resolve => this.cluster?.clock.after(ms, resolve))
  }

  #session(request: FetchRequest): { session: Session; sessionId: number; isNew: boolean } | number {
    const isNew = request.sessionEpoch <= 0
    if (isNew) this.sessions.delete(request.sessionId)
    const known = this.sessions.get(request.sessionId)
    if (!isNew && known === undefined) return ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    if (!isNew && known !== undefined && known.epoch !== request.sessionEpoch) return ErrorCode.INVALID_FETCH_SESSION_EPOCH
    const session = known ?? { epoch: 1, partitions: new Map() }
    if (!isNew) session.epoch++
    for (const { topic, topicId, partitions } of request.forgottenTopicsData)
      for (const partition of partitions)
        if (!session.partitions.delete(`${topic}${topicId}-${partition}`)) throw new Error('forgot what was not there')
    for (const { topic, topicId, partitions } of request.topics) {
      const name = topic === '' ? (this.cluster?.image.topicNames.get(topicId) ?? '') : topic
      for (const asked of partitions) {
        session.partitions.set(`${topic}${topicId}-${asked.partition}`, { name, topic, topicId, asked, told: '' })
      }
    }
    if (!this.givesSessions || request.sessionEpoch < 0) return { session, sessionId: 0, isNew }
    const sessionId = isNew ? ++this.#sessionId : request.sessionId
    this.sessions.set(sessionId, session)
    return { session, sessionId, isNew }
  }

  #answers(nodeId: number, request: FetchRequest, { session, isNew }: { session: Session; isNew: boolean }): FetchAnswer['responses'] {
    const responses: { topic: string; topicId: string; partitions: PartitionAnswer[] }[] = []
    let leftBytes = request.maxBytes
    let isFirst = true
    for (const entry of session.partitions.values()) {
      const answer = this.#answer(nodeId, entry, { limitBytes: Math.min(leftBytes, entry.asked.partitionMaxBytes), isFirst })
      const bytes = Buffer.isBuffer(answer.records) ? answer.records.length : 0
      leftBytes = Math.max(0, leftBytes - bytes)
      if (bytes > 0) isFirst = false
      const { highWatermark, logStartOffset = -1, preferredReadReplica = -1 } = answer
      const told = `${highWatermark} ${logStartOffset}`
      const isNews = answer.errorCode !== 0 || bytes > 0 || preferredReadReplica >= 0 || told !== entry.told
      entry.told = answer.errorCode === 0 ? told : ''
      if (isNew || isNews) responses.push({ topic: entry.topic, topicId: entry.topicId, partitions: [answer] })
    }
    return responses
  }

  #answer(
    nodeId: number,
    { name, topicId, asked }: { name: string; topicId: string; asked: Asked },
    limits: { limitBytes: number; isFirst: boolean },
  ): PartitionAnswer {
    const nothing = { partitionIndex: asked.partition, highWatermark: -1, abortedTransactions: null, records: null }
    const log = this.logs.get(`${name}-${asked.partition}`)
    if (log === undefined) return { ...nothing, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
    if (topicId !== ZERO_UUID && topicId !== this.cluster?.truth.get(name)?.id) return { ...nothing, errorCode: ErrorCode.UNKNOWN_TOPIC_ID }
    const { highWatermark, startOffset: logStartOffset, lastStableOffset = highWatermark } = log
    const scripted = log.answers.shift()
    if (scripted !== undefined) return { ...nothing, errorCode: 0, highWatermark, lastStableOffset, logStartOffset, ...scripted }
    if (log.leader !== nodeId && log.follower !== nodeId) return { ...nothing, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }
    const { currentLeaderEpoch, fetchOffset } = asked
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch < log.leaderEpoch) return { ...nothing, errorCode: ErrorCode.FENCED_LEADER_EPOCH }
    if (currentLeaderEpoch > log.leaderEpoch) return { ...nothing, errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH }
    if (fetchOffset < log.startOffset || fetchOffset > highWatermark) return { ...nothing, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE }
    const records = log.read(fetchOffset, limits.limitBytes, limits.isFirst)
    const abortedTransactions = log.aborted.filter(({ firstOffset }) => firstOffset < highWatermark)
    return { ...nothing, errorCode: 0, highWatermark, lastStableOffset, logStartOffset, abortedTransactions, records }
  }

  async listOffsets(
    nodeId: number,
    { topics, isolationLevel }: RequestOf<typeof listOffsetsApi>,
  ): Promise<ResponseInitOf<typeof listOffsetsApi>> {
    await this.#wait(1)
    if (this.#cutFrom.has(nodeId)) throw new KafkaJSConnectionClosedError('cut')
    const answers = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp }) => {
        this.listed.push(`${name}-${partitionIndex}@${timestamp}`)
        const log = this.logs.get(`${name}-${partitionIndex}`)
        const errorCode = log === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : (log.listErrors.shift() ?? 0)
        if (log === undefined || errorCode !== 0) return { partitionIndex, errorCode }
        const end = isolationLevel === 1 ? (log.lastStableOffset ?? log.highWatermark) : log.highWatermark
        return { partitionIndex, errorCode, timestamp: -1, offset: timestamp === -2 ? log.startOffset : end, leaderEpoch: log.leaderEpoch }
      }),
    }))
    return { topics: answers, throttleTimeMs: 0 }
  }

  async epochEnds(
    nodeId: number,
    { topics }: RequestOf<typeof offsetForLeaderEpochApi>,
  ): Promise<ResponseInitOf<typeof offsetForLeaderEpochApi>> {
    await this.#wait(1)
    if (this.#cutFrom.has(nodeId)) throw new KafkaJSConnectionClosedError('cut')
    const answers = topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(asked => {
        this.epochsAsked.push(asked)
        const log = this.logs.get(`${topic}-${asked.partition}`)
        const end = log?.epochEnd ?? { leaderEpoch: asked.leaderEpoch, endOffset: log?.highWatermark ?? -1 }
        return { errorCode: 0, partition: asked.partition, ...end }
      }),
    }))
    return { throttleTimeMs: 0, topics: answers }
  }
}

/** A fetcher over model brokers. */
export interface FetcherWorld {
  readonly cluster: FakeCluster
  readonly brokers: ModelBrokers
  readonly fetcher: Fetcher
  readonly resets: PositionReset[]
  /** Takes what comes within some virtual time, gives it back at once, and says offsets as texts; errors are told by their names. */
  readonly drain: (ms?: number) => Promise<string[]>
}

/** Topic `t` with logs led by these nodes, known to the client; reading nothing yet. */
export function fetcherWorld(leaders: readonly number[] = [1], options: FetcherOptions = {}): FetcherWorld {
  const brokers = new ModelBrokers()
  const cluster = new FakeCluster(brokers)
  brokers.cluster = cluster
  cluster.topic('t', leaders)
  cluster.publish()
  for (const [partition, leader] of leaders.entries()) brokers.log('t', partition, leader)
  const resets: PositionReset[] = []
  const events = { positionReset: (reset: PositionReset) => void resets.push(reset) }
  const fetcher = createFetcher(cluster, { offsetReset: 'earliest', events, ...options })
  const drain = async (ms = 20): Promise<string[]> => {
    const got: string[] = []
    for (let passed = 0; passed <= ms; passed++) {
      for (let taken = takeOrName(fetcher); taken !== undefined; taken = takeOrName(fetcher)) {
        if (typeof taken === 'string') got.push(taken)
        else {
          got.push(...messagesOf(taken).map(({ offset }) => (leaders.length > 1 ? `${taken.partition}:${offset}` : offset)))
          fetcher.done(taken)
        }
      }
      await cluster.clock.advance(1)
    }
    return got
  }
  return { cluster, brokers, fetcher, resets, drain }
}

const takeOrName = (fetcher: Fetcher): FetchedRecords | string | undefined => {
  try {
    return fetcher.take()
  } catch (error) {
    return error instanceof Error ? error.name : String(error)
  }
}
