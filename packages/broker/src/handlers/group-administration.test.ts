import { answered } from '@ottla/coordinator'
import {
  consumerGroupDescribeApi,
  deleteGroupsApi,
  describeGroupsApi,
  type DescribeGroupsResponseInit,
  ErrorCode,
  KafkaError,
  listGroupsApi,
} from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GROUP_OPERATIONS, NOT_ASKED } from './authorized-operations.ts'
import { TestGroups } from './group-testing.ts'

let test: TestGroups
beforeEach(async () => {
  test = await TestGroups.open()
})
afterEach(() => test.close())

const fail = (code: number): never => {
  throw new KafkaError(code)
}

/** Lists while the first partitions answer these errors; 0 is no error. */
const list = (...codes: number[]) => {
  const left = [...codes]
  test.service.commands = { list: () => (left[0] === 0 ? answered([]) : fail(left.shift() ?? 0)) }
  return test.ask(listGroupsApi, 4, {})
}

describe('ListGroups', () => {
  it('lists the groups of all partitions', async () => {
    let number = 0
    test.service.commands = {
      list: ({ states, types }) =>
        answered([{ groupId: `g${++number}`, protocolType: 'consumer', groupState: [...states].join(), groupType: [...types].join() }]),
    }
    expect(await test.ask(listGroupsApi, 5, { statesFilter: ['Stable ', 'STABLE'], typesFilter: ['Classic'] })).toMatchObject({
      errorCode: 0,
      groups: [
        { groupId: 'g1', groupState: 'stable', groupType: 'classic' },
        { groupId: 'g2', groupState: 'stable', groupType: 'classic' },
      ],
    })
    expect((await test.ask(listGroupsApi, 0, {})).groups).toHaveLength(2)
  })

  it('has no groups of a partition that went elsewhere, but is not silent about one that loads', async () => {
    expect(await list(ErrorCode.NOT_COORDINATOR, 0)).toMatchObject({ errorCode: 0, groups: [] })
    expect(await list(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, 0)).toMatchObject({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS })
  })
})

const described = (groupId: string): DescribeGroupsResponseInit['groups'][number] => ({
  errorCode: 0,
  groupId,
  groupState: 'Stable',
  protocolType: 'consumer',
  protocolData: 'range',
  members: [],
})
const missing = (groupId: string): DescribeGroupsResponseInit['groups'][number] => ({
  ...described(groupId),
  groupState: 'Dead',
  errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
  errorMessage: 'not here',
})

describe('DescribeGroups', () => {
  it('asks once for each partition, and answers in order, each group once', async () => {
    test.service.commands = { describeClassic: ids => answered(ids.toReversed().map(described)) }
    const { groups } = await test.ask(describeGroupsApi, 6, { groups: ['b', 'aa', 'c', 'b', ''] })
    expect(groups.map(({ groupId }) => groupId)).toEqual(['b', 'aa', 'c', ''])
    expect(test.service.asked.toSorted()).toEqual(['aa', 'b'])
  })

  it('calls a group that is not there dead, and missing from version 6 on', async () => {
    test.service.commands = { describeClassic: ids => answered(ids.map(missing)) }
    const { groups } = await test.ask(describeGroupsApi, 6, { groups: ['g'] })
    expect(groups[0]).toMatchObject({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: 'not here', groupState: 'Dead' })
    const older = await test.ask(describeGroupsApi, 5, { groups: ['g'], includeAuthorizedOperations: true })
    expect(older.groups[0]).toMatchObject({ errorCode: 0, groupState: 'Dead', authorizedOperations: GROUP_OPERATIONS })
  })

  it('says who may do what where it is asked for', async () => {
    test.service.commands = { describeClassic: ids => answered(ids.map(id => (id === 'g' ? described(id) : missing(id)))) }
    const ask = async (includeAuthorizedOperations: boolean) => {
      const { groups } = await test.ask(describeGroupsApi, 6, { groups: ['g', 'h'], includeAuthorizedOperations })
      return groups.map(({ authorizedOperations }) => authorizedOperations)
    }
    expect(await ask(true)).toEqual([3400, NOT_ASKED])
    expect(await ask(false)).toEqual([NOT_ASKED, NOT_ASKED])
  })

  it('answers for the groups of one partition what went wrong with it', async () => {
    test.service.commands = { describeClassic: ids => (ids.includes('g') ? fail(ErrorCode.NOT_COORDINATOR) : answered(ids.map(described))) }
    const { groups } = await test.ask(describeGroupsApi, 4, { groups: ['g', 'hh'] })
    expect(groups.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.NOT_COORDINATOR, 0])
  })
})

it('describes consumer groups only where the cluster knows them', async () => {
  const { groups } = await test.ask(consumerGroupDescribeApi, 1, { groupIds: ['g', ''], includeAuthorizedOperations: true })
  expect(groups.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.UNSUPPORTED_VERSION, ErrorCode.UNSUPPORTED_VERSION])
})

it('deletes groups, also the one without a name', async () => {
  test.service.commands = {
    delete: ids => {
      if (ids.includes('odd')) return fail(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
      return answered(ids.map(groupId => ({ groupId, errorCode: groupId === 'full' ? ErrorCode.NON_EMPTY_GROUP : 0 })))
    },
  }
  const { results } = await test.ask(deleteGroupsApi, 2, { groupsNames: ['full', '', 'odd', 'full'] })
  expect(results).toEqual([
    { groupId: 'full', errorCode: ErrorCode.NON_EMPTY_GROUP },
    { groupId: '', errorCode: 0 },
    { groupId: 'odd', errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS },
  ])
})
