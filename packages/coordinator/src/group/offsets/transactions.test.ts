import { ErrorCode, legacyOffsetCommitRecord, ZERO_UUID } from '@ottla/protocol'
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
    await decide(offsets.deleteOffsets({ groupId: 'g', topics }, caller()))
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
