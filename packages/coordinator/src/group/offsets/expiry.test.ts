import { groupMetadataRecord, ZERO_UUID } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { offsetRecord } from './committed-offset.ts'
import { allOffsets, caller, commitOf, offsetsUnderTest } from './testing.ts'

const minute = 60_000
const pending = (groupId: string) =>
  offsetRecord(
    { groupId, topic: 't', partition: 0 },
    { offset: 1, leaderEpoch: -1, metadata: '', commitTimestampMs: 1, expireTimestampMs: -1, topicId: ZERO_UUID },
  )
const topicOf = (partitionIndex: number, topicId: string) => ({
  name: 't',
  topicId,
  partitions: [{ partitionIndex, committedOffset: 1, committedLeaderEpoch: -1, committedMetadata: null }],
})
/** Retention of ten minutes, looked at every minute. */
const test = () => offsetsUnderTest({ offsetsRetentionMinutes: 10, offsetsRetentionCheckIntervalMs: minute })

describe('offsets expire', () => {
  it('when their time is over, and the group without members with the last of them', async () => {
    const { offsets, decide, clock, groups } = test()
    offsets.loaded()
    await decide(offsets.commit(commitOf('g', { t: { 0: 1 } }), caller()))
    clock.advance(5 * minute)
    await decide(offsets.commit(commitOf('g', { t: { 1: 1 } }), caller()))
    clock.advance(4 * minute)
    expect(allOffsets(offsets, 'g')).toEqual({ t: { 0: 1, 1: 1 } })
    clock.advance(minute)
    expect(allOffsets(offsets, 'g')).toEqual({ t: { 1: 1 } })
    expect(groups.has('g')).toBe(true)
    clock.advance(5 * minute)
    expect(groups.has('g')).toBe(false)
    expect(offsets.size).toBe(0)
    expect(offsets.counts.expired).toBe(2)
    expect(clock.keys()).toEqual(['expire-offsets'])
  })

  it('not while they are in use, subscribed to, or part of a transaction', async () => {
    const { offsets, decide, clock, group, groups, write } = test()
    offsets.loaded()
    const made = group('g', 'consumer')
    made.unusedSince = null
    await decide(offsets.commit(commitOf('g', { t: { 0: 1 }, u: { 0: 2 } }), caller()))
    clock.advance(30 * minute)
    expect(offsets.size).toBe(2)
    made.unusedSince = clock.now()
    made.subscriptions = new Set(['t'])
    clock.advance(10 * minute)
    expect(allOffsets(offsets, 'g')).toEqual({ t: { 0: 1 } })
    made.subscriptions = new Set()
    write(1, [pending('g')])
    clock.advance(minute)
    expect(allOffsets(offsets, 'g')).toEqual({ t: { 0: 1 } })
    offsets.endTransaction({ id: 1, epoch: 0 }, false)
    made.state = 'Stable'
    clock.advance(minute)
    expect(offsets.size).toBe(0)
    expect(groups.has('g')).toBe(true)
    made.state = 'Empty'
    write(1, [pending('g')])
    clock.advance(minute)
    expect(groups.has('g')).toBe(true)
    offsets.endTransaction({ id: 1, epoch: 0 }, false)
    made.mayExpire = false
    clock.advance(minute)
    expect(groups.has('g')).toBe(true)
    made.mayExpire = true
    clock.advance(minute)
    expect(groups.has('g')).toBe(false)
  })

  it('at the time that a client named', async () => {
    const { offsets, decide, clock } = test()
    offsets.loaded()
    await decide(offsets.commit(commitOf('g', { t: { 0: 1 } }, { retentionTimeMs: 90 * minute }), caller(3)))
    await decide(offsets.commit(commitOf('g', { t: { 1: 1 } }, { retentionTimeMs: minute }), caller(3)))
    clock.advance(minute)
    expect(allOffsets(offsets, 'g')).toEqual({ t: { 0: 1 } })
    clock.advance(88 * minute)
    expect(offsets.size).toBe(1)
    clock.advance(minute)
    expect(offsets.size).toBe(0)
  })

  it('in slices, between which requests change what is left', async () => {
    const { offsets, decide, clock, log, groups } = test()
    const many = Object.fromEntries(Array.from({ length: 2_500 }, (_, partition) => [partition, 1]))
    for (const groupId of ['a', 'b']) await decide(offsets.commit(commitOf(groupId, { t: many }), caller()))
    clock.advance(10 * minute)
    const batches: number[] = []
    const { decide: write } = clock
    clock.decide = decision => {
      batches.push(decision.records.length)
      write(decision)
    }
    const first = offsets.expired()
    batches.push(first.records.length)
    await decide(first)
    expect(offsets.size).toBe(4_000)
    // Of what has not been looked at yet, one is committed again, and one is deleted.
    await decide(offsets.commit(commitOf('a', { t: { 2_000: 2 } }), caller()))
    await decide(offsets.deleteOffsets({ groupId: 'a', topics: [{ name: 't', partitions: [{ partitionIndex: 1_000 }] }] }))
    expect(offsets.expired().records).toEqual([])
    clock.advance(0)
    expect(allOffsets(offsets, 'a')).toEqual({ t: { 2_000: 2 } })
    expect([...groups.keys()]).toEqual(['a'])
    expect(Math.max(...batches)).toBeLessThanOrEqual(1_001)
    expect(log.records.filter(({ type }) => type === groupMetadataRecord)).toHaveLength(1)
  })

  it('goes on after slices that could not be written', async () => {
    const { offsets, decide, clock, groups } = test()
    await decide(
      offsets.commit(commitOf('g', { t: Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [index, 1])) }), caller()),
    )
    clock.advance(10 * minute)
    offsets.expired()
    clock.advance(0)
    // The first slice is lost, so the group stays until the next pass.
    expect(offsets.size).toBe(1_000)
    expect(groups.has('g')).toBe(true)
    clock.advance(minute)
    expect(offsets.size).toBe(0)
    expect(groups.has('g')).toBe(false)
  })
})

describe('deleted topics', () => {
  it('take the offsets of all groups with them, but not those of a topic made later under their name', async () => {
    const { offsets, decide, write } = test()
    const [oldId, newId] = ['AAAAAQAAAAAAAAAAAAAAAA', 'AAAAAgAAAAAAAAAAAAAAAA']
    const topics = [topicOf(0, oldId), topicOf(1, newId), topicOf(2, ZERO_UUID)]
    await decide(offsets.commit(commitOf('g', {}, { topics }), caller()))
    await decide(offsets.commit(commitOf('h', { t: { 0: 1 }, u: { 0: 1 } }), caller()))
    write(1, [pending('i')])
    await decide(offsets.topicsDeleted([{ name: 't', id: oldId }]))
    expect(allOffsets(offsets, 'g')).toEqual({ t: { 1: 1 } })
    expect(allOffsets(offsets, 'h')).toEqual({ u: { 0: 1 } })
    offsets.endTransaction({ id: 1, epoch: 0 }, true)
    expect(allOffsets(offsets, 'i')).toEqual({})
    expect(offsets.counts.deleted).toBe(4)
  })

  it('are worked through in slices, one deletion after the other', async () => {
    const { offsets, decide, clock } = test()
    const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, partition) => [partition, 1]))
    for (const groupId of ['a', 'b']) await decide(offsets.commit(commitOf(groupId, { t: many, u: many, v: { 0: 1 } }), caller()))
    await decide(offsets.topicsDeleted([{ name: 't', id: ZERO_UUID }]))
    await decide(offsets.topicsDeleted([{ name: 'u', id: ZERO_UUID }]))
    expect(offsets.size).toBe(4_002)
    clock.advance(0)
    expect(offsets.size).toBe(2)
  })
})
