// Committed offsets of the groups of one coordinator partition: requests about them, their replay, and their end (class OffsetMetadataManager).

import type {
  OffsetCommitRequest,
  OffsetCommitResponseInit,
  OffsetDeleteRequest,
  OffsetDeleteResponseInit,
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponseInit,
} from '@ottla/protocol'
import type { Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import type { TransactionalProducer } from '../../state.ts'
import type { Group, Groups } from '../group.ts'
import type { Caller, GroupWorld } from '../world.ts'
import { commitOffsets, commitTransactionalOffsets } from './commit.ts'
import type { CommittedOffset } from './committed-offset.ts'
import { deleteOffsets } from './delete.ts'
import { type DeletedTopic, type ExpiryParts, expireOffsets, forgetTopics, type OffsetCounts } from './expiry.ts'
import { type FetchedGroup, fetchOffsets, type OffsetFetchGroup } from './fetch.ts'
import { OffsetState } from './offset-state.ts'
import { SlicedWork } from './sliced-work.ts'

const expiryTimer = 'expire-offsets'

/** Requests about committed offsets. */
export class OffsetRequests {
  /** For metrics. */
  readonly counts: OffsetCounts = { committed: 0, expired: 0, deleted: 0 }
  readonly #parts: ExpiryParts
  readonly #expiry: SlicedWork
  readonly #forgetting: SlicedWork

  /** `simpleGroup` makes a classic group without members or protocol type: what offsets belong to whose consumers are in no group. */
  constructor(world: GroupWorld, groups: Groups, simpleGroup: (groupId: string) => Group) {
    const state = new OffsetState(groupId => {
      if (!groups.has(groupId)) groups.set(groupId, simpleGroup(groupId))
    })
    this.#parts = { world, groups, state, counts: this.counts }
    this.#expiry = new SlicedWork(world.timers, 'expire-more-offsets')
    this.#forgetting = new SlicedWork(world.timers, 'forget-topics')
  }

  /** Number of committed offsets of all groups. */
  get size(): number {
    return this.#parts.state.committed.size
  }

  /** Number of committed offsets of a group. */
  sizeOf(groupId: string): number {
    return this.#parts.state.committed.sizeOf(groupId)
  }

  /** What a group has committed, by topic and partition; undefined if nothing. For reading only, and right away. */
  committed(groupId: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> | undefined {
    return this.#parts.state.committed.topics(groupId)
  }

  /**
   * Commits offsets. Topics have their names and, where known, ids.
   * @throws KafkaError for what concerns the whole request
   */
  commit(request: OffsetCommitRequest, caller: Caller): Decision<OffsetCommitResponseInit> {
    const decision = commitOffsets(this.#parts, request, caller)
    this.counts.committed += decision.records.length
    return decision
  }

  /**
   * Commits offsets as part of a transaction: the runtime has to write the records as those of the producer.
   * @throws KafkaError for what concerns the whole request
   */
  commitTransactional(request: TxnOffsetCommitRequest, caller: Caller): Decision<TxnOffsetCommitResponseInit> {
    const decision = commitTransactionalOffsets(this.#parts, request, caller)
    this.counts.committed += decision.records.length
    return decision
  }

  /**
   * Reads the offsets of one group, of all topics where `topics` is null. Topics have their names and, where known, ids.
   * @throws KafkaError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION
   */
  fetch(group: OffsetFetchGroup, requireStable: boolean): Decision<FetchedGroup> {
    return fetchOffsets(this.#parts, group, requireStable)
  }

  /** @throws KafkaError INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP */
  deleteOffsets(request: OffsetDeleteRequest): Decision<OffsetDeleteResponseInit> {
    const decision = deleteOffsets(this.#parts, request)
    this.counts.deleted += decision.records.length
    return decision
  }

  /** Records that remove all offsets of a group, with those that transactions have pending. */
  tombstonesOf(groupId: string): CoordinatorRecord[] {
    return this.#parts.state.tombstonesOf(groupId)
  }

  /** Takes a record; those of other types than offsets are none of its business. */
  replay(record: CoordinatorRecord, offset: number, producer: TransactionalProducer | null): void {
    this.#parts.state.replay(record, offset, producer)
  }

  /** The transaction of a producer ended: what it had pending counts from now on, or never did. */
  endTransaction(producer: TransactionalProducer, committed: boolean): void {
    this.#parts.state.endTransaction(producer, committed)
  }

  /** All records are replayed: from now on offsets expire. */
  loaded(): void {
    const { timers, settings } = this.#parts.world
    timers.set(expiryTimer, settings.offsetsRetentionCheckIntervalMs, () => this.expired())
  }

  /** Removes what is expired: begins a pass, unless one goes on. The decision is its first slice; the others, and the next pass, come by timers. */
  expired(): Decision<void> {
    this.loaded()
    if (this.#expiry.isBusy) return { records: [], reply: undefined }
    return this.#expiry.begin(expireOffsets(this.#parts))
  }

  /** Topics are gone, and the offsets of all groups with them. The decision is the first slice; the others come by timers. */
  topicsDeleted(topics: Iterable<DeletedTopic>): Decision<void> {
    return this.#forgetting.begin(forgetTopics(this.#parts, [...topics]))
  }
}
