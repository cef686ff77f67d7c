import { ErrorCode, KafkaError, ZERO_UUID } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { allOffsets, caller, commitOf, type OffsetsUnderTest, offsetsUnderTest, plain, replyOf } from './testing.ts'

const topicId = 'AAAAAQAAAAAAAAAAAAAAAA'
const otherId = 'AAAAAgAAAAAAAAAAAAAAAA'
const codeOf = (run: () => unknown): number => {
  try {
    run()
    return ErrorCode.NONE
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
}
const fetchOf = (groupId: string, partitions: readonly number[], changes: object = {}) => ({
  groupId,
  memberId: null,
  memberEpoch: -1,
  topics: [{ name: 't', topicId: ZERO_UUID, partitionIndexes: [...partitions] }],
  ...changes,
})
const answered = (partitionIndex: number, errorCode: number = ErrorCode.NONE) => ({ partitionIndex, errorCode })
const partition = (partitionIndex: number, committedOffset: number, changes: object = {}) => ({
  partitionIndex,
  committedOffset,
  committedLeaderEpoch: -1,
  committedMetadata: null,
  ...changes,
})

const filled = async (): Promise<OffsetsUnderTest> => {
  const test = offsetsUnderTest()
  const topics = [{ name: 't', topicId, partitions: [partition(0, 5)] }]
  await test.decide(test.offsets.commit(commitOf('g', {}, { topics }), caller()))
  return test
}

const fetchById = (id: string) => fetchOf('g', [0], { topics: [{ name: 't', topicId: id, partitionIndexes: [0] }] })
const topicOf = (name: string, ...partitions: number[]) => ({ name, partitions: partitions.map(partitionIndex => ({ partitionIndex })) })

describe('commits', () => {
  it('are answered partition by partition, and read back', async () => {
    const { offsets, decide, groups, clock } = offsetsUnderTest({ offsetMetadataMaxBytes: 3 })
    const topics = [
      {
        name: 't',
        topicId,
        partitions: [
          partition(0, 5, { committedLeaderEpoch: 7, committedMetadata: 'abc' }),
          partition(1, 6, { committedMetadata: 'abcd' }),
          partition(2, 7),
        ],
      },
    ]
    const reply = await decide(offsets.commit(commitOf('g', {}, { topics }), caller()))
    expect(reply).toEqual({
      topics: [
        {
          name: 't',
          topicId,
          partitions: [
            { partitionIndex: 0, errorCode: 0 },
            { partitionIndex: 1, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE },
            { partitionIndex: 2, errorCode: 0 },
          ],
        },
      ],
    })
    expect(groups.get('g')?.state).toBe('Empty')
    expect(replyOf(offsets.fetch(fetchOf('g', [0, 1, 2]), true))).toEqual({
      groupId: 'g',
      errorCode: 0,
      topics: [
        {
          name: 't',
          topicId: ZERO_UUID,
          partitions: [
            { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 7, metadata: 'abc', errorCode: 0 },
            { partitionIndex: 1, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: 0 },
            { partitionIndex: 2, committedOffset: 7, committedLeaderEpoch: -1, metadata: '', errorCode: 0 },
          ],
        },
      ],
    })
    expect(offsets.committed('g')?.get('t')?.get(0)).toEqual({
      offset: 5,
      leaderEpoch: 7,
      metadata: 'abc',
      commitTimestampMs: clock.now(),
      expireTimestampMs: -1,
      topicId,
      recordOffset: 0,
    })
    expect(offsets.size).toBe(2)
    expect(offsets.counts).toEqual({ committed: 2, expired: 0, deleted: 0 })
  })

  it('are written as Kafka writes them', () => {
    const { offsets, clock } = offsetsUnderTest()
    const now = clock.now()
    const topics = [{ name: 't', topicId, partitions: [partition(0, 5, { committedLeaderEpoch: 7 })] }]
    const [ordinary] = offsets.commit(commitOf('g', {}, { topics }), caller()).records
    expect(ordinary?.valueVersion).toBe(4)
    expect(ordinary?.value).toEqual({ offset: 5, leaderEpoch: 7, metadata: '', commitTimestamp: now, expireTimestamp: -1, topicId })
    const [expiring] = offsets.commit(commitOf('g', {}, { topics, retentionTimeMs: 100 }), caller(4)).records
    expect(expiring?.valueVersion).toBe(1)
    expect(expiring?.value).toEqual({
      offset: 5,
      leaderEpoch: -1,
      metadata: '',
      commitTimestamp: now,
      expireTimestamp: now + 100,
      topicId: ZERO_UUID,
    })
    const [forever] = offsets.commit(commitOf('g', {}, { topics, retentionTimeMs: Number.MAX_SAFE_INTEGER }), caller(4)).records
    expect(forever?.value?.expireTimestamp).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('to a group that is not there are for those who are no members', () => {
    const { offsets, groups } = offsetsUnderTest()
    const request = commitOf('g', { t: { 0: 1 } }, { generationIdOrMemberEpoch: 0 })
    expect(codeOf(() => offsets.commit(request, caller(8)))).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(codeOf(() => offsets.commit(request, caller(9)))).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
    expect(offsets.commit(commitOf('', { t: { 0: 1 } }), caller(2)).records).toHaveLength(1)
    expect(groups.size).toBe(0)
  })

  it('are refused as the group says, as a whole', () => {
    const { offsets, group } = offsetsUnderTest()
    const made = group('g', 'consumer')
    made.refusal = ErrorCode.REBALANCE_IN_PROGRESS
    expect(codeOf(() => offsets.commit(commitOf('g', { t: { 0: 1 } }), caller()))).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(made.committers).toEqual([])
    made.refusal = null
    made.epochs = new Map([['t-1', 4]])
    const commit = (generationIdOrMemberEpoch: number) => () =>
      offsets.commit(commitOf('g', { t: { 0: 1, 1: 1 } }, { memberId: 'm', generationIdOrMemberEpoch }), caller())
    expect(codeOf(commit(3))).toBe(ErrorCode.STALE_MEMBER_EPOCH)
    expect(codeOf(commit(4))).toBe(ErrorCode.NONE)
    expect(made.committers).toEqual(['m'])
  })

  it('of many partitions are one matter of milliseconds', async () => {
    const { offsets, decide } = offsetsUnderTest()
    const partitions = Array.from({ length: 10_000 }, (_, index) => partition(index, index))
    await decide(offsets.commit(commitOf('g', {}, { topics: [{ name: 't', topicId, partitions }] }), caller()))
    expect(offsets.size).toBe(10_000)
    expect(allOffsets(offsets, 'g').t?.[9_999]).toBe(9_999)
  })
})

describe('fetches', () => {
  it('of groups and partitions that are not there find nothing', async () => {
    const { offsets } = await filled()
    expect(plain(replyOf(offsets.fetch(fetchOf('nobody', [0, 1]), false)))).toEqual({ t: { 0: -1, 1: -1 } })
    expect(plain(replyOf(offsets.fetch(fetchOf('g', [0, -4, 2_147_483_647]), false)))).toEqual({
      t: { 0: 5, '-4': -1, 2147483647: -1 },
    })
    expect(allOffsets(offsets, 'nobody')).toEqual({})
    expect(allOffsets(offsets, 'g')).toEqual({ t: { 0: 5 } })
  })

  it('do not take the offset of an earlier topic of that name', async () => {
    const { offsets } = await filled()
    expect(plain(replyOf(offsets.fetch(fetchById(topicId), false)))).toEqual({ t: { 0: 5 } })
    expect(plain(replyOf(offsets.fetch(fetchById(otherId), false)))).toEqual({ t: { 0: -1 } })
    expect(plain(replyOf(offsets.fetch(fetchById(ZERO_UUID), false)))).toEqual({ t: { 0: 5 } })
  })

  it('of members are checked by the group', async () => {
    const { offsets, group } = await filled()
    const made = group('g', 'consumer')
    made.refusal = ErrorCode.STALE_MEMBER_EPOCH
    expect(codeOf(() => offsets.fetch(fetchOf('g', [0], { memberId: 'm', memberEpoch: 1 }), false))).toBe(ErrorCode.STALE_MEMBER_EPOCH)
    expect(codeOf(() => offsets.fetch(fetchOf('g', [0], { memberId: '', memberEpoch: -1 }), false))).toBe(ErrorCode.STALE_MEMBER_EPOCH)
    expect(allOffsets(offsets, 'g')).toEqual({ t: { 0: 5 } })
    made.refusal = ErrorCode.GROUP_ID_NOT_FOUND
    expect(plain(replyOf(offsets.fetch(fetchOf('g', [0], { memberId: 'm' }), false)))).toEqual({ t: { 0: -1 } })
  })
})

describe('deletions of offsets', () => {
  it('leave alone what the group subscribes to', async () => {
    const { offsets, decide, group } = offsetsUnderTest()
    const made = group('g')
    made.subscriptions = new Set(['used'])
    await decide(offsets.commit(commitOf('g', { used: { 0: 1 }, unused: { 0: 2, 1: 3 } }), caller()))
    const topics = [topicOf('used', 0), topicOf('unused', 0, 7)]
    const reply = await decide(offsets.deleteOffsets({ groupId: 'g', topics }))
    expect(reply).toEqual({
      errorCode: 0,
      throttleTimeMs: 0,
      topics: [
        { name: 'used', partitions: [answered(0, ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC)] },
        { name: 'unused', partitions: [answered(0), answered(7)] },
      ],
    })
    expect(allOffsets(offsets, 'g')).toEqual({ used: { 0: 1 }, unused: { 1: 3 } })
    expect(offsets.counts.deleted).toBe(1)
  })

  it('need a group that lets them', () => {
    const { offsets, group } = offsetsUnderTest()
    const attempt = (groupId: string) => codeOf(() => offsets.deleteOffsets({ groupId, topics: [] }))
    expect(attempt('')).toBe(ErrorCode.INVALID_GROUP_ID)
    expect(attempt('g')).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
    group('g').refusal = ErrorCode.NON_EMPTY_GROUP
    expect(attempt('g')).toBe(ErrorCode.NON_EMPTY_GROUP)
  })
})
