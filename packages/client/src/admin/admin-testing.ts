// A cluster for tests of the admin that answers from a script: by API and, one after the other, by turn.
import type { AnyApi } from '@ottla/protocol'
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import type { Answer, BodyFor, Cluster, ClusterImage, Destination, TopicFacts } from '../cluster/cluster.ts'
import { protocolError } from '../errors/index.ts'
import { EventEmitter } from '../events/emitter.ts'
import type { LogEntry } from '../logger.ts'
import { createLogger, logLevel } from '../logger.ts'

/** A request that the cluster was sent. */
export interface Sent {
  readonly to: Destination
  readonly api: string
  readonly body: unknown
}

/** Answers of one API, one after the other; the last one stays. An error rejects the request. */
export type Script = Readonly<Record<string, readonly (object | Error)[]>>

const clock = {
  now: () => 0,
  monotonic: () => 0,
  /** Time passes at once. */
  after: (_delayMs: number, run: () => void) => {
    const timer = setImmediate(run)
    return { cancel: () => clearImmediate(timer) }
  },
}

/** Topics whose partitions are led by the nodes that are given. */
export const topicLedBy = (name: string, leaders: readonly number[]): TopicFacts => ({
  name,
  id: ZERO_UUID,
  isInternal: false,
  partitions: leaders.map((leader, partition) => ({
    partition,
    leader,
    leaderEpoch: 0,
    replicas: [],
    isr: [],
    offlineReplicas: [],
    errorCode: 0,
  })),
})

/** Makes the cluster, and what it was sent and logged. */
export function scriptedCluster(script: Script, topics: readonly TopicFacts[] = []) {
  const sent: Sent[] = []
  const logged: LogEntry[] = []
  const calls: string[] = []
  const turns = new Map<string, number>()
  const logger = createLogger({ level: logLevel.WARN, logCreator: () => entry => void logged.push(entry) })
  const byName = new Map(topics.map(topic => [topic.name, topic]))
  const image: ClusterImage = {
    clusterId: 'scripted',
    controllerId: 1,
    nodes: new Map([1, 2].map(nodeId => [nodeId, { nodeId, host: 'h', port: nodeId, rack: null }])),
    topics: byName,
    topicNames: new Map(),
  }
  const nextOf = (api: string): object => {
    const turn = turns.get(api) ?? 0
    turns.set(api, turn + 1)
    const answers = script[api] ?? []
    const answer = answers[Math.min(turn, answers.length - 1)] ?? new Error(`No answer for ${api}`)
    if (answer instanceof Error) throw answer
    return answer
  }
  const cluster: Cluster = {
    clientId: 'test',
    retry: { maxRetryTime: 30_000, initialRetryTime: 1, factor: 0, multiplier: 1, retries: 3 },
    requestTimeoutMs: 30_000,
    clock,
    random: { next: () => 0.5, bytes: size => Buffer.alloc(size) },
    logger,
    events: new EventEmitter(clock, logger),
    image,
    connect: async () => undefined,
    disconnect: async () => undefined,
    isConnected: () => true,
    request: async <A extends AnyApi>(to: Destination, api: A, body: BodyFor<A>): Promise<Answer<A>> => {
      const version = Number(api.versions.split('-').at(-1))
      sent.push({ to, api: api.name, body: typeof body === 'function' ? body(version) : body })
      const answer: unknown = nextOf(api.name)
      return JSON.parse(JSON.stringify({ body: answer, version, nodeId: 1 }))
    },
    post: async () => undefined,
    versionOf: async (_to, api) => Number(api.versions.split('-').at(-1)),
    topics: async names => {
      const missing = names.find(name => !byName.has(name))
      if (missing !== undefined) throw protocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, undefined, { topic: missing })
      return byName
    },
    refresh: async () => {
      calls.push('refresh')
      return image
    },
    forget: names => void calls.push(`forget ${[...names].join()}`),
    leaderOf: (topic, partition) => byName.get(topic)?.partitions[partition]?.leader,
    learnLeader: () => undefined,
    onChange: () => () => undefined,
    coordinatorOf: async () => 2,
    forgetCoordinator: key => void calls.push(`forget ${'group' in key ? key.group : key.transaction}`),
  }
  return { cluster, sent, logged, calls }
}
