// Fetch, versions 4 to 18: sessions (KIP-227), a wait of at most `max.wait` for at least `min.bytes`, at most `max.bytes` and at most
// `partition.max.bytes` each, but always a first batch (KIP-74), leader epochs (KIP-320), topic ids from version 13 on (KIP-516).
// Records leave as they lie on disk, in buffers on loan from the log. Fetches of followers are refused: replication is not there yet.
// No other replica is ever preferred for reading (KIP-392).
import type { FetchRequest, FetchResponseInit, Logger } from '@ottla/protocol'
import { ErrorCode, fetchApi } from '@ottla/protocol'
import type { FetchContext, FetchSessions } from '../replica/fetch-session.ts'
import type { FetchReads, FetchRules, FetchTarget, PartitionRead } from '../replica/fetch-read.ts'
import { ReadLoans, readTargets } from '../replica/fetch-read.ts'
import { FetchWait, WhenQuiet } from '../replica/fetch-wait.ts'
import { endpointsOf, leaderOf } from '../replica/leaders.ts'
import type { Partition } from '../replica/partition.ts'
import type { Replicas } from '../replica/replicas.ts'
import type { AnyHandler, Reply, RequestContext } from '../requests/handler.ts'
import { handler, Loaned } from '../requests/handler.ts'

/** What the handler uses. */
export interface FetchParts {
  readonly replicas: Replicas
  readonly sessions: FetchSessions
  readonly logger: Logger
  /** `fetch.max.bytes`, asked anew for each request. */
  readonly maxBytes: () => number
  /** Bytes of records that may be on their way to all clients together; beyond it each fetch gets a first batch alone. 96 MiB by default. */
  readonly bytesOnLoan?: number
}

/** One fetch on its way. */
interface Fetching {
  readonly request: FetchRequest
  readonly context: RequestContext
  readonly session: FetchContext
}

interface ResponseTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: PartitionRead[]
}

/** What the pooled read buffers of the log hold: one of the largest fetches that there are, and much of the next. */
const BYTES_ON_LOAN = 96 * 1024 * 1024

/** The isolation level at which only committed transactions are read. */
const READ_COMMITTED = 1
/** The replica id of followers is 0 or more; consumers say -1, debugging tools -2. */
const isFollower = (request: FetchRequest): boolean => request.replicaId >= 0 || request.replicaState.replicaId >= 0

/** Reads of the same topic that follow one another share its place in the response. */
const byTopic = (reads: readonly PartitionRead[]): ResponseTopic[] => {
  const topics: ResponseTopic[] = []
  let last: ResponseTopic | undefined
  for (const read of reads) {
    const { topic, topicId } = read.target
    if (last === undefined || last.topic !== topic || last.topicId !== topicId) {
      last = { topic, topicId, partitions: [] }
      topics.push(last)
    }
    last.partitions.push(read)
  }
  return topics
}

/** Whether there is nothing to wait for. */
const isEnough = ({ request, session }: Fetching, all: FetchReads, minBytes: number): boolean =>
  request.maxWaitMs <= 0 || session.targets.length === all.missing || all.bytes >= minBytes || all.isUrgent

const doNothing = (): void => undefined

/** Makes the handler. */
export const fetch = (parts: FetchParts): AnyHandler => {
  const { bytesOnLoan = BYTES_ON_LOAN, logger, replicas, sessions } = parts
  const loans = new ReadLoans(bytesOnLoan)
  const whenQuiet = new WhenQuiet()

  const locate = (target: FetchTarget, apiVersion: number): Partition | number =>
    apiVersion >= 13 ? replicas.locateById(target.topicId, target.partition) : replicas.locate(target.topic, target.partition)

  const rulesOf = (request: FetchRequest, context: RequestContext): FetchRules => ({
    maxBytes: Math.min(request.maxBytes, parts.maxBytes()),
    loans,
    slices: replicas.slices,
    committedOnly: request.isolationLevel === READ_COMMITTED,
    locate: target => locate(target, context.apiVersion),
    unexpected: (target, error) => {
      logger.error(
        { topic: target.topic, topicId: target.topicId, partition: target.partition, err: error },
        'a fetch failed for a reason that is not the client',
      )
    },
  })

  /** Tells the leaders to clients that know how to read it (KIP-951); older ones do not know KAFKA_STORAGE_ERROR. */
  const adapt = (reads: readonly PartitionRead[], context: RequestContext): number[] => {
    const leaders: number[] = []
    for (const read of reads) {
      if (read.errorCode === ErrorCode.NONE) continue
      if (context.apiVersion <= 5 && read.errorCode === ErrorCode.KAFKA_STORAGE_ERROR) read.errorCode = ErrorCode.NOT_LEADER_OR_FOLLOWER
      if (context.apiVersion < 16) continue
      if (read.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER && read.errorCode !== ErrorCode.FENCED_LEADER_EPOCH) continue
      const topic = replicas.image.topicById(read.target.topicId)
      read.currentLeader = leaderOf(topic?.partitions[read.partitionIndex])
      leaders.push(read.currentLeader.leaderId)
    }
    return leaders
  }

  const reply = ({ context, request, session }: Fetching, all: FetchReads): Reply<FetchResponseInit> => {
    const answer = sessions.answer(session, all.reads, request.sessionEpoch)
    if (answer.errorCode !== ErrorCode.NONE) all.release()
    for (const read of answer.reads) if (read.partition !== null) read.partition.counters.bytesOut += read.size
    const leaders = adapt(answer.reads, context)
    const { errorCode, sessionId } = answer
    const body: FetchResponseInit = { throttleTimeMs: 0, errorCode, sessionId, responses: byTopic(answer.reads) }
    const full = leaders.length === 0 ? body : { ...body, nodeEndpoints: endpointsOf(replicas.image, leaders, context.connection.listener) }
    return all.bytes > 0 ? new Loaned(full, () => all.release()) : full
  }

  const wait = (
    fetching: Fetching,
    all: FetchReads,
    { minBytes, rules }: { minBytes: number; rules: FetchRules },
  ): Promise<Reply<FetchResponseInit>> =>
    new Promise((resolve, reject) => {
      const { context, request, session } = fetching
      const { deadlines } = replicas
      let forget: () => void = doNothing
      const settle = (found: FetchReads): void => {
        forget()
        try {
          resolve(reply(fetching, found))
        } catch (error) {
          found.release()
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      const fetchWait = new FetchWait(
        { targets: session.targets, rules, minBytes, maxWaitMs: request.maxWaitMs, deadlines, whenQuiet },
        all,
        settle,
      )
      forget = context.connection.onClose(() => {
        fetchWait.abort()
        resolve({ throttleTimeMs: 0, responses: [] })
      })
    })

  return handler({
    api: fetchApi,
    versions: [4, 18],
    handle(request, context) {
      const session = sessions.open(request, context.apiVersion)
      const fetching: Fetching = { request, context, session }
      if (session.errorCode !== ErrorCode.NONE) return { throttleTimeMs: 0, errorCode: session.errorCode, responses: [] }
      const rules = rulesOf(request, context)
      const minBytes = Math.min(request.minBytes, rules.maxBytes)
      const found = readTargets(session.targets, isFollower(request) ? refusing(rules) : rules)
      const next = (all: FetchReads): Reply<FetchResponseInit> | Promise<Reply<FetchResponseInit>> =>
        isEnough(fetching, all, minBytes) ? reply(fetching, all) : wait(fetching, all, { minBytes, rules })
      return found instanceof Promise ? found.then(next) : next(found)
    },
  })
}

/** No broker is a follower of this one: what Kafka's leader says to one that it does not know. */
const refusing = (rules: FetchRules): FetchRules => ({
  ...rules,
  locate: target => {
    const partition = rules.locate(target)
    if (typeof partition === 'number') return partition
    const error = partition.errorForLeader(target.currentLeaderEpoch)
    if (error !== ErrorCode.NONE) return error
    return target.currentLeaderEpoch >= 0 ? ErrorCode.UNKNOWN_LEADER_EPOCH : ErrorCode.NOT_LEADER_OR_FOLLOWER
  },
})
