import { ErrorCode } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { GroupAdministration, normalizedState, normalizedType } from './administration.ts'
import { allOffsets, caller, commitOf, offsetsUnderTest, replyOf } from './offsets/testing.ts'

const administered = () => {
  const test = offsetsUnderTest()
  const { world, groups, offsets } = test
  const administration = new GroupAdministration(world, {
    groups,
    offsets,
    describeClassic: ({ kind, groupId, state: groupState }) =>
      kind === 'classic' ? { errorCode: 0, groupId, groupState, protocolType: 'consumer', protocolData: 'range', members: [] } : undefined,
    describeConsumer: ({ kind, groupId, state: groupState }) =>
      kind === 'consumer'
        ? { errorCode: 0, groupId, groupState, groupEpoch: 1, assignmentEpoch: 1, assignorName: 'uniform', members: [] }
        : undefined,
  })
  return { ...test, administration }
}

describe('the list of groups', () => {
  it('has all, or those of some states and types', () => {
    const { administration, group } = administered()
    const stable = group('stable', 'consumer')
    stable.state = 'Stable'
    stable.protocolType = 'consumer'
    group('moving').state = 'PreparingRebalance'
    group('empty')
    const list = (statesFilter: string[], typesFilter: string[]) =>
      replyOf(
        administration.list({ states: new Set(statesFilter.map(normalizedState)), types: new Set(typesFilter.map(normalizedType)) }),
      ).map(({ groupId }) => groupId)
    expect(replyOf(administration.list({ states: new Set<string>(), types: new Set<string>() }))).toEqual([
      { groupId: 'stable', protocolType: 'consumer', groupState: 'Stable', groupType: 'consumer' },
      { groupId: 'moving', protocolType: '', groupState: 'PreparingRebalance', groupType: 'classic' },
      { groupId: 'empty', protocolType: '', groupState: 'Empty', groupType: 'classic' },
    ])
    expect(list([' sTABLE ', 'empty'], [])).toEqual(['stable', 'empty'])
    expect(list(['preparingrebalance', 'nonsense'], [])).toEqual(['moving'])
    expect(list(['nonsense'], [])).toEqual([])
    expect(list([], ['Classic'])).toEqual(['moving', 'empty'])
    expect(list(['Stable'], ['classic'])).toEqual([])
    expect(list([], ['share'])).toEqual([])
  })
})

describe('descriptions', () => {
  it('of classic groups call dead what is none', () => {
    const { administration, group } = administered()
    group('classic')
    group('consumer', 'consumer')
    const dead = { groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
    const [described, ...others] = replyOf(administration.describeClassic(['classic', 'consumer', 'nobody']))
    expect(described).toMatchObject({ errorCode: 0, groupState: 'Empty', protocolData: 'range' })
    const errorCode = ErrorCode.GROUP_ID_NOT_FOUND
    expect(others).toEqual([
      { ...dead, groupId: 'consumer', errorCode, errorMessage: 'Group consumer is not a classic group.' },
      { ...dead, groupId: 'nobody', errorCode, errorMessage: 'Group nobody not found.' },
    ])
  })

  it('of consumer groups say what is none', () => {
    const { administration, group } = administered()
    group('classic')
    group('consumer', 'consumer')
    const [described, ...others] = replyOf(administration.describeConsumer(['consumer', 'classic', 'nobody', '']))
    expect(described).toMatchObject({ errorCode: 0, assignorName: 'uniform' })
    const errorCode = ErrorCode.GROUP_ID_NOT_FOUND
    expect(others).toMatchObject([
      { groupId: 'classic', errorCode, errorMessage: 'Group classic is not a consumer group.' },
      { groupId: 'nobody', errorCode, errorMessage: 'Group nobody not found.' },
      { groupId: '', errorCode: ErrorCode.INVALID_GROUP_ID },
    ])
  })
})

describe('deletion of groups', () => {
  it('takes the first ones where they have very many offsets', async () => {
    const { administration, offsets, decide } = administered()
    const partitions = Object.fromEntries(Array.from({ length: 900 }, (_, partition) => [partition, 1]))
    for (const groupId of ['a', 'b']) await decide(offsets.commit(commitOf(groupId, { t: partitions }), caller()))
    expect(await decide(administration.delete(['nobody', 'a', 'b']))).toMatchObject([{ groupId: 'nobody' }, { groupId: 'a', errorCode: 0 }])
    expect(await decide(administration.delete(['b']))).toMatchObject([{ groupId: 'b', errorCode: 0 }])
  })

  it('takes offsets and group in one batch, and answers each group', async () => {
    const { administration, group, groups, offsets, decide, lines } = administered()
    for (const groupId of ['a', 'b']) await decide(offsets.commit(commitOf(groupId, { t: { 0: 1, 1: 2 } }), caller()))
    group('busy').refusal = ErrorCode.NON_EMPTY_GROUP
    const decision = administration.delete(['a', 'busy', 'nobody', 'a'])
    expect(decision.records).toHaveLength(3)
    expect(await decide(decision)).toEqual([
      { groupId: 'a', errorCode: 0 },
      { groupId: 'busy', errorCode: ErrorCode.NON_EMPTY_GROUP },
      { groupId: 'nobody', errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
    ])
    expect([...groups.keys()]).toEqual(['b', 'busy'])
    expect(allOffsets(offsets, 'a')).toEqual({})
    expect(lines.at(-1)?.fields).toEqual({ groups: ['a'], count: 1, offsets: 2 })
  })
})
