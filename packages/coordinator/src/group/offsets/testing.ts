// Offsets under test: a group that is whatever a test says, and offsets over a world whose log replays what is decided.

import { ErrorCode, groupMetadataRecord, KafkaError, type OffsetCommitRequest, ZERO_UUID } from '@ottla/protocol'
import type { Decision } from '../../decision.ts'
import { type CoordinatorRecord, recordOf } from '../../record.ts'
import type { Group, Groups, GroupState, OffsetCaller } from '../group.ts'
import { type TestWorld, testWorld } from '../testing.ts'
import type { Caller, GroupSettings } from '../world.ts'
import type { FetchedGroup } from './fetch.ts'
import { OffsetRequests } from './offset-requests.ts'

type Code = (typeof ErrorCode)[keyof typeof ErrorCode]

/** A group that answers as it is told. */
export class TestGroup implements Group {
  readonly kind: Group['kind']
  readonly groupId: string
  state: GroupState = 'Empty'
  protocolType = ''
  memberCount = 0
  mayExpire = true
  /** What is thrown at whoever asks whether something is allowed. */
  refusal: Code | null = null
  /** Epoch since which a member has a partition, by `topic-partition`; older commits are refused. */
  epochs: ReadonlyMap<string, number> | null = null
  subscriptions: ReadonlySet<string> = new Set()
  /** Null: in use; undefined: since it was committed. */
  unusedSince: number | null | undefined = undefined
  /** Who committed. */
  readonly committers: string[] = []

  constructor(groupId: string, kind: Group['kind'] = 'classic') {
    this.groupId = groupId
    this.kind = kind
  }

  ensureMayCommit({ generationIdOrMemberEpoch, partitions = [] }: OffsetCaller): void {
    this.#ensure()
    for (const { topic, partition } of partitions)
      if (generationIdOrMemberEpoch < (this.epochs?.get(`${topic}-${partition}`) ?? -1)) throw new KafkaError(ErrorCode.STALE_MEMBER_EPOCH)
  }

  committedBy(caller: { readonly memberId: string }): void {
    this.committers.push(caller.memberId)
  }

  ensureMayFetch(): void {
    this.#ensure()
  }

  ensureMayBeDeleted(): void {
    this.#ensure()
  }

  ensureOffsetsMayBeDeleted(): void {
    this.#ensure()
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscriptions.has(topic)
  }

  tombstones(): readonly CoordinatorRecord[] {
    return [recordOf(groupMetadataRecord, { key: { group: this.groupId }, value: null })]
  }

  unusedSinceMs(commitTimestampMs: number): number | null {
    return this.unusedSince === undefined ? commitTimestampMs : this.unusedSince
  }

  #ensure(): void {
    if (this.refusal !== null) throw new KafkaError(this.refusal)
  }
}

/** Offsets over a test's world. */
export interface OffsetsUnderTest extends TestWorld {
  readonly groups: Groups
  readonly offsets: OffsetRequests
  /** Adds a group. */
  readonly group: (groupId: string, kind?: Group['kind']) => TestGroup
  /** Writes records of a transaction. */
  readonly write: (producerId: number, records: readonly CoordinatorRecord[]) => void
}

/** Makes offsets and replays into them what they decide. */
export function offsetsUnderTest(settings: Partial<GroupSettings> = {}): OffsetsUnderTest {
  const test = testWorld({ settings })
  const groups: Groups = new Map<string, Group>()
  const offsets = new OffsetRequests(test.world, groups, groupId => new TestGroup(groupId))
  test.log.replay = (record, offset) => {
    if (record.type === groupMetadataRecord && record.value === null) groups.delete(String(record.key.group))
    offsets.replay(record, offset, null)
  }
  const group = (groupId: string, kind?: Group['kind']): TestGroup => {
    const made = new TestGroup(groupId, kind)
    groups.set(groupId, made)
    return made
  }
  const write = (producerId: number, records: readonly CoordinatorRecord[]): void => {
    for (const record of records) offsets.replay(record, test.log.records.push(record) - 1, { id: producerId, epoch: 0 })
  }
  return { ...test, groups, offsets, group, write }
}

/** Whoever calls, in the newest version. */
export const caller = (apiVersion = 10): Caller => ({ apiVersion, clientId: 'client', clientHost: '/127.0.0.1' })

/** Offsets to be committed by topic and partition. */
export type Offsets = Readonly<Record<string, Readonly<Record<number, number>>>>

/** A commit of whoever is no member. */
export const commitOf = (groupId: string, offsets: Offsets, changes: Partial<OffsetCommitRequest> = {}): OffsetCommitRequest => ({
  groupId,
  generationIdOrMemberEpoch: -1,
  memberId: '',
  groupInstanceId: null,
  retentionTimeMs: -1,
  topics: Object.entries(offsets).map(([name, partitions]) => ({
    name,
    topicId: ZERO_UUID,
    partitions: Object.entries(partitions).map(([partition, committedOffset]) => ({
      partitionIndex: Number(partition),
      committedOffset,
      committedLeaderEpoch: -1,
      committedMetadata: null,
    })),
  })),
  ...changes,
})

/** All offsets of a group, as OffsetFetch tells them; an error code in place of an offset where there is one, as `error 88`. */
export function allOffsets(
  offsets: OffsetRequests,
  groupId: string,
  requireStable = false,
): Record<string, Record<number, number | string>> {
  const group = { groupId, memberId: null, memberEpoch: -1, topics: null }
  return plain(replyOf(offsets.fetch(group, requireStable)))
}

/** An answer of OffsetFetch, by topic and partition. */
export const plain = ({ topics }: FetchedGroup): Record<string, Record<number, number | string>> =>
  Object.fromEntries(topics.map(({ name, partitions }) => [name ?? '', plainPartitions(partitions)]))

const plainPartitions = (partitions: FetchedGroup['topics'][number]['partitions']): Record<number, number | string> =>
  Object.fromEntries(
    partitions.map(({ partitionIndex, committedOffset, errorCode }) => [
      partitionIndex,
      errorCode === 0 ? committedOffset : `error ${errorCode}`,
    ]),
  )

/** The answer of a decision that waits for nobody. */
export function replyOf<R>({ reply }: Decision<R>): R {
  if (reply instanceof Promise) throw new Error('this answer comes later')
  return reply
}
