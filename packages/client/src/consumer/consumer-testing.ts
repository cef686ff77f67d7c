// A consumer for tests whose time is moved by hand, with a fetcher that reads lists and a membership that does what the test says.
import type { RecordView } from '@ottla/protocol'
import { createConsumer } from './consumer.ts'
import { FakeCluster } from './fetch/fake-cluster-testing.ts'
import { offsetsOf } from './offsets-of.ts'
import type {
  AssignmentListener,
  CommittedOffset,
  FetchedRecords,
  Fetcher,
  JoinFacts,
  Membership,
  OffsetToCommit,
  TopicPartition,
} from './parts.ts'
import type { Consumer, ConsumerConfig } from './types.ts'

interface FakePartition extends TopicPartition {
  offset: number
  paused: boolean
  version: number
  inHand: FetchedRecords | null
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/** Reads lists of values. */
export class FakeFetcher implements Fetcher {
  readonly read = new Map<string, FakePartition>()
  readonly #logs: Map<string, string[]>
  readonly batchSize: number
  #wake: (() => void) | null = null
  failure: Error | null = null
  isClosed = false

  constructor(logs: Map<string, string[]>, batchSize: number) {
    this.#logs = logs
    this.batchSize = batchSize
  }

  assign(): void {
    throw new Error('not used')
  }
  add(positions: readonly (TopicPartition & { readonly offset: number })[]): void {
    for (const { topic, partition, offset } of positions)
      this.read.set(keyOf({ topic, partition }), { topic, partition, offset, paused: false, version: 0, inHand: null })
    this.wake()
  }
  remove(partitions: Iterable<TopicPartition>): void {
    for (const at of partitions) this.read.delete(keyOf(at))
  }
  seek(at: TopicPartition, offset: number): boolean {
    const read = this.read.get(keyOf(at))
    if (read === undefined) return false
    read.offset = offset
    read.version++
    this.wake()
    return true
  }
  pause(partitions: Iterable<TopicPartition>): void {
    for (const at of partitions) this.#set(at, true)
  }
  resume(partitions: Iterable<TopicPartition>): void {
    for (const at of partitions) this.#set(at, false)
    this.wake()
  }
  #set(at: TopicPartition, paused: boolean): void {
    const read = this.read.get(keyOf(at))
    if (read !== undefined) read.paused = paused
  }
  paused(): TopicPartition[] {
    return [...this.read.values()].filter(({ paused }) => paused)
  }

  take(): FetchedRecords | undefined {
    const { failure } = this
    this.failure = null
    if (failure !== null) throw failure
    const read = this.#next()
    if (read === undefined) return undefined
    const { topic, partition, offset, version } = read
    const log = this.#logs.get(keyOf(read)) ?? []
    const values = log.slice(offset, offset + this.batchSize)
    read.offset = offset + values.length
    const view = (value: string, index: number): RecordView => ({
      offset: offset + index,
      timestamp: 500,
      key: Buffer.from(value.split(':')[0] ?? ''),
      value: Buffer.from(value),
      headers: [],
    })
    const ends = { nextOffset: read.offset, endOffset: log.length, highWatermark: log.length, logStartOffset: 0 }
    const facts = { topic, partition, version, fetchOffset: offset, sizeBytes: 1, leaderEpoch: 3 }
    read.inHand = { ...facts, ...ends, records: () => values.map(view) }
    return read.inHand
  }
  #next(): FakePartition | undefined {
    return [...this.read.values()].find(at => !at.paused && at.inHand === null && at.offset < (this.#logs.get(keyOf(at))?.length ?? 0))
  }
  done(taken: FetchedRecords): void {
    const read = this.read.get(keyOf(taken))
    if (read?.inHand === taken) read.inHand = null
    this.wake()
  }
  isCurrent(taken: FetchedRecords): boolean {
    return this.read.get(keyOf(taken))?.version === taken.version
  }
  ready(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failure !== null || this.#next() !== undefined) return resolve()
      this.#wake = resolve
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  }
  wake(): void {
    this.#wake?.()
    this.#wake = null
  }
  position(): undefined {
    return undefined
  }
  async close(): Promise<void> {
    this.isClosed = true
  }
}

/** A membership that is told what it is assigned. */
export class FakeMembership implements Membership {
  readonly listener: AssignmentListener
  assignment: readonly TopicPartition[] = []
  facts: JoinFacts | null = null
  readonly commits: string[] = []
  /** Leader epochs of the last commit. */
  epochs: (number | undefined)[] = []
  readonly stored: Map<string, number>
  readonly metadata: Map<string, string | null>
  /** What the next commit fails with. */
  commitFailure: Error | null = null
  joinFailure: Error | null = null
  hasLeft = false
  /** Calls of `standAside` and `goOn`. */
  readonly asides: string[] = []

  constructor(
    listener: AssignmentListener,
    assignment: readonly TopicPartition[],
    group: { stored: Map<string, number>; metadata: Map<string, string | null> },
  ) {
    this.listener = listener
    this.assignment = assignment
    this.stored = group.stored
    this.metadata = group.metadata
  }

  async join(): Promise<void> {
    if (this.joinFailure !== null) throw this.joinFailure
    const facts = { groupId: 'g', memberId: 'm', leaderId: 'm', isLeader: true, generationId: 1, groupProtocol: 'range', duration: 0 }
    this.facts = facts
    await this.listener.assigned(this.assignment, facts)
  }
  async subscribe(): Promise<void> {}
  rebalance(): void {}
  async heartbeat(): Promise<void> {}
  standAside(): void {
    this.asides.push('aside')
  }
  goOn(): void {
    this.asides.push('on')
  }
  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    const failure = this.commitFailure
    this.commitFailure = null
    if (failure !== null) throw failure
    this.epochs = offsets.map(({ leaderEpoch }) => leaderEpoch)
    this.commits.push(offsets.map(at => `${keyOf(at)}@${at.offset}`).join(' '))
    for (const at of offsets) {
      this.stored.set(keyOf(at), at.offset)
      this.metadata.set(keyOf(at), at.metadata ?? null)
    }
  }
  async committed(partitions: readonly TopicPartition[]): Promise<CommittedOffset[]> {
    return partitions.map(({ topic, partition }) => {
      const key = keyOf({ topic, partition })
      return { topic, partition, offset: this.stored.get(key) ?? -1, leaderEpoch: -1, metadata: this.metadata.get(key) ?? null }
    })
  }
  groupMetadata() {
    return { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
  }
  async leave(): Promise<void> {
    if (this.hasLeft) return
    this.hasLeft = true
    await this.listener.revoked(this.assignment)
  }
}

const unused = async (): Promise<never> => Promise.reject(new Error('not used'))

/** A consumer of topic `t` and what it is made of. */
export class FakeWorld {
  readonly cluster: FakeCluster
  readonly logs = new Map<string, string[]>()
  readonly stored = new Map<string, number>()
  /** Metadata of what the group has. */
  readonly metadata = new Map<string, string | null>()
  readonly consumer: Consumer
  /** What each run was made of. */
  readonly fetchers: FakeFetcher[] = []
  readonly memberships: FakeMembership[] = []
  /** What the next membership fails to join with. */
  joinFailure: Error | null = null

  constructor({ partitions = 1, batchSize = 10, ...config }: Partial<ConsumerConfig> & { partitions?: number; batchSize?: number } = {}) {
    const listOffsets: FakeCluster['brokers']['listOffsets'] = async (_, { topics }) => ({
      topics: topics.map(({ name, partitions: asked }) => ({
        name,
        partitions: asked.map(({ partitionIndex, timestamp }) => ({
          partitionIndex,
          errorCode: 0,
          offset: timestamp === -2 ? 0 : (this.logs.get(keyOf({ topic: name, partition: partitionIndex }))?.length ?? 0),
        })),
      })),
    })
    this.cluster = new FakeCluster({ listOffsets, fetch: unused, epochEnds: unused })
    const numbers = Array.from({ length: partitions }, (_, partition) => partition)
    this.cluster.topic(
      't',
      numbers.map(() => 1),
    )
    const assignment = numbers.map(partition => ({ topic: 't', partition }))
    this.consumer = createConsumer(
      this.cluster,
      { groupId: 'g', ...config },
      {
        createFetcher: () => {
          const fetcher = new FakeFetcher(this.logs, batchSize)
          this.fetchers.push(fetcher)
          return fetcher
        },
        createMembership: (_, __, listener) => {
          const membership = new FakeMembership(listener, assignment, this)
          membership.joinFailure = this.joinFailure
          this.joinFailure = null
          this.memberships.push(membership)
          return membership
        },
        offsetsOf,
      },
    )
  }

  get clock() {
    return this.cluster.clock
  }
  get fetcher(): FakeFetcher {
    const fetcher = this.fetchers.at(-1)
    if (fetcher === undefined) throw new Error('Nothing runs')
    return fetcher
  }
  get membership(): FakeMembership {
    const membership = this.memberships.at(-1)
    if (membership === undefined) throw new Error('Nothing runs')
    return membership
  }
  get commits(): string[] {
    return this.memberships.flatMap(({ commits }) => commits)
  }

  /** Adds values to a partition. */
  append(values: readonly string[], partition = 0): void {
    const key = keyOf({ topic: 't', partition })
    this.logs.set(key, [...(this.logs.get(key) ?? []), ...values])
    this.fetchers.at(-1)?.wake()
  }
}
