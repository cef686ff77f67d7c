// The answer of OffsetFetch in one shape: up to version 7 it has one group's topics, from 8 on those of each group asked for (KIP-709).
import { ErrorCode, errorOf, type OffsetFetchResponse } from '@ottla/protocol'
import type { CommittedOffset } from '../parts.ts'
import type { TopicIds } from './topic-ids.ts'

/** What an answer says: the first error that stays, else one that passes, else 0. */
export interface CommittedAnswer {
  readonly code: number
  readonly committed: CommittedOffset[]
}

/** Reads it. */
export function committedIn(body: OffsetFetchResponse, version: number, ids: TopicIds | undefined): CommittedAnswer {
  const group = body.groups[0]
  const codes: number[] = [version < 8 ? body.errorCode : (group?.errorCode ?? ErrorCode.NONE)]
  const committed: CommittedOffset[] = []
  const add = (topic: string, partition: OffsetFetchResponse['topics'][number]['partitions'][number]): void => {
    const { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode } = partition
    codes.push(errorCode)
    committed.push({ topic, partition: partitionIndex, offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata })
  }
  for (const { name, partitions } of version < 8 ? body.topics : []) for (const partition of partitions) add(name, partition)
  for (const { name, topicId, partitions } of group?.topics ?? []) {
    for (const partition of partitions) add(ids?.nameOf(topicId) ?? name, partition)
  }
  const failed = codes.filter(code => code !== ErrorCode.NONE)
  return { code: failed.find(code => !errorOf(code).retriable) ?? failed[0] ?? ErrorCode.NONE, committed }
}
