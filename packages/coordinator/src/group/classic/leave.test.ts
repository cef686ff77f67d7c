import { ErrorCode } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { outcomeOf } from '../testing.ts'
import { ClassicHarness } from './classic-testing.ts'

describe('LeaveGroup of classic groups', () => {
  it('lets several go at once, each with its own answer', async () => {
    const harness = new ClassicHarness()
    const { memberIds } = await harness.stable(3)
    const [first = '', second = '', third = ''] = memberIds
    const answer = await harness.leave([
      { memberId: first, reason: 'shutting down' },
      { memberId: 'nobody' },
      { memberId: second, instance: 'i' },
    ])
    expect(answer.errorCode).toBe(0)
    expect(answer.members.map(({ errorCode }) => errorCode)).toEqual([0, ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.UNKNOWN_MEMBER_ID])
    expect(harness.group().state).toBe('PreparingRebalance')
    expect(harness.group().rebalance).toMatchObject({ memberId: first, reason: 'a member left; client reason: shutting down' })
    expect([...harness.group().members.keys()]).toEqual([second, third])
  })

  it('has one error for the one member of old versions', async () => {
    const harness = new ClassicHarness()
    for (let version = 0; version < 3; version++) {
      const { memberIds } = await harness.stable(1)
      expect((await harness.leave([{ memberId: 'nobody' }], { version })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
      expect((await harness.leave([{ memberId: memberIds[0] ?? '' }], { version })).errorCode).toBe(0)
      expect(harness.group().state).toBe('Empty')
    }
    expect((await harness.leave([{ memberId: 'm' }], { version: 2, groupId: 'other' })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('knows no members of groups that are not there', async () => {
    const harness = new ClassicHarness()
    expect(await harness.leave([{ memberId: 'm' }])).toMatchObject({ errorCode: 0, members: [{ errorCode: ErrorCode.UNKNOWN_MEMBER_ID }] })
    expect((await harness.leave([], { groupId: '' })).errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
  })

  it('removes static members by their instance id alone, and fences others', async () => {
    const harness = new ClassicHarness()
    const joined = harness.join({ instance: 'i' })
    harness.test.clock.advance(0)
    const { memberId } = await joined
    const errorsOf = async (...members: Parameters<ClassicHarness['leave']>[0]) =>
      (await harness.leave(members)).members.map(({ errorCode }) => errorCode)
    expect(await errorsOf({ memberId: 'other', instance: 'i' }, { instance: 'j' }, {})).toEqual([
      ErrorCode.FENCED_INSTANCE_ID,
      ErrorCode.UNKNOWN_MEMBER_ID,
      ErrorCode.UNKNOWN_MEMBER_ID,
    ])
    expect(await errorsOf({ instance: 'i' }, { memberId, instance: 'i' })).toEqual([0, ErrorCode.UNKNOWN_MEMBER_ID])
    expect(harness.group().state).toBe('Empty')
  })

  it('takes back ids, for which nobody waits any more', async () => {
    const harness = new ClassicHarness()
    const { memberIds } = await harness.stable(1)
    const { memberId } = await harness.join()
    const rejoined = harness.join({ memberId: memberIds[0] ?? '' })
    expect(await outcomeOf(rejoined)).toBeUndefined()
    expect((await harness.leave([{ memberId }])).members[0]?.errorCode).toBe(0)
    expect((await rejoined).generationId).toBe(2)
  })

  it('does not disturb a stable group for an id', async () => {
    const harness = new ClassicHarness()
    await harness.stable(1)
    const { memberId } = await harness.join()
    await harness.leave([{ memberId }])
    expect(harness.group()).toMatchObject({ state: 'Stable', generation: 1 })
  })

  it('answers who waits and is removed', async () => {
    const harness = new ClassicHarness()
    const { memberIds, generation } = await harness.stable(2)
    const [leader = '', follower = ''] = memberIds
    const joining = harness.join({ memberId: leader })
    await harness.leave([{ memberId: leader }])
    expect(await joining).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: '' })
    const rejoined = await harness.join({ memberId: follower })
    expect(rejoined.generationId).toBe(generation + 1)
    const other = harness.join({ version: 3 })
    const again = await harness.join({ memberId: follower })
    const { memberId } = await other
    const syncing = harness.sync({ memberId, generation: again.generationId })
    await harness.leave([{ memberId }])
    expect((await syncing).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('becomes empty with a record when the last one leaves, and begins anew with the next generation', async () => {
    const harness = new ClassicHarness()
    const { memberIds } = await harness.stable(2)
    await harness.leave(memberIds.map(memberId => ({ memberId })))
    expect(harness.group()).toMatchObject({ state: 'Empty', generation: 2, leaderId: null })
    expect(harness.test.log.records.at(-1)?.value).toMatchObject({ generation: 2, members: [], leader: null })
    expect(harness.test.rebalances.at(-1)).toMatchObject({ generation: 2, reason: 'a member left', memberId: memberIds[0] })
    expect((await harness.stable(1)).generation).toBe(3)
  })
})
