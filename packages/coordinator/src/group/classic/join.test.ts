import { Buffer } from 'node:buffer'
import { ErrorCode } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { outcomeOf } from '../testing.ts'
import { by, ClassicHarness, range } from './classic-testing.ts'
import { MAX_MEMBER_BYTES } from './join.ts'
import { MAX_PENDING_MEMBERS } from './pending-members.ts'

const names = (...list: string[]) => list.map(name => ({ name, metadata: Buffer.from(name) }))
const other = { name: 'other', metadata: Buffer.from([1]) }

describe('JoinGroup of classic groups', () => {
  it('gives an id first, of client id and uuid, and lets its bearer join', async () => {
    const harness = new ClassicHarness()
    const first = await harness.join({ clientId: 'app' })
    expect(first.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED)
    expect(first.memberId).toMatch(/^app-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const joined = harness.join({ memberId: first.memberId })
    harness.test.clock.advance(0)
    const answer = await joined
    expect(answer).toMatchObject({ errorCode: 0, generationId: 1, leader: first.memberId, protocolType: 'consumer', protocolName: 'range' })
    expect(answer.members.map(({ memberId }) => memberId)).toEqual([first.memberId])
  })

  it.each([0, 1, 3])('asks nobody of version %i to come back', async version => {
    const harness = new ClassicHarness()
    const joined = harness.join({ version })
    harness.test.clock.advance(0)
    expect(await joined).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range' })
    const [member] = harness.group().members.values()
    expect(member?.terms.rebalanceTimeoutMs).toBe(version === 0 ? 10_000 : 60_000)
  })

  it('answers every version with what it can hold', async () => {
    for (let version = 0; version <= 9; version++) {
      const answer = await new ClassicHarness().join({ version, memberId: 'nobody' })
      expect(answer).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: 'nobody', protocolName: version < 7 ? '' : null })
    }
  })

  it('refuses what cannot be', async () => {
    const harness = new ClassicHarness()
    expect((await harness.join({ groupId: '', memberId: 'm' })).errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
    for (const sessionTimeoutMs of [5_999, 1_800_001])
      expect(await harness.join({ sessionTimeoutMs, memberId: 'm' })).toMatchObject({
        errorCode: ErrorCode.INVALID_SESSION_TIMEOUT,
        memberId: 'm',
      })
    expect((await harness.join({ protocols: [] })).errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect((await harness.join({ protocolType: '' })).errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  })

  it('refuses who shares no protocol with all', async () => {
    const harness = new ClassicHarness()
    const { memberIds } = await harness.stable(2)
    expect((await harness.join({ protocols: [other] })).errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect((await harness.join({ protocolType: 'connect' })).errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await harness.join({ memberId: memberIds[1] ?? '', protocols: [other] })).toMatchObject({
      errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      memberId: memberIds[1],
    })
    expect(harness.group().state).toBe('Stable')
  })

  it('chooses the protocol that most like best of those that all know', async () => {
    const harness = new ClassicHarness({ groupInitialRebalanceDelayMs: 100 })
    const joined = [
      harness.join({ version: 3, protocolType: 'x', protocols: names('a', 'b', 'c', 'c') }),
      harness.join({ version: 3, protocolType: 'x', protocols: names('a', 'c', 'b') }),
      harness.join({ version: 3, protocolType: 'x', protocols: names('c', 'b') }),
      harness.join({ version: 3, protocolType: 'x', protocols: names('d', 'c', 'b') }),
    ]
    harness.test.clock.advance(1_000)
    for (const answer of await Promise.all(joined)) expect(answer.protocolName).toBe('c')
    expect((await joined[0])?.members.map(({ metadata }) => metadata.toString())).toEqual(['c', 'c', 'c', 'c'])
  })

  it('waits for more before the first rebalance, as long as they come', async () => {
    const harness = new ClassicHarness({ groupInitialRebalanceDelayMs: 3_000 })
    const { clock } = harness.test
    const first = harness.join({ version: 3, rebalanceTimeoutMs: 5_000 })
    clock.advance(2_000)
    const second = harness.join({ version: 3, rebalanceTimeoutMs: 5_000 })
    clock.advance(1_000)
    expect(await outcomeOf(first)).toBeUndefined()
    clock.advance(2_000)
    expect((await first).generationId).toBe(1)
    expect((await second).generationId).toBe(1)
  })

  it('forgets who does not come back with the id it was given', async () => {
    const harness = new ClassicHarness()
    const { memberId } = await harness.join()
    expect(harness.group().pending.size).toBe(1)
    harness.test.clock.advance(10_000)
    expect(harness.group().pending.size).toBe(0)
    expect((await harness.join({ memberId })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(harness.test.clock.keys()).toEqual([])
  })

  it('does not wait for ever for somebody with an id who stays away', async () => {
    const harness = new ClassicHarness()
    const { memberIds } = await harness.stable(1)
    await harness.join()
    const rejoined = harness.join({ memberId: memberIds[0] ?? '' })
    expect(await outcomeOf(rejoined)).toBeUndefined()
    harness.test.clock.advance(10_000)
    expect((await rejoined).generationId).toBe(2)
  })

  it('keeps a bounded number of ids, however many ask', async () => {
    const harness = new ClassicHarness()
    const { memberId: first } = await harness.join()
    for (let index = 0; index < MAX_PENDING_MEMBERS + 50; index++) {
      const request = { groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', groupInstanceId: null }
      harness.requests.join({ ...request, protocolType: 'consumer', protocols: [range('t')], reason: null }, by(9))
    }
    expect(harness.group().pending.size).toBe(MAX_PENDING_MEMBERS)
    expect(harness.test.clock.keys().length).toBe(MAX_PENDING_MEMBERS)
    expect((await harness.join({ memberId: first })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('has room for group.max.size members', async () => {
    const harness = new ClassicHarness({ groupMaxSize: 2 })
    await harness.stable(2)
    expect(await harness.join()).toMatchObject({ errorCode: ErrorCode.GROUP_MAX_SIZE_REACHED, memberId: '' })
    expect(harness.group().memberCount).toBe(2)
  })

  it('lets the last who join again go when group.max.size was lowered', async () => {
    const harness = new ClassicHarness()
    const { memberIds } = await harness.stable(3)
    harness.test.settings.groupMaxSize = 2
    harness.reload()
    expect(harness.group().state).toBe('PreparingRebalance')
    const first = harness.join({ memberId: memberIds[0] ?? '' })
    const second = harness.join({ memberId: memberIds[2] ?? '' })
    expect((await harness.join({ memberId: memberIds[1] ?? '' })).errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED)
    expect((await Promise.all([first, second])).map(({ generationId }) => generationId)).toEqual([2, 2])
  })

  it('has a bound for what its members say', async () => {
    const harness = new ClassicHarness()
    const big = { name: 'range', metadata: Buffer.alloc(MAX_MEMBER_BYTES / 2) }
    const joined = harness.join({ version: 3, protocols: [big] })
    harness.test.clock.advance(0)
    expect((await joined).errorCode).toBe(0)
    expect((await harness.join({ version: 3, protocols: [big] })).errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED)
    expect(harness.group().memberCount).toBe(1)
  })

  it('tells the former JoinGroup of a member that nobody waits for it', async () => {
    const harness = new ClassicHarness({ groupInitialRebalanceDelayMs: 3_000 })
    const { memberId, joined } = await harness.enter()
    const again = harness.join({ memberId })
    expect((await joined).errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    harness.test.clock.advance(3_000)
    expect((await again).generationId).toBe(1)
  })

  it('tells a member that asks again during the sync the same once more', async () => {
    const harness = new ClassicHarness()
    const { memberId, joined } = await harness.enter()
    harness.test.clock.advance(0)
    expect(await harness.join({ memberId })).toEqual(await joined)
    expect(harness.group().state).toBe('CompletingRebalance')
  })

  it('begins anew when metadata change during the sync', async () => {
    const harness = new ClassicHarness()
    const { memberId, joined } = await harness.enter()
    harness.test.clock.advance(0)
    expect((await joined).generationId).toBe(1)
    expect((await harness.join({ memberId, protocols: [range('u')] })).generationId).toBe(2)
  })

  it('rebalances when metadata change or the leader comes again, and not for a follower without news', async () => {
    const harness = new ClassicHarness()
    const { memberIds } = await harness.stable(2)
    const [leader = '', follower = ''] = memberIds
    expect(await harness.join({ memberId: follower })).toMatchObject({ errorCode: 0, generationId: 1, leader, members: [] })
    expect(harness.group().state).toBe('Stable')
    const changed = harness.join({ memberId: follower, protocols: [range('t', 'u')], reason: 'more topics' })
    expect(harness.group().state).toBe('PreparingRebalance')
    expect(harness.group().rebalance).toMatchObject({
      memberId: follower,
      reason: 'a member changed its metadata; client reason: more topics',
    })
    const led = await harness.join({ memberId: leader })
    expect(led).toMatchObject({ generationId: 2, leader })
    expect((await changed).members).toEqual([])
    expect([...(harness.group().subscribedTopics ?? [])]).toEqual(['t', 'u'])
  })

  it('lets members go that do not join again in time, and finds another leader', async () => {
    const harness = new ClassicHarness()
    const { memberIds } = await harness.stable(2, { sessionTimeoutMs: 120_000 })
    const [leader = '', follower = ''] = memberIds
    const rejoined = harness.join({ memberId: follower, protocols: [range('u')], sessionTimeoutMs: 120_000 })
    harness.test.clock.advance(59_999)
    expect(await outcomeOf(rejoined)).toBeUndefined()
    harness.test.clock.advance(1)
    expect(await rejoined).toMatchObject({ generationId: 2, leader: follower })
    expect(await harness.heartbeat(leader, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('lets newcomers go that wait for five minutes without knowing their id', async () => {
    const harness = new ClassicHarness()
    await harness.stable(1, { sessionTimeoutMs: 1_800_000, rebalanceTimeoutMs: 1_800_000 })
    const joined = harness.join({ version: 3 })
    harness.test.clock.advance(299_999)
    expect(await outcomeOf(joined)).toBeUndefined()
    harness.test.clock.advance(1)
    expect(await joined).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: '' })
  })
})
