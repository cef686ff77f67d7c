// Groups on a whole broker: found, committed to, and there again however the broker ended.
import {
  createTopicsApi,
  deleteTopicsApi,
  ErrorCode,
  findCoordinatorApi,
  joinGroupApi,
  listGroupsApi,
  offsetCommitApi,
  offsetFetchApi,
  seededRandom,
} from '@ottla/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { type Ending, SimulatedBroker } from '../broker-simulation.ts'

const { COORDINATOR_LOAD_IN_PROGRESS, NONE, NOT_COORDINATOR } = ErrorCode
const endings: readonly Ending[] = ['stop', 'kill', 'power loss']

let broker: SimulatedBroker | undefined
afterEach(() => broker?.close())

async function start(seed = 1): Promise<SimulatedBroker> {
  broker = await SimulatedBroker.start(seed)
  const topics = [{ name: 'orders', numPartitions: 5, replicationFactor: 1, assignments: [], configs: [] }]
  await broker.ask(createTopicsApi, 7, { topics })
  return broker
}

/** Offsets by partition, as a client that has no member commits them; asks again while the coordinator loads. */
async function commit(to: SimulatedBroker, groupId: string, offsets: ReadonlyMap<number, number>): Promise<number> {
  const partitions = Array.from(offsets, ([partitionIndex, committedOffset]) => ({
    partitionIndex,
    committedOffset,
    committedMetadata: 'note',
  }))
  const request = { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: 'orders', partitions }] }
  const answer = await to.ask(offsetCommitApi, 8, request)
  const codes = new Set(answer?.topics.flatMap(topic => topic.partitions.map(({ errorCode }) => errorCode)))
  expect(codes.size).toBe(1)
  const [code = -1] = codes
  if (code !== COORDINATOR_LOAD_IN_PROGRESS && code !== NOT_COORDINATOR) return code
  await new Promise(resolve => setImmediate(resolve))
  return commit(to, groupId, offsets)
}

async function committed(by: SimulatedBroker, groupId: string): Promise<Map<number, number>> {
  const answer = await by.ask(offsetFetchApi, 8, { groups: [{ groupId, topics: null }], requireStable: true })
  const group = answer?.groups[0]
  if (group?.errorCode === COORDINATOR_LOAD_IN_PROGRESS || group?.errorCode === NOT_COORDINATOR) {
    await new Promise(resolve => setImmediate(resolve))
    return committed(by, groupId)
  }
  expect(group?.errorCode).toBe(NONE)
  return new Map(group?.topics.flatMap(topic => topic.partitions.map(one => [one.partitionIndex, one.committedOffset] as const)))
}

describe('the coordinator of a group', () => {
  it('is found, and its topic made for that', async () => {
    const by = await start()
    expect(await by.ask(findCoordinatorApi, 3, { key: 'group', keyType: 0 })).toMatchObject({
      errorCode: NONE,
      errorMessage: 'NONE',
      nodeId: 1,
      host: 'here',
      port: 9092,
    })
    const several = await by.ask(findCoordinatorApi, 6, { keyType: 0, coordinatorKeys: ['a', 'b'] })
    expect(several?.coordinators).toEqual(
      ['a', 'b'].map(key => ({ key, nodeId: 1, host: 'here', port: 9092, errorCode: NONE, errorMessage: '' })),
    )
    const other = await by.ask(findCoordinatorApi, 4, { keyType: 2, coordinatorKeys: ['a'] })
    expect(other?.coordinators[0]).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, nodeId: -1 })
    const unknown = await by.ask(findCoordinatorApi, 1, { keyType: 9, key: 'a' })
    expect(unknown).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, nodeId: -1, port: -1 })
  })

  it('is there for who has found it', async () => {
    const by = await start()
    await by.ask(findCoordinatorApi, 3, { key: 'group', keyType: 0 })
    const partitions = [{ partitionIndex: 0, committedOffset: 4, committedMetadata: '' }]
    const request = { groupId: 'group', generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: 'orders', partitions }] }
    expect((await by.ask(offsetCommitApi, 8, request))?.topics[0]?.partitions[0]?.errorCode).toBe(NONE)
  })

  it('forgets what was committed for topics that are deleted', async () => {
    const by = await start()
    await by.ask(findCoordinatorApi, 3, { key: 'group', keyType: 0 })
    await commit(by, 'group', new Map([[1, 10]]))
    await by.ask(deleteTopicsApi, 5, { topicNames: ['orders'], timeoutMs: 1000 })
    expect(await committed(by, 'group')).toEqual(new Map())
  })

  it('answers who waits for others when it stops', async () => {
    const by = await start()
    await by.ask(findCoordinatorApi, 3, { key: 'group', keyType: 0 })
    await commit(by, 'other', new Map([[0, 1]]))
    const request = { groupId: 'group', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', protocolType: 'consumer' }
    const joining = by.ask(joinGroupApi, 3, { ...request, protocols: [{ name: 'range', metadata: Buffer.alloc(0) }] })
    await new Promise(resolve => setImmediate(resolve))
    await by.restart('stop')
    expect((await joining)?.errorCode).toBe(NOT_COORDINATOR)
    expect((await by.ask(listGroupsApi, 5, {}))?.errorCode).toBeTypeOf('number')
  })
})

describe('what was committed', () => {
  it.each(endings)('survives a %s', async ending => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = seededRandom(seed)
      const by = await start(seed)
      await by.ask(findCoordinatorApi, 3, { key: 'group', keyType: 0 })
      const model = new Map<string, Map<number, number>>()
      for (let life = 0; life < 3; life++) {
        for (let step = 0; step < 15; step++) {
          const group = `group-${Math.floor(random.next() * 4)}`
          const offsets = new Map([[Math.floor(random.next() * 5), Math.floor(random.next() * 1000)]])
          expect(await commit(by, group, offsets)).toBe(NONE)
          model.set(group, new Map([...(model.get(group) ?? []), ...offsets]))
        }
        await by.restart(ending)
        for (const [group, offsets] of model) expect(await committed(by, group), `seed ${seed}`).toEqual(offsets)
      }
      await by.close()
      broker = undefined
    }
  })
})
