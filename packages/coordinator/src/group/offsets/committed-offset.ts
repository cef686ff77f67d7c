// A committed offset in memory, and as a record of __consumer_offsets (class OffsetAndMetadata). One takes about 160 bytes with its entry in the
// map, besides its metadata; each topic of a group takes about 400 more.

import { type CoordinatorRecord as RecordType, legacyOffsetCommitRecord, offsetCommitRecord, ZERO_UUID } from '@ottla/protocol'
import { type CoordinatorRecord, isRecordOf, recordOf } from '../../record.ts'
import type { PartitionOfGroup } from './partition-table.ts'

/** What a group committed for a partition. */
export interface CommittedOffset {
  readonly offset: number
  /** -1 where the client did not know it. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** Only of OffsetCommit 2 to 4, whose clients say how long an offset is kept; else -1. */
  readonly expireTimestampMs: number
  /** The zero uuid where it is not known. */
  readonly topicId: string
  /** Where the record lies in the log: of a transactional and an ordinary commit the one written later counts (KAFKA-10253). */
  readonly recordOffset: number
}

/** Whether a record is about committed offsets. */
export const isOffsetRecord = ({ type }: { readonly type: RecordType }): boolean =>
  type === offsetCommitRecord || type === legacyOffsetCommitRecord

/** Which partition a record is about, and what it says of it, null for a tombstone. Undefined for records of other types. */
export function readOffsetRecord(
  record: CoordinatorRecord,
  recordOffset: number,
): { readonly of: PartitionOfGroup; readonly committed: CommittedOffset | null } | undefined {
  const stored = isRecordOf(record, offsetCommitRecord) ? record : modernised(record)
  if (stored === undefined) return undefined
  const { key, value } = stored
  const of = { groupId: key.group, topic: key.topic, partition: key.partition }
  if (value === null) return { of, committed: null }
  const committed = {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp,
    topicId: value.topicId,
    recordOffset,
  }
  return { of, committed }
}

function modernised(record: CoordinatorRecord) {
  if (!isRecordOf(record, legacyOffsetCommitRecord)) return undefined
  const { key, value } = record
  return { key, value: value === null ? null : { ...value, leaderEpoch: -1, expireTimestamp: -1, topicId: ZERO_UUID } }
}

/** The record of a commit: in version 1 if it has a time of its own at which it expires, which leaves out what later versions added. */
export function offsetRecord(of: PartitionOfGroup, committed: Omit<CommittedOffset, 'recordOffset'>): CoordinatorRecord {
  const expires = committed.expireTimestampMs !== -1
  const { offset, metadata } = committed
  return recordOf(offsetCommitRecord, {
    key: { group: of.groupId, topic: of.topic, partition: of.partition },
    value: {
      offset,
      leaderEpoch: expires ? -1 : committed.leaderEpoch,
      metadata,
      commitTimestamp: committed.commitTimestampMs,
      expireTimestamp: committed.expireTimestampMs,
      topicId: expires ? ZERO_UUID : committed.topicId,
    },
    valueVersion: expires ? 1 : 4,
  })
}

/** The record that removes an offset, and what transactions have pending for it. */
export const offsetTombstone = (of: PartitionOfGroup): CoordinatorRecord =>
  recordOf(offsetCommitRecord, { key: { group: of.groupId, topic: of.topic, partition: of.partition }, value: null })
