// Test support: a cluster that gives answers made up beforehand, one after the other, and keeps what it was asked. Its time passes at once.
import { type AnyApi, bounds, type ResponseOf, type Timer } from '@ottla/protocol'
import type { Answer, BodyFor, Cluster, ClusterImage, Destination, RequestOptions } from '../../cluster/cluster.ts'
import { EventEmitter } from '../../events/emitter.ts'
import { createLogger, logLevel } from '../../logger.ts'
import { retryDefaults } from '../../retry.ts'

const unused = (): never => {
  throw new Error('A scripted cluster does not have this')
}

/** See the top of the file. */
export class ScriptedCluster implements Cluster {
  readonly clientId = 'scripted'
  readonly retry = retryDefaults
  readonly requestTimeoutMs = 30_000
  readonly random = { next: () => 0.5, bytes: (size: number) => Buffer.alloc(size) }
  readonly logger = createLogger({ level: logLevel.NOTHING })
  readonly clock = {
    now: () => 0,
    monotonic: () => 0,
    after: (_delayMs: number, run: () => void): Timer => {
      const timer = setImmediate(run)
      return { cancel: () => clearImmediate(timer) }
    },
  }
  readonly events = new EventEmitter(this.clock, this.logger)
  image: ClusterImage = { clusterId: null, controllerId: 1, nodes: new Map(), topics: new Map(), topicNames: new Map() }
  readonly bodies: unknown[] = []
  readonly versions: number[] = []
  /** Answers to come; errors are thrown. */
  readonly answers: unknown[]
  /** How often the coordinator was to be looked for anew. */
  forgotten = 0
  connect = unused
  disconnect = unused
  isConnected = unused
  post = unused
  versionOf = unused
  topics = unused
  forget = unused
  leaderOf = unused
  learnLeader = unused
  onChange = unused
  coordinatorOf = unused

  constructor(answers: readonly unknown[]) {
    this.answers = [...answers]
  }

  addTopic(name: string, id: string): void {
    const topics = new Map(this.image.topics).set(name, { name, id, isInternal: false, partitions: [] })
    this.image = { ...this.image, topics, topicNames: new Map(this.image.topicNames).set(id, name) }
  }

  async request<A extends AnyApi>(_: Destination, api: A, body: BodyFor<A>, options: RequestOptions = {}): Promise<Answer<A>> {
    const version = Math.min(options.maxVersion ?? Number.MAX_SAFE_INTEGER, bounds(api.versions)[1])
    this.bodies.push(typeof body === 'function' ? body(version) : body)
    this.versions.push(version)
    if (this.answers.length === 0) throw new Error('The script is over')
    const answer = this.answers.shift()
    if (answer instanceof Error) throw answer
    const copy: ResponseOf<A> = JSON.parse(JSON.stringify(answer))
    return { body: copy, version, nodeId: 1 }
  }

  async refresh(): Promise<ClusterImage> {
    return this.image
  }

  forgetCoordinator(): void {
    this.forgotten++
  }
}
