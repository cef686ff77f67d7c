// How the parts of a consumer see each other. The engine (who runs handlers and commits) sits on a fetcher (records of partitions, in
// order) and a membership (which partitions, and where their offsets are committed). Neither of these two knows the other.
import type { RecordView } from '@ottla/protocol'

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Consecutive records of one partition, as much as one fetch brought. */
export interface FetchedRecords extends TopicPartition {
  /** Offset that was asked for. */
  readonly fetchOffset: number
  /** Offset after the last of these records, filtered-out ones included: where the next fetch goes on. */
  readonly nextOffset: number
  /** What readers may see of the partition ends here: the last stable offset for read_committed, else the high watermark. */
  readonly endOffset: number
  readonly highWatermark: number
  readonly logStartOffset: number
  /** Bytes of record batches as received. */
  readonly sizeBytes: number
  /** Leader epoch of the last batch, -1 when not known; it is committed with the offset. */
  readonly leaderEpoch: number
  /** What the partition's position was set to by, counted up by each seek, assignment and revocation; for `isCurrent`. */
  readonly version: number
  /**
   * Decodes the data records, those of aborted transactions and before `fetchOffset` left out. Throws KafkaJSCorruptRecordError (with topic, partition,
   * offset) at a batch that cannot be read. May be called once.
   */
  records(): RecordView[]
}

/** Where a partition begins when nothing is committed, or what was asked for is not there. */
export type OffsetReset = 'earliest' | 'latest' | 'none'

/** Reads partitions ahead, within a bound of memory, and hands out what came. */
export interface Fetcher {
  /** The partitions to be read from now on and where. Those that are read already and named again go on where they are. */
  assign(positions: ReadonlyMap<string, ReadonlyMap<number, number>>): void
  /**
   * Reads these too (cooperative rebalancing). Where `leaderEpoch` says under which leader the records before the offset were read (-1: not known), and
   * there has been another since, that one is asked whether it has them (KIP-320).
   */
  add(positions: readonly (TopicPartition & { readonly offset: number; readonly leaderEpoch?: number })[]): void
  /** Reads these no longer and drops what was read ahead of them. */
  remove(partitions: Iterable<TopicPartition>): void
  /** Goes on elsewhere; what was read ahead is dropped. Unknown partitions are ignored and answer false. */
  seek(partition: TopicPartition, offset: number): boolean
  /** Stops and resumes the reading of partitions; what was read ahead is kept while paused, and not handed out. */
  pause(partitions: Iterable<TopicPartition>): void
  resume(partitions: Iterable<TopicPartition>): void
  paused(): TopicPartition[]
  /**
   * Records of a partition that nobody has in hand (`done` gives it back), else undefined. Partitions take turns.
   */
  take(): FetchedRecords | undefined
  /** Says that what was taken of this partition has been dealt with; the next records of it may be taken. */
  done(taken: FetchedRecords): void
  /** Whether the partition is still read and was not moved since these were fetched. */
  isCurrent(taken: FetchedRecords): boolean
  /** Resolves when `take` may give something (also an error that `take` throws once); rejects with the signal's reason. */
  ready(signal: AbortSignal): Promise<void>
  /** Where the next fetch of a partition begins, and the end of what may be read as last heard; undefined when not read. */
  position(partition: TopicPartition): { readonly offset: number; readonly endOffset: number } | undefined
  /** Ends all fetches. */
  close(): Promise<void>
}

/** An offset to be committed: that of the next record to be handled. */
export interface OffsetToCommit extends TopicPartition {
  readonly offset: number
  readonly leaderEpoch?: number
  readonly metadata?: string | null
}

/** A committed offset as it was read; `offset` -1: none. */
export interface CommittedOffset extends TopicPartition {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string | null
}

/** Told by a membership, one call at a time; the membership waits for each before it goes on. */
export interface AssignmentListener {
  /**
   * These partitions are this member's from now on (with cooperative protocols and KIP-848: in addition); perhaps none, so that each joining is told. What
   * this rejects with ends the membership; what the others reject with is logged.
   */
  assigned(partitions: readonly TopicPartition[], facts: JoinFacts): Promise<void>
  /** These are about to be given up; until this resolves they are still this member's, and offsets can be committed. */
  revoked(partitions: readonly TopicPartition[]): Promise<void>
  /** These belong to others already: nothing can be committed. */
  lost(partitions: readonly TopicPartition[]): Promise<void>
  /** The membership cannot go on (fenced for good, not authorized, unknown assignor, ...); it has ended. */
  failed(error: Error): void
}

/** What is told with an assignment (KafkaJS's event `consumer.group_join`). */
export interface JoinFacts {
  readonly groupId: string
  readonly memberId: string
  readonly leaderId: string
  readonly isLeader: boolean
  /** Generation of the classic protocol, member epoch of KIP-848. */
  readonly generationId: number
  readonly groupProtocol: string
  /** In ms. */
  readonly duration: number
}

/** Membership of a group, classic or of KIP-848. Heartbeats go on by themselves, whatever handlers do. */
export interface Membership {
  /**
   * Joins and stays in the group until `leave`; resolves after the first assignment was taken, and rejects when it does not come to that (then `failed`
   * is not called). Once only.
   */
  join(): Promise<void>
  /** What it was told last, null before. */
  readonly facts: JoinFacts | null
  readonly assignment: readonly TopicPartition[]
  /** Changes what is subscribed; rebalances. */
  subscribe(subscription: Subscription): Promise<void>
  /** Asks for a new round now. */
  rebalance(): void
  /** Sends a heartbeat if one is due (KafkaJS's `heartbeat()`); rejects with what a heartbeat learned, such as a rebalance in progress. */
  heartbeat(): Promise<void>
  /** Leaves the group, without giving anything up in order, until `goOn`: a handler takes longer than `maxPollInterval`. */
  standAside(): void
  /** Joins again after `standAside`. */
  goOn(): void
  /** Commits, as this member. Rejects with protocol errors (ILLEGAL_GENERATION, ...) after retries of what is retriable. */
  commit(offsets: readonly OffsetToCommit[]): Promise<void>
  /** What the group has committed. */
  committed(partitions: readonly TopicPartition[]): Promise<CommittedOffset[]>
  /** What a transaction needs to send offsets for this member (KIP-447). */
  groupMetadata(): {
    readonly groupId: string
    readonly generationId: number
    readonly memberId: string
    readonly groupInstanceId: string | null
  }
  /** Gives up its partitions (telling the listener) and leaves; static members stay. Idempotent. Waits for a listener at work, so a listener must not wait for it. */
  leave(): Promise<void>
}

/** What is subscribed. */
export interface Subscription {
  /** Names, patterns already resolved to names where the member has to do it. */
  readonly topics: readonly string[]
  /** RE2 pattern that the broker resolves (KIP-848), else undefined. */
  readonly pattern?: string
}
