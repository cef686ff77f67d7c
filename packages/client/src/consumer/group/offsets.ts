// Committed offsets: OffsetCommit and OffsetFetch, by members and by anybody (generation -1). Topics go by id in the versions that have ids, if
// the ids of all of them are known, else by name in an older version.
import { ErrorCode, errorOf, offsetCommitApi, type OffsetFetchRequestInit, offsetFetchApi } from '@ottla/protocol'
import type { Cluster } from '../../cluster/cluster.ts'
import { protocolError } from '../../errors/index.ts'
import { delay, retrying } from '../../retry.ts'
import { groupedByTopic, partitionKey } from '../assignors/topic-partitions.ts'
import type { CommittedOffset, OffsetToCommit, TopicPartition } from '../parts.ts'
import { askCoordinator, coordinatorError } from './coordinator-calls.ts'
import { committedIn } from './committed-in.ts'
import { topicIdsOf } from './topic-ids.ts'

/** The newest versions in which topics go by name. */
const namedVersion = 9

/** How often, and at what distance, is looked whether a member has heard of its next epoch. */
const epochWaits = 20
const epochWaitMs = 100

/** The member that commits or asks. */
export interface OffsetsMember {
  /** Member epoch with KIP-848. */
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

/** Who commits. */
export interface CommitOptions {
  /** Asked before each try; nobody in particular by default. What it throws ends the commit. */
  readonly member?: (() => OffsetsMember) | undefined
  readonly signal?: AbortSignal | undefined
  /** Told when the answer means that the member is none any more, or has to rejoin. */
  readonly refused?: (error: Error, code: number, sent: OffsetsMember) => void
}

/** Who asks. */
export interface CommittedOptions {
  /** Given by members of KIP-848. */
  readonly member?: (() => OffsetsMember) | undefined
  readonly signal?: AbortSignal | undefined
  /** Waits for offsets of transactions that are being committed (KIP-447). */
  readonly requireStable?: boolean
}

const nobody: OffsetsMember = { generationId: -1, memberId: '', groupInstanceId: null }

/** Answers about the member, not about an offset. */
const refusals: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.FENCED_INSTANCE_ID,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.STALE_MEMBER_EPOCH,
])

/** Commits; what failed for a time is tried again. Rejects with the first protocol error that stays. */
export async function commitOffsets(
  cluster: Cluster,
  groupId: string,
  offsets: readonly OffsetToCommit[],
  options: CommitOptions = {},
): Promise<void> {
  let left = offsets
  if (left.length === 0) return
  await retrying(
    cluster,
    async () => {
      const failed = await commitOnce(cluster, groupId, left, options)
      left = left.filter(offset => failed.has(partitionKey(offset)))
      const codes = new Set(failed.values())
      const final = [...codes].find(code => !errorOf(code).retriable)
      for (const code of final === undefined ? codes : [final]) {
        if (errorOf(code).refreshMetadata) await cluster.refresh()
        throw coordinatorError({ cluster, groupId }, code)
      }
    },
    options.signal,
  )
}

/** Codes of the partitions that were not committed. */
async function commitOnce(
  cluster: Cluster,
  groupId: string,
  offsets: readonly OffsetToCommit[],
  options: CommitOptions,
): Promise<Map<string, number>> {
  const { signal } = options
  const member = options.member?.() ?? nobody
  const byTopic = new Map<string, OffsetToCommit[]>()
  for (const offset of offsets) {
    const others = byTopic.get(offset.topic)
    if (others === undefined) byTopic.set(offset.topic, [offset])
    else others.push(offset)
  }
  const ids = topicIdsOf(cluster.image, byTopic.keys())
  const { body } = await askCoordinator(
    { cluster, groupId },
    {
      api: offsetCommitApi,
      body: version => ({
        groupId,
        generationIdOrMemberEpoch: member.generationId,
        memberId: member.memberId,
        groupInstanceId: version >= 7 ? member.groupInstanceId : null,
        topics: [...byTopic].map(([name, partitions]) => ({
          ...(version > namedVersion ? { topicId: ids?.idOf(name) ?? '' } : { name }),
          partitions: partitions.map(({ partition, offset, leaderEpoch = -1, metadata = null }) => ({
            partitionIndex: partition,
            committedOffset: offset,
            committedLeaderEpoch: leaderEpoch,
            committedMetadata: metadata,
          })),
        })),
      }),
    },
    { ...(signal === undefined ? {} : { signal }), ...(ids === undefined ? { maxVersion: namedVersion } : {}) },
  )
  const failed = new Map<string, number>()
  for (const { name, topicId, partitions } of body.topics) {
    for (const { partitionIndex, errorCode } of partitions) {
      if (errorCode === ErrorCode.NONE) continue
      failed.set(partitionKey({ topic: ids?.nameOf(topicId) ?? name, partition: partitionIndex }), errorCode)
    }
  }
  const refusal = [...failed.values()].find(code => refusals.has(code))
  if (refusal === undefined) return failed
  const isStale = refusal === ErrorCode.STALE_MEMBER_EPOCH
  if (isStale && (await newerEpoch(cluster, member, options))) return commitOnce(cluster, groupId, offsets, options)
  options.refused?.(protocolError(refusal), refusal, member)
  return failed
}

/** Waits for a member's next epoch: it is known to the coordinator already, and the answer to the heartbeat that brings it is on its way. */
async function newerEpoch(
  cluster: Cluster,
  sent: OffsetsMember,
  { member, signal }: Pick<CommitOptions, 'member' | 'signal'>,
): Promise<boolean> {
  for (let waits = 0; ; waits++) {
    const now = member?.()
    if (now?.memberId !== sent.memberId) return false
    if (now.generationId > sent.generationId) return true
    if (waits === epochWaits) return false
    await delay(cluster.clock, epochWaitMs, signal)
  }
}

/** What is committed, for `null` all there is. Partitions without an offset are told with -1. What failed for a time is tried again. */
export function committedOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[] | null,
  options: CommittedOptions = {},
): Promise<CommittedOffset[]> {
  if (partitions?.length === 0) return Promise.resolve([])
  return retrying(cluster, () => committedOnce(cluster, groupId, partitions, options), options.signal)
}

async function committedOnce(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[] | null,
  options: CommittedOptions,
): Promise<CommittedOffset[]> {
  const { signal, requireStable = false } = options
  const member = options.member?.()
  const byTopic = partitions === null ? null : groupedByTopic(partitions)
  const ids = byTopic === null ? undefined : topicIdsOf(cluster.image, byTopic.keys())
  const topicsOf = (version: number): { name?: string; topicId?: string; partitionIndexes: number[] }[] | null =>
    byTopic === null
      ? null
      : [...byTopic].map(([name, partitionIndexes]) =>
          version > namedVersion ? { topicId: ids?.idOf(name) ?? '', partitionIndexes } : { name, partitionIndexes },
        )
  const bodyOf = (version: number): OffsetFetchRequestInit => {
    const stable = version >= 7 ? { requireStable } : {}
    if (version < 8)
      return { groupId, topics: topicsOf(version)?.map(({ name = '', ...topic }) => ({ name, ...topic })) ?? null, groups: [], ...stable }
    const asking = member === undefined ? {} : { memberId: member.memberId, memberEpoch: member.generationId }
    return { groupId: '', topics: [], groups: [{ groupId, ...asking, topics: topicsOf(version) }], ...stable }
  }
  const { body, version } = await askCoordinator(
    { cluster, groupId },
    { api: offsetFetchApi, body: bodyOf },
    { ...(signal === undefined ? {} : { signal }), ...(ids === undefined ? { maxVersion: namedVersion } : {}) },
  )
  const { code, committed } = committedIn(body, version, ids)
  const isStale = code === ErrorCode.STALE_MEMBER_EPOCH && member !== undefined
  if (isStale && (await newerEpoch(cluster, member, options))) return committedOnce(cluster, groupId, partitions, options)
  if (code === ErrorCode.NONE) return committed
  if (errorOf(code).refreshMetadata) await cluster.refresh()
  throw coordinatorError({ cluster, groupId }, code)
}
