// Groups of a whole broker: what clients ask of them, in the versions of old and new clients, and what is left of it after a crash.
import {
  consumerGroupDescribeApi,
  consumerGroupHeartbeatApi,
  createTopicsApi,
  deleteGroupsApi,
  describeGroupsApi,
  ErrorCode,
  findCoordinatorApi,
  heartbeatApi,
  incrementalAlterConfigsApi,
  joinGroupApi,
  leaveGroupApi,
  listGroupsApi,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  syncGroupApi,
} from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SimulatedBroker } from '../broker-simulation.ts'
import { ResourceType } from './config-resources.ts'

const { UNKNOWN_MEMBER_ID, MEMBER_ID_REQUIRED, NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, ILLEGAL_GENERATION } = ErrorCode
const SUBSCRIPTION = Buffer.from('000100000001000174ffffffff00000000', 'hex')
const ASSIGNMENT = Buffer.from('0001000000010001740000000100000000ffffffff', 'hex')

let broker: SimulatedBroker
beforeEach(async () => {
  broker = await SimulatedBroker.start(1)
  const topic = { name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  await broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
  await findCoordinator('g')
})
afterEach(() => broker.close())

/** Waits until the coordinator of a group is there. */
async function findCoordinator(group: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await broker.ask(findCoordinatorApi, 6, { keyType: 0, coordinatorKeys: [group] })
    if (answer?.coordinators[0]?.errorCode === 0) {
      const listed = await broker.ask(listGroupsApi, 5, { statesFilter: [], typesFilter: [] })
      if (listed?.errorCode === 0) return
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  throw new Error('there is no coordinator')
}

const join = (memberId: string, groupInstanceId: string | null = null) =>
  broker.ask(joinGroupApi, 9, {
    groupId: 'g',
    memberId,
    groupInstanceId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 20_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: SUBSCRIPTION }],
  })

/** One member that has joined alone, and its assignment. */
async function joined(): Promise<string> {
  const first = await join('')
  expect(first?.errorCode).toBe(MEMBER_ID_REQUIRED)
  const memberId = first?.memberId ?? ''
  const waiting = join(memberId)
  await settle()
  broker.clock.advance(3000)
  expect(await waiting).toMatchObject({ errorCode: 0, generationId: 1, leader: memberId, protocolName: 'range' })
  const sync = await broker.ask(syncGroupApi, 5, {
    groupId: 'g',
    generationId: 1,
    memberId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId, assignment: ASSIGNMENT }],
  })
  expect(sync).toMatchObject({ errorCode: 0, assignment: ASSIGNMENT })
  return memberId
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
}

const commit = async (version: number, offsets: readonly number[], member: { memberId: string; generationIdOrMemberEpoch: number }) => {
  const partitions = offsets.map((committedOffset, partitionIndex) => ({ partitionIndex, committedOffset, committedMetadata: 'note' }))
  const answer = await broker.ask(offsetCommitApi, version, { groupId: 'g', ...member, topics: [{ name: 't', partitions }] })
  return answer?.topics[0]?.partitions.map(({ errorCode }) => errorCode)
}
const nobody = { memberId: '', generationIdOrMemberEpoch: -1 }

const fetched = async () => {
  const answer = await broker.ask(offsetFetchApi, 9, { groups: [{ groupId: 'g', topics: null }], requireStable: true })
  return answer?.groups[0]?.topics.flatMap(({ partitions }) => partitions.map(one => `${one.partitionIndex}:${one.committedOffset}`))
}

describe('a classic group', () => {
  it('is joined, described, listed and left', async () => {
    const memberId = await joined()
    const beat = { groupId: 'g', generationId: 1, memberId }
    expect((await broker.ask(heartbeatApi, 4, beat))?.errorCode).toBe(0)
    expect((await broker.ask(heartbeatApi, 0, { ...beat, generationId: 2 }))?.errorCode).toBe(ILLEGAL_GENERATION)
    const described = await broker.ask(describeGroupsApi, 6, { groups: ['g'], includeAuthorizedOperations: true })
    expect(described?.groups[0]).toMatchObject({
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      authorizedOperations: 3400,
      members: [{ memberId, clientId: 'simulation', clientHost: '/127.0.0.1', memberMetadata: SUBSCRIPTION, memberAssignment: ASSIGNMENT }],
    })
    const listed = await broker.ask(listGroupsApi, 5, { statesFilter: ['stable'], typesFilter: ['classic'] })
    expect(listed?.groups).toEqual([{ groupId: 'g', protocolType: 'consumer', groupState: 'Stable', groupType: 'classic' }])
    expect((await broker.ask(deleteGroupsApi, 2, { groupsNames: ['g'] }))?.results[0]?.errorCode).toBe(NON_EMPTY_GROUP)
    expect((await broker.ask(leaveGroupApi, 0, { groupId: 'g', memberId }))?.errorCode).toBe(0)
    expect((await broker.ask(leaveGroupApi, 2, { groupId: 'g', memberId }))?.errorCode).toBe(UNKNOWN_MEMBER_ID)
    expect((await broker.ask(listGroupsApi, 4, { statesFilter: ['Empty'] }))?.groups).toHaveLength(1)
  })

  it('keeps its members and offsets through a crash', async () => {
    const memberId = await joined()
    expect(await commit(9, [5, 6], { memberId, generationIdOrMemberEpoch: 1 })).toEqual([0, 0])
    expect(await commit(2, [7, 7], nobody)).toEqual([UNKNOWN_MEMBER_ID, UNKNOWN_MEMBER_ID])
    await broker.restart('power loss')
    await findCoordinator('g')
    expect((await broker.ask(heartbeatApi, 4, { groupId: 'g', generationId: 1, memberId }))?.errorCode).toBe(0)
    expect(await fetched()).toEqual(['0:5', '1:6'])
  })

  it('answers who waits when the broker stops', async () => {
    const first = await join('')
    const waiting = join(first?.memberId ?? '')
    await settle()
    await broker.restart('stop')
    expect((await waiting)?.errorCode).toBe(ErrorCode.NOT_COORDINATOR)
  })

  it('loses offsets and itself when it is told to', async () => {
    expect(await commit(2, [5, 6, 7], nobody)).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0, 0])
    expect(await fetched()).toEqual(['0:5', '1:6'])
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] }]
    const deleted = await broker.ask(offsetDeleteApi, 0, { groupId: 'g', topics })
    expect(deleted?.topics[0]?.partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])).toEqual([
      [9, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [0, 0],
    ])
    expect(await fetched()).toEqual(['1:6'])
    const gone = await broker.ask(deleteGroupsApi, 0, { groupsNames: ['g', 'h', ''] })
    expect(gone?.results.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
      ['g', 0],
      ['h', GROUP_ID_NOT_FOUND],
      ['', GROUP_ID_NOT_FOUND],
    ])
    expect(await fetched()).toEqual([])
    const dead = await broker.ask(describeGroupsApi, 0, { groups: ['g'] })
    expect(dead?.groups[0]).toMatchObject({ errorCode: 0, groupState: 'Dead', members: [] })
  })
})

const beat = (memberEpoch: number, more: object = {}) =>
  broker.ask(consumerGroupHeartbeatApi, 1, { groupId: 'g', memberId: 'm1', memberEpoch, ...more })

describe('a consumer group', () => {
  const first = { rebalanceTimeoutMs: 10_000, subscribedTopicNames: ['t'], topicPartitions: [] }

  it('is joined, described and left', async () => {
    const answer = await beat(0, first)
    expect(answer).toMatchObject({ errorCode: 0, memberEpoch: 2, heartbeatIntervalMs: 5000 })
    expect(answer?.assignment?.topicPartitions[0]?.partitions).toEqual([0, 1])
    const described = await broker.ask(consumerGroupDescribeApi, 1, { groupIds: ['g', 'h', ''], includeAuthorizedOperations: true })
    expect(described?.groups.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
      ['g', 0],
      ['h', GROUP_ID_NOT_FOUND],
      ['', ErrorCode.INVALID_GROUP_ID],
    ])
    expect(described?.groups[0]).toMatchObject({
      groupState: 'Stable',
      groupEpoch: 2,
      assignorName: 'uniform',
      authorizedOperations: 3400,
    })
    expect(await commit(9, [1], { memberId: 'm1', generationIdOrMemberEpoch: 2 })).toEqual([0])
    expect(await beat(-1)).toMatchObject({ errorCode: 0, memberEpoch: -1 })
    expect(await beat(2)).toMatchObject({ errorCode: UNKNOWN_MEMBER_ID })
    expect(await beat(0)).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: 'RebalanceTimeoutMs must be provided in first request.',
    })
  })

  it('goes by its settings', async () => {
    const configs = [{ name: 'consumer.heartbeat.interval.ms', configOperation: 0, value: '7000' }]
    const resources = [{ resourceType: ResourceType.GROUP, resourceName: 'g', configs }]
    await broker.ask(incrementalAlterConfigsApi, 1, { resources, validateOnly: false })
    expect((await beat(0, first))?.heartbeatIntervalMs).toBe(7000)
  })
})
