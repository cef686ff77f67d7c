import { ErrorCode, groupMetadataRecord, KafkaError } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { isRecordOf } from '../../record.ts'
import { outcomeOf } from '../testing.ts'
import { ClassicHarness, partitionsOf, range } from './classic-testing.ts'

/** Two members that have joined and not synced. */
const joinedPair = async (harness: ClassicHarness) => {
  const first = await harness.enter()
  const second = await harness.enter()
  harness.test.clock.advance(0)
  const { leader, generationId: generation } = await first.joined
  await second.joined
  const follower = leader === first.memberId ? second.memberId : first.memberId
  const assignments = [
    { memberId: leader, assignment: partitionsOf('t', 0) },
    { memberId: follower, assignment: partitionsOf('t', 1) },
  ]
  return { leader, follower, generation, assignments }
}

describe('SyncGroup of classic groups', () => {
  it('answers nobody before the assignment is kept', async () => {
    const harness = new ClassicHarness()
    const { leader, follower, generation, assignments } = await joinedPair(harness)
    const early = harness.sync({ memberId: follower, generation })
    harness.test.log.hold()
    const led = harness.sync({ memberId: leader, generation, assignments })
    expect(await outcomeOf(Promise.race([early, led]))).toBeUndefined()
    expect(harness.group().state).toBe('CompletingRebalance')
    harness.test.log.commit()
    expect(await early).toMatchObject({ errorCode: 0, protocolType: 'consumer', protocolName: 'range', assignment: partitionsOf('t', 1) })
    expect((await led).assignment).toEqual(partitionsOf('t', 0))
    expect(harness.group().state).toBe('Stable')
    expect((await harness.sync({ memberId: follower, generation })).assignment).toEqual(partitionsOf('t', 1))
    const record = harness.test.log.records.at(-1)
    if (record === undefined || !isRecordOf(record, groupMetadataRecord)) throw new Error('no record')
    expect(record.valueVersion).toBe(3)
    expect(record.value).toMatchObject({ protocolType: 'consumer', protocol: 'range', generation: 1, leader })
    expect(record.value?.members.map(({ memberId, assignment }) => ({ memberId, assignment }))).toEqual(
      harness.group().members.size === 2
        ? [...harness.group().members.values()].map(({ memberId, assignment }) => ({ memberId, assignment }))
        : [],
    )
  })

  it('lets all join again when the assignment cannot be kept', async () => {
    const harness = new ClassicHarness()
    const { leader, follower, generation, assignments } = await joinedPair(harness)
    const followed = harness.sync({ memberId: follower, generation })
    harness.test.log.hold()
    const led = harness.sync({ memberId: leader, generation, assignments }).catch((error: KafkaError) => error)
    harness.test.log.fail(new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS))
    expect(await led).toBeInstanceOf(KafkaError)
    expect((await followed).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect(harness.group().state).toBe('PreparingRebalance')
  })

  it('does not mix up an assignment with the next rebalance', async () => {
    const harness = new ClassicHarness()
    const { leader, follower, generation, assignments } = await joinedPair(harness)
    harness.test.log.hold()
    const led = harness.sync({ memberId: leader, generation, assignments })
    void harness.join({ version: 3 })
    expect(harness.group().state).toBe('PreparingRebalance')
    harness.test.log.commit()
    expect((await led).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect((await harness.sync({ memberId: follower, generation })).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(harness.group().members.get(follower)?.assignment.length).toBe(0)
  })

  it('does not take an assignment for one of the next generation', async () => {
    const harness = new ClassicHarness()
    const { leader, follower, generation, assignments } = await joinedPair(harness)
    harness.test.log.hold()
    const led = harness.sync({ memberId: leader, generation, assignments })
    const rejoined = [leader, follower].map(memberId => harness.join({ memberId, protocols: [range('u')] }))
    expect(harness.group()).toMatchObject({ state: 'CompletingRebalance', generation: generation + 1 })
    harness.test.log.commit()
    expect((await led).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    await Promise.all(rejoined)
    expect(harness.group().state).toBe('CompletingRebalance')
    expect(harness.group().members.get(follower)?.assignment.length).toBe(0)
    const again = harness.sync({ memberId: leader, generation: generation + 1, assignments })
    expect((await again).assignment).toEqual(partitionsOf('t', 0))
  })

  it('keeps what the leader said first when it says it twice', async () => {
    const harness = new ClassicHarness()
    const { leader, generation, assignments } = await joinedPair(harness)
    harness.test.log.hold()
    const first = harness.sync({ memberId: leader, generation, assignments })
    const written = harness.test.log.records.length
    const second = harness.sync({ memberId: leader, generation, assignments: [{ memberId: leader, assignment: partitionsOf('t', 9) }] })
    expect(harness.test.log.records.length).toBe(written)
    harness.test.log.commit()
    expect((await first).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect((await second).assignment).toEqual(partitionsOf('t', 0))
  })

  it('refuses who is no member, is late or means another protocol', async () => {
    const harness = new ClassicHarness()
    expect((await harness.sync({ groupId: '', memberId: 'm', generation: 1 })).errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
    expect((await harness.sync({ memberId: 'm', generation: 1 })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    const { memberIds, generation } = await harness.stable(1)
    const [memberId = ''] = memberIds
    const errorOf = async (init: object) => (await harness.sync({ memberId, generation, ...init })).errorCode
    expect(await errorOf({ memberId: 'm' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(await errorOf({ instance: 'i' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(await errorOf({ generation: 2 })).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(await errorOf({ protocolType: 'connect' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await errorOf({ protocolName: 'other' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await errorOf({ protocolType: null })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await errorOf({ protocolType: null, protocolName: null, version: 4 })).toBe(ErrorCode.NONE)
  })

  it('removes who never syncs, and begins anew', async () => {
    const harness = new ClassicHarness()
    const { leader, follower, generation, assignments } = await joinedPair(harness)
    await harness.sync({ memberId: leader, generation, assignments })
    expect(harness.group().state).toBe('Stable')
    for (let passed = 0; passed < 60_000; passed += 5_000) {
      harness.test.clock.advance(5_000)
      await harness.heartbeat(leader, generation)
      await harness.heartbeat(follower, generation)
    }
    expect(harness.group().state).toBe('PreparingRebalance')
    expect([...harness.group().members.keys()]).toEqual([leader])
    const rejoined = await harness.join({ memberId: leader })
    expect(rejoined.generationId).toBe(2)
  })

  it('is empty again when its only member never syncs', async () => {
    const harness = new ClassicHarness()
    const { memberId, joined } = await harness.enter({ sessionTimeoutMs: 100_000 })
    harness.test.clock.advance(0)
    await joined
    harness.test.clock.advance(60_000)
    expect(harness.group()).toMatchObject({ state: 'Empty', generation: 2, memberCount: 0, leaderId: null, protocolName: null })
    expect(await harness.heartbeat(memberId, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(harness.test.clock.keys()).toEqual([])
  })
})

describe('Heartbeat of classic groups', () => {
  it('tells members of each state what to do', async () => {
    const harness = new ClassicHarness()
    expect(await harness.heartbeat('m', 1, { groupId: '' })).toBe(ErrorCode.INVALID_GROUP_ID)
    expect(await harness.heartbeat('m', 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    const { leader, follower, generation, assignments } = await joinedPair(harness)
    expect(await harness.heartbeat(leader, generation)).toBe(ErrorCode.NONE)
    await Promise.all([harness.sync({ memberId: leader, generation, assignments }), harness.sync({ memberId: follower, generation })])
    expect(await harness.heartbeat(follower, generation)).toBe(ErrorCode.NONE)
    expect(await harness.heartbeat(follower, generation - 1)).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(await harness.heartbeat(follower, generation, { instance: 'i' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    void harness.join({ version: 3 })
    expect(await harness.heartbeat(follower, generation)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  it('keeps a member, and its absence removes it', async () => {
    const harness = new ClassicHarness()
    const { memberIds, generation } = await harness.stable(2)
    const [alive = '', dead = ''] = memberIds
    harness.test.clock.advance(9_000)
    expect(await harness.heartbeat(alive, generation)).toBe(ErrorCode.NONE)
    harness.test.clock.advance(1_000)
    expect(harness.group().state).toBe('PreparingRebalance')
    expect(harness.group().rebalance).toMatchObject({ memberId: dead, clientId: 'client', reason: 'a member sent no heartbeat in time' })
    expect((await harness.join({ memberId: alive })).generationId).toBe(2)
  })

  it('is empty when all members are gone, which is written', async () => {
    const harness = new ClassicHarness()
    await harness.stable(3)
    harness.test.clock.advance(100_000)
    expect(harness.group()).toMatchObject({ state: 'Empty', generation: 2, memberCount: 0 })
    expect(harness.test.log.records.at(-1)?.value).toMatchObject({ generation: 2, members: [], protocol: null, protocolType: 'consumer' })
    expect(harness.test.clock.keys()).toEqual([])
  })
})
