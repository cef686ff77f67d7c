import { ErrorCode, KafkaError } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { outcomeOf } from '../testing.ts'
import { ClassicHarness, partitionsOf, range } from './classic-testing.ts'

/** A stable group of two static members, `i` the leader and `j`. */
const staticPair = async (harness: ClassicHarness, protocols = [range('t')]) => {
  const joined = ['i', 'j'].map(instance => harness.join({ instance, protocols }))
  harness.test.clock.advance(0)
  const [first, second] = await Promise.all(joined)
  const leader = first?.memberId ?? ''
  const follower = second?.memberId ?? ''
  const assignments = [
    { memberId: leader, assignment: partitionsOf('t', 0) },
    { memberId: follower, assignment: partitionsOf('t', 1) },
  ]
  await Promise.all([
    harness.sync({ memberId: leader, instance: 'i', generation: 1, assignments }),
    harness.sync({ memberId: follower, instance: 'j', generation: 1 }),
  ])
  expect(harness.group().state).toBe('Stable')
  return { leader, follower }
}

describe('static members of classic groups', () => {
  it('need no id first, and get one from their instance id', async () => {
    const { leader } = await staticPair(new ClassicHarness())
    expect(leader).toMatch(/^i-[0-9a-f-]{36}$/)
  })

  it('take their place again in a stable group, with their assignment, and nobody notices', async () => {
    const harness = new ClassicHarness()
    const { leader, follower } = await staticPair(harness)
    harness.test.log.hold()
    const pending = harness.join({ instance: 'j' })
    expect(await outcomeOf(pending)).toBeUndefined()
    harness.test.log.commit()
    const back = await pending
    expect(back).toMatchObject({ errorCode: 0, generationId: 1, leader, skipAssignment: false, members: [] })
    expect(back.memberId).not.toBe(follower)
    expect(harness.group()).toMatchObject({ state: 'Stable', generation: 1, memberCount: 2 })
    expect((await harness.sync({ memberId: back.memberId, instance: 'j', generation: 1 })).assignment).toEqual(partitionsOf('t', 1))
    expect(await harness.heartbeat(follower, 1, { instance: 'j' })).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect((await harness.sync({ memberId: follower, instance: 'j', generation: 1 })).errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(await harness.join({ memberId: follower, instance: 'j' })).toMatchObject({
      errorCode: ErrorCode.FENCED_INSTANCE_ID,
      memberId: follower,
    })
    expect(await harness.heartbeat(follower, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(await harness.heartbeat(back.memberId, 1, { instance: 'j' })).toBe(ErrorCode.NONE)
    harness.reload()
    expect(harness.group().members.get(back.memberId)?.assignment).toEqual(partitionsOf('t', 1))
  })

  it('lead again without assigning, as far as their version can say so', async () => {
    const harness = new ClassicHarness()
    const { leader, follower } = await staticPair(harness)
    const newest = await harness.join({ instance: 'i' })
    expect(newest).toMatchObject({ leader: newest.memberId, skipAssignment: true, generationId: 1 })
    expect(new Set(newest.members.map(({ groupInstanceId }) => groupInstanceId))).toEqual(new Set(['i', 'j']))
    const older = await harness.join({ instance: 'i', version: 8 })
    expect(older).toMatchObject({ leader: newest.memberId, skipAssignment: false, members: [] })
    expect(older.memberId).not.toBe(newest.memberId)
    expect(harness.group().leaderId).toBe(older.memberId)
    expect([leader, follower]).not.toContain(older.memberId)
  })

  it('rebalance their group when the protocol has to change', async () => {
    const harness = new ClassicHarness()
    const other = { name: 'other', metadata: range('t').metadata }
    await staticPair(harness, [range('t'), other])
    const back = harness.join({ instance: 'j', protocols: [other] })
    expect(await outcomeOf(back)).toBeUndefined()
    expect(harness.group().state).toBe('PreparingRebalance')
    const led = await harness.join({ instance: 'i', protocols: [range('t'), other] })
    expect(led).toMatchObject({ protocolName: 'other', generationId: 2 })
    expect((await back).protocolName).toBe('other')
  })

  it('begin anew during the sync, as the leader knows the former id', async () => {
    const harness = new ClassicHarness()
    const joined = ['i', 'j'].map(instance => harness.join({ instance }))
    harness.test.clock.advance(0)
    const [first, second] = await Promise.all(joined)
    const syncing = harness.sync({ memberId: second?.memberId ?? '', instance: 'j', generation: 1 })
    const back = harness.join({ instance: 'j' })
    expect((await syncing).errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(harness.group().state).toBe('PreparingRebalance')
    const again = await harness.join({ instance: 'i', memberId: first?.memberId ?? '' })
    expect(again.generationId).toBe(2)
    expect((await back).generationId).toBe(2)
  })

  it('wait like everybody when a rebalance begins before their new id is kept', async () => {
    const harness = new ClassicHarness()
    const { leader } = await staticPair(harness)
    harness.test.log.hold()
    const back = harness.join({ instance: 'j' })
    const led = harness.join({ instance: 'i', memberId: leader, protocols: [range('u')] })
    const newcomer = harness.join({ version: 3 })
    expect(harness.group().generation).toBe(2)
    expect(harness.group().state).toBe('PreparingRebalance')
    harness.test.log.commit()
    expect(await back).toMatchObject({ errorCode: 0, generationId: 2, leader })
    expect((await led).generationId).toBe(2)
    expect(await outcomeOf(newcomer)).toBeUndefined()
  })

  it('are removed when they come back and do not sync, as others are', async () => {
    const harness = new ClassicHarness()
    const joined = ['i', 'j'].map(instance => harness.join({ instance, sessionTimeoutMs: 200_000 }))
    harness.test.clock.advance(0)
    const [first] = await Promise.all(joined)
    await harness.sync({ memberId: first?.memberId ?? '', instance: 'i', generation: 1 })
    await harness.join({ instance: 'j', sessionTimeoutMs: 200_000 })
    expect(harness.group().state).toBe('Stable')
    harness.test.clock.advance(60_000)
    expect(harness.group()).toMatchObject({ state: 'PreparingRebalance', memberCount: 1 })
  })

  it('fence who waits to join under their name', async () => {
    const harness = new ClassicHarness({ groupInitialRebalanceDelayMs: 3_000 })
    const first = harness.join({ instance: 'i' })
    const second = harness.join({ instance: 'i' })
    expect((await first).errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID)
    harness.test.clock.advance(6_000)
    expect(await second).toMatchObject({ errorCode: 0, generationId: 1 })
    expect(harness.group().memberCount).toBe(1)
  })

  it('keep their place until their session is over, though they do not join again', async () => {
    const harness = new ClassicHarness()
    const { leader, follower } = await staticPair(harness)
    const rejoined = harness.join({ memberId: leader, instance: 'i', rebalanceTimeoutMs: 8_000 })
    for (let passed = 0; passed < 60_000; passed += 5_000) {
      await harness.heartbeat(follower, 1, { instance: 'j' })
      harness.test.clock.advance(5_000)
    }
    const answer = await rejoined
    expect(answer.generationId).toBe(2)
    expect(answer.members.map(({ groupInstanceId }) => groupInstanceId)).toEqual(['i', 'j'])
  })

  it('wait for each other without end only as long as one of them lives', async () => {
    const harness = new ClassicHarness()
    await staticPair(harness)
    const newcomer = harness.join({ version: 3, sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 1_000 })
    harness.test.clock.advance(400_000)
    expect((await newcomer).errorCode).toBe(ErrorCode.NONE)
    harness.test.clock.advance(400_000)
    expect(harness.group()).toMatchObject({ state: 'Empty', memberCount: 0 })
  })

  it('have their former id again when the new one cannot be kept', async () => {
    const harness = new ClassicHarness()
    const { leader, follower } = await staticPair(harness)
    harness.test.log.hold()
    const back = harness.join({ instance: 'i', sessionTimeoutMs: 20_000 }).catch((error: KafkaError) => error.code)
    harness.test.log.fail(new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS))
    expect(await back).toBe(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(harness.group().leaderId).toBe(leader)
    expect(harness.group().members.get(leader)?.terms.sessionTimeoutMs).toBe(10_000)
    expect(await harness.heartbeat(leader, 1, { instance: 'i' })).toBe(ErrorCode.NONE)
    expect(await harness.heartbeat(follower, 1, { instance: 'j' })).toBe(ErrorCode.NONE)
  })
})
