import { ErrorCode, KafkaError, legacyOffsetCommitRecord, ZERO_UUID } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { recordOf } from '../../record.ts'
import { offsetRecord } from './committed-offset.ts'
import { allOffsets, caller, commitOf, offsetsUnderTest } from './testing.ts'

const unstable = `error ${ErrorCode.UNSTABLE_OFFSET_COMMIT}`
const pending = (partition: number, offset: number) =>
  offsetRecord(
    { groupId: 'g', topic: 't', partition },
    { offset, leaderEpoch: -1, metadata: '', commitTimestampMs: 1, expireTimestampMs: -1, topicId: ZERO_UUID },
  )

describe('offsets of transactions', () => {
  it('are not seen before the transaction is committed, but make their partitions unstable', async () => {
    const { offsets, decide, write, groups } = offsetsUnderTest()
    write(1, [pending(0, 10)])
    expect([...groups.keys()]).toEqual(['g'])
    await decide(offsets.commit(commitOf('g', { t: { 1: 1 } }), caller()))
    write(2, [pending(1, 11)])
    expect(allOffsets(offsets, 'g')).toEqual({ t: { 1: 1 } })
    expect(allOffsets(offsets, 'g', true)).toEqual({ t: { 1: unstable } })
    offsets.endTransaction({ id: 1, epoch: 0 }, true)
    expect(allOffsets(offsets, 'g', true)).toEqual({ t: { 0: 10, 1: unstable } })
    offsets.endTransaction({ id: 2, epoch: 3 }, false)
    expect(allOffsets(offsets, 'g', true)).toEqual({ t: { 0: 10, 1: 1 } })
    offsets.endTransaction({ id: 7, epoch: 0 }, true)
  })

  it('of several producers are told apart', () => {
    const { offsets, write } = offsetsUnderTest()
    write(1, [pending(0, 10)])
    write(2, [pending(0, 20)])
    offsets.endTransaction({ id: 2, epoch: 0 }, true)
    expect(allOffsets(offsets, 'g', true)).toEqual({ t: { 0: unstable } })
    expect(allOffsets(offsets, 'g')).toEqual({ t: { 0: 20 } })
    // Written first, committed last: what was written later counts, as it does after the log is compacted.
    offsets.endTransaction({ id: 1, epoch: 0 }, true)
    expect(allOffsets(offsets, 'g', true)).toEqual({ t: { 0: 20 } })
  })

  it('give way to a later commit outside of transactions', async () => {
    const { offsets, decide, write } = offsetsUnderTest()
    write(1, [pending(0, 10)])
    await decide(offsets.commit(commitOf('g', { t: { 0: 5 } }), caller()))
    offsets.endTransaction({ id: 1, epoch: 0 }, true)
    expect(allOffsets(offsets, 'g', true)).toEqual({ t: { 0: 5 } })
  })

  it('are forgotten when they are deleted before the end', async () => {
    const { offsets, decide, write } = offsetsUnderTest()
    write(1, [pending(0, 10), pending(1, 11)])
    write(2, [pending(0, 20)])
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
    await decide(offsets.deleteOffsets({ groupId: 'g', topics }))
    expect(offsets.tombstonesOf('g')).toHaveLength(1)
    offsets.endTransaction({ id: 1, epoch: 0 }, true)
    offsets.endTransaction({ id: 2, epoch: 0 }, true)
    expect(allOffsets(offsets, 'g', true)).toEqual({ t: { 1: 11 } })
  })

  it('are deleted once, also where something is committed besides', async () => {
    const { offsets, decide, write } = offsetsUnderTest()
    await decide(offsets.commit(commitOf('g', { t: { 0: 5 }, u: { 0: 6 } }), caller()))
    write(1, [pending(0, 10), pending(1, 11)])
    const tombstones = offsets.tombstonesOf('g')
    expect(tombstones.map(({ key }) => [key.topic, key.partition])).toEqual([
      ['t', 0],
      ['u', 0],
      ['t', 1],
    ])
    await decide({ records: tombstones, reply: undefined })
    expect(offsets.tombstonesOf('g')).toEqual([])
    expect(offsets.size).toBe(0)
  })
})

const request = (groupId: string, changes: object = {}) => ({
  transactionalId: 'x',
  groupId,
  producerId: 1,
  producerEpoch: 0,
  generationId: -1,
  memberId: '',
  groupInstanceId: null,
  topics: [
    {
      name: 't',
      partitions: [
        { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 2, committedMetadata: 'm' },
        { partitionIndex: 1, committedOffset: 6, committedLeaderEpoch: -1, committedMetadata: 'too long' },
      ],
    },
  ],
  ...changes,
})

describe('commits of transactions', () => {
  it('are written without a topic id, and count when the transaction is committed', () => {
    const { offsets, write, topics } = offsetsUnderTest({ offsetMetadataMaxBytes: 7 })
    topics.add('t', 2)
    const { records, reply } = offsets.commitTransactional(request('g'), caller(5))
    expect(reply).toEqual({
      throttleTimeMs: 0,
      topics: [
        {
          name: 't',
          partitions: [
            { partitionIndex: 0, errorCode: 0 },
            { partitionIndex: 1, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE },
          ],
        },
      ],
    })
    expect(records.map(({ value }) => value)).toMatchObject([{ offset: 5, leaderEpoch: 2, metadata: 'm', topicId: ZERO_UUID }])
    write(1, records)
    expect(allOffsets(offsets, 'g')).toEqual({})
    offsets.endTransaction({ id: 1, epoch: 0 }, true)
    expect(allOffsets(offsets, 'g')).toEqual({ t: { 0: 5 } })
  })

  it('are refused in words that producers know', () => {
    const { offsets, group } = offsetsUnderTest()
    const attempt =
      (groupId: string, changes: object = {}) =>
      () =>
        offsets.commitTransactional(request(groupId, changes), caller(5))
    expect(attempt('')).toThrow(new KafkaError(ErrorCode.INVALID_GROUP_ID))
    expect(attempt('g', { generationId: 1 })).toThrow(new KafkaError(ErrorCode.ILLEGAL_GENERATION))
    const made = group('g', 'consumer')
    made.epochs = new Map([['t-1', 4]])
    expect(attempt('g', { generationId: 3 })).toThrow(new KafkaError(ErrorCode.ILLEGAL_GENERATION))
    expect(attempt('g', { generationId: 4 })).not.toThrow()
    expect(made.committers).toEqual([])
    made.refusal = ErrorCode.UNKNOWN_MEMBER_ID
    expect(attempt('g')).toThrow(new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID))
  })
})

it('offsets in the format of the first versions are read', () => {
  const { offsets, log } = offsetsUnderTest()
  const key = { group: 'g', topic: 't', partition: 0 }
  log.replay(recordOf(legacyOffsetCommitRecord, { key, value: { offset: 3, metadata: 'm', commitTimestamp: 9 } }), 4)
  expect(offsets.committed('g')?.get('t')?.get(0)).toEqual({
    offset: 3,
    leaderEpoch: -1,
    metadata: 'm',
    commitTimestampMs: 9,
    expireTimestampMs: -1,
    topicId: ZERO_UUID,
    recordOffset: 4,
  })
  log.replay(recordOf(legacyOffsetCommitRecord, { key, value: null }), 5)
  expect(offsets.committed('g')).toBeUndefined()
})
