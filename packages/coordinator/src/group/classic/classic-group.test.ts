import { Buffer } from 'node:buffer'
import { bounds, ErrorCode, groupMetadataRecord, KafkaError } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { encodeRecord, RecordDecoder, recordOf } from '../../record.ts'
import type { Group } from '../group.ts'
import { outcomeOf } from '../testing.ts'
import { ClassicGroup } from './classic-group.ts'
import { by, ClassicHarness, partitionsOf, range } from './classic-testing.ts'

const codeOf = (run: () => void): number => {
  try {
    run()
    return ErrorCode.NONE
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
}
const committer = (memberId: string, generation: number, groupInstanceId: string | null = null) => ({
  memberId,
  groupInstanceId,
  generationIdOrMemberEpoch: generation,
  apiVersion: 8,
})

describe('classic groups', () => {
  it('are written once before anybody hears of them', async () => {
    const harness = new ClassicHarness()
    harness.test.log.hold()
    const pending = harness.join()
    expect(await outcomeOf(pending)).toBeUndefined()
    harness.test.log.commit()
    expect((await pending).errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED)
    await harness.join()
    expect(harness.test.log.records.map(({ value }) => value)).toMatchObject([
      { generation: 0, protocolType: '', protocol: null, members: [] },
    ])
  })

  it('were never there when they could not be written', async () => {
    const harness = new ClassicHarness()
    harness.test.log.hold()
    const pending = harness.join({ version: 3 }).catch((error: KafkaError) => error.code)
    harness.test.log.fail(new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS))
    expect(await pending).toBe(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(harness.groups.size).toBe(0)
    expect(harness.test.clock.keys()).toEqual([])
  })

  it('are the same after they were loaded, and their sessions run', async () => {
    const harness = new ClassicHarness()
    const { memberIds, generation } = await harness.stable(2)
    const before = harness.requests.describe(harness.group())
    harness.reload()
    expect(harness.requests.describe(harness.group())).toEqual(before)
    expect(harness.group().isSubscribedTo('t')).toBe(true)
    expect(harness.group().isSubscribedTo('u')).toBe(false)
    expect(await harness.heartbeat(memberIds[1] ?? '', generation)).toBe(ErrorCode.NONE)
    const { errorCode, assignment } = await harness.sync({ memberId: memberIds[1] ?? '', generation })
    expect({ errorCode, assignment }).toEqual({ errorCode: 0, assignment: partitionsOf('t', 1) })
    harness.test.clock.advance(10_000)
    harness.test.clock.advance(60_000)
    expect(harness.group().state).toBe('Empty')
  })

  it('are read from records of all versions', () => {
    const [first, last] = bounds(groupMetadataRecord.value.versions)
    for (let valueVersion = first; valueVersion <= last; valueVersion++) {
      const harness = new ClassicHarness()
      const member = {
        memberId: 'm',
        groupInstanceId: null,
        clientId: 'c',
        clientHost: '/h',
        rebalanceTimeout: 7_000,
        sessionTimeout: 9_000,
        subscription: range('t').metadata,
        assignment: partitionsOf('t', 3),
      }
      const value = { protocolType: 'consumer', generation: 4, protocol: 'range', leader: 'm', currentStateTimestamp: 5, members: [member] }
      const { key, value: bytes } = encodeRecord(recordOf(groupMetadataRecord, { key: { group: 'g' }, value, valueVersion }))
      const record = new RecordDecoder('__consumer_offsets').decode(key, bytes)
      if (record === null) throw new Error('no record')
      harness.requests.replay(record)
      harness.requests.loaded()
      const group = harness.group()
      expect(group).toMatchObject({ state: 'Stable', generation: 4, leaderId: 'm', protocolName: 'range' })
      expect(group.stateSinceMs).toBe(valueVersion < 2 ? null : 5)
      expect(group.rebalanceTimeoutMs).toBe(valueVersion < 1 ? 9_000 : 7_000)
      expect(group.members.get('m')?.assignment).toEqual(partitionsOf('t', 3))
      for (const tombstone of group.tombstones()) harness.requests.replay(tombstone)
      expect(harness.groups.size).toBe(0)
      expect(harness.test.clock.keys()).toEqual([])
    }
  })

  it('answer all that wait when they are given up', async () => {
    const harness = new ClassicHarness()
    const { memberIds } = await harness.stable(2)
    const joining = harness.join({ memberId: memberIds[0] ?? '' })
    const other = await harness.enter({ groupId: 'h' })
    const third = await harness.enter({ groupId: 'h' })
    harness.test.clock.advance(0)
    const { leader, generationId: generation } = await other.joined
    const syncing = harness.sync({ groupId: 'h', generation, memberId: leader === other.memberId ? third.memberId : other.memberId })
    harness.requests.unloaded(ErrorCode.NOT_COORDINATOR)
    expect((await joining).errorCode).toBe(ErrorCode.NOT_COORDINATOR)
    expect((await syncing).errorCode).toBe(ErrorCode.NOT_COORDINATOR)
    expect(harness.test.clock.keys()).toEqual([])
    expect((await harness.join()).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect(await harness.heartbeat(memberIds[0] ?? '', 1)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect((await harness.leave([{ memberId: 'm' }])).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect(codeOf(() => harness.group().ensureMayFetch())).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
    expect(codeOf(() => harness.group().ensureMayBeDeleted())).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
  })

  it('take the place of an empty group of another kind', async () => {
    const harness = new ClassicHarness()
    const tombstones = new ClassicGroup(harness.test.world, 'g').tombstones()
    const consumer: Group = {
      kind: 'consumer',
      groupId: 'g',
      state: 'Empty',
      protocolType: 'consumer',
      memberCount: 0,
      mayExpire: true,
      ensureMayCommit: () => {},
      committedBy: () => {},
      ensureMayFetch: () => {},
      ensureMayBeDeleted: () => {},
      ensureOffsetsMayBeDeleted: () => {},
      isSubscribedTo: () => false,
      tombstones: () => tombstones,
      unusedSinceMs: () => null,
    }
    harness.groups.set('g', consumer)
    expect((await harness.join({ memberId: 'm' })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    const { records } = harness.requests.join(
      {
        groupId: 'g',
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 1,
        memberId: '',
        groupInstanceId: null,
        protocolType: 'consumer',
        protocols: [range('t')],
        reason: null,
      },
      by(9),
    )
    expect(records.map(({ value }) => value === null)).toEqual([true, false])
    expect(harness.group().pending.size).toBe(1)
  })

  it('let their members commit, and whoever manages without them when they are empty', async () => {
    const harness = new ClassicHarness()
    const empty = new ClassicGroup(harness.test.world, 'empty')
    expect(codeOf(() => empty.ensureMayCommit(committer('', -1), false))).toBe(ErrorCode.NONE)
    expect(codeOf(() => empty.ensureMayCommit(committer('m', 1), false))).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    const { memberIds, generation } = await harness.stable(2)
    const [memberId = ''] = memberIds
    const group = harness.group()
    const errorOf = (...caller: Parameters<typeof committer>) => codeOf(() => group.ensureMayCommit(committer(...caller), false))
    expect(errorOf(memberId, generation)).toBe(ErrorCode.NONE)
    expect(errorOf(memberId, generation + 1)).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(errorOf('m', generation)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(errorOf(memberId, generation, 'i')).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(errorOf('', -1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(codeOf(() => group.ensureMayCommit(committer('', -1), true))).toBe(ErrorCode.NONE)
    for (let passed = 0; passed < 30_000; passed += 5_000) {
      for (const id of memberIds) group.committedBy(committer(id, generation))
      harness.test.clock.advance(5_000)
    }
    expect(group.state).toBe('Stable')
    await Promise.all(memberIds.map(id => harness.join({ memberId: id, protocols: [range('u')] })))
    expect(errorOf(memberId, generation + 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  it('say since when their offsets are of no use, and whether they may be deleted', async () => {
    const harness = new ClassicHarness()
    expect(new ClassicGroup(harness.test.world, 'simple').unusedSinceMs(7)).toBe(7)
    const { memberIds } = await harness.stable(1)
    const group = harness.group()
    expect(group.unusedSinceMs(7)).toBe(7)
    expect(codeOf(() => group.ensureMayBeDeleted())).toBe(ErrorCode.NON_EMPTY_GROUP)
    expect(codeOf(() => group.ensureOffsetsMayBeDeleted())).toBe(ErrorCode.NONE)
    const joining = harness.join({ memberId: memberIds[0] ?? '' })
    expect((await joining).errorCode).toBe(0)
    expect(group.unusedSinceMs(7)).toBeNull()
    await harness.leave([{ memberId: memberIds[0] ?? '' }])
    expect(group.unusedSinceMs(7)).toBe(harness.test.clock.now())
    expect(codeOf(() => group.ensureMayBeDeleted())).toBe(ErrorCode.NONE)
    const joined = harness.join({
      version: 3,
      groupId: 'connect',
      protocolType: 'connect',
      protocols: [{ name: 'x', metadata: Buffer.from([]) }],
    })
    expect(codeOf(() => harness.group('connect').ensureOffsetsMayBeDeleted())).toBe(ErrorCode.NON_EMPTY_GROUP)
    harness.test.clock.advance(0)
    await joined
  })

  it('tell what became of each rebalance', async () => {
    const harness = new ClassicHarness({ groupInitialRebalanceDelayMs: 1_500 })
    const { memberIds } = await harness.stable(2, { clientId: 'app', reason: 'first deployment' })
    const [rebalance] = harness.test.rebalances
    expect(rebalance).toMatchObject({
      groupId: 'g',
      groupType: 'classic',
      startedAtMs: 1_700_000_000_000,
      durationMs: 3_000,
      memberId: memberIds[0],
      clientId: 'app',
      reason: 'a new member joined; client reason: first deployment',
      generation: 1,
    })
    expect([...(rebalance?.assignment ?? [])]).toEqual(
      memberIds.map((memberId, index) => [memberId, [{ topic: 't', partitions: [index] }]]),
    )
    expect(harness.test.lines.some(({ level, message }) => level === 'info' && message === 'a group begins to rebalance')).toBe(true)
  })
})
