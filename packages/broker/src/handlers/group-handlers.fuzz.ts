// Whatever clients ask of groups, in whatever version and order: each request is answered, at the latest when the broker stops, and what the
// answer is made of fits its version; none of them says that the broker itself is at a loss.
import {
  type AnyApi,
  consumerGroupDescribeApi,
  consumerGroupHeartbeatApi,
  createTopicsApi,
  deleteGroupsApi,
  describeGroupsApi,
  findCoordinatorApi,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  listGroupsApi,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  syncGroupApi,
  ZERO_UUID,
} from '@ottla/protocol'
import * as fc from 'fast-check'
import { describe, it } from 'vitest'
import { SimulatedBroker } from '../broker-simulation.ts'

const SUBSCRIPTION = Buffer.from('000100000001000174ffffffff00000000', 'hex')
const ASSIGNMENT = Buffer.from('0001000000010001740000000100000000ffffffff', 'hex')
const UNKNOWN_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** Stands for the member id that was given out last. */
const LAST = 'last'

const LONG = 'x'.repeat(32_767)

const groupId = fc.constantFrom('a', 'a', 'a', 'b', 'b', '', LONG)
const memberId = fc.oneof({ weight: 3, arbitrary: fc.constant(LAST) }, fc.constantFrom('', 'm', LONG))
const instanceId = fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, fc.constantFrom('i', ''))
const number = (...usual: number[]) =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...usual) }, fc.constantFrom(-2_147_483_648, 2_147_483_647, -1))
const bytes = fc.oneof(
  fc.constantFrom(SUBSCRIPTION, ASSIGNMENT, Buffer.alloc(0)),
  fc.uint8Array({ maxLength: 20 }).map(one => Buffer.from(one)),
)
const topicName = fc.constantFrom('t', 't', 't', 'none', '')
const topicId = fc.constantFrom(UNKNOWN_ID, ZERO_UUID)
const partition = number(0, 1, 2)
const some = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 3 })
const protocolType = fc.constantFrom('consumer', 'consumer', 'connect', '')
const protocolName = fc.constantFrom('range', 'range', 'other', '')
const nullable = <T>(one: fc.Arbitrary<T>) => fc.option(one, { freq: 3 })
const memberEpoch = number(0, 1, 2, -1, -2)

/** Requests of one API in one version, with all that this version knows. */
type Bodies = (version: number) => fc.Arbitrary<object>

const join: Bodies = version =>
  fc.record({
    groupId,
    memberId,
    protocolType,
    reason: nullable(fc.constant('why')),
    sessionTimeoutMs: number(10_000, 6000),
    rebalanceTimeoutMs: number(20_000, 0),
    groupInstanceId: version >= 5 ? instanceId : fc.constant(null),
    protocols: some(fc.record({ name: protocolName, metadata: bytes })),
  })

const sync: Bodies = version =>
  fc.record({
    groupId,
    memberId,
    generationId: number(0, 1, 2),
    groupInstanceId: version >= 3 ? instanceId : fc.constant(null),
    protocolType: version >= 5 ? nullable(protocolType) : fc.constant(null),
    protocolName: version >= 5 ? nullable(protocolName) : fc.constant(null),
    assignments: some(fc.record({ memberId, assignment: bytes })),
  })

const heartbeat: Bodies = version =>
  fc.record({ groupId, memberId, generationId: number(0, 1, 2), groupInstanceId: version >= 3 ? instanceId : fc.constant(null) })

const leave: Bodies = version =>
  version < 3
    ? fc.record({ groupId, memberId })
    : fc.record({ groupId, members: some(fc.record({ memberId, groupInstanceId: instanceId })) })

const commit: Bodies = version =>
  fc.record({
    groupId,
    memberId,
    generationIdOrMemberEpoch: number(-1, 0, 1, 2),
    groupInstanceId: version >= 7 ? instanceId : fc.constant(null),
    retentionTimeMs: number(-1, 1000),
    topics: some(
      fc.record({
        name: topicName,
        topicId,
        partitions: some(
          fc.record({
            partitionIndex: partition,
            committedOffset: number(0, 5),
            committedLeaderEpoch: number(0),
            committedMetadata: nullable(fc.constantFrom('', 'note', 'x'.repeat(5000))),
          }),
        ),
      }),
    ),
  })

const fetch: Bodies = version => {
  const requireStable = version >= 7 ? fc.boolean() : fc.constant(false)
  const topic = { name: topicName, topicId, partitionIndexes: some(partition) }
  if (version >= 8) {
    const topics = nullable(some(fc.record(topic)))
    return fc.record({ requireStable, groups: some(fc.record({ groupId, memberId: nullable(memberId), memberEpoch, topics })) })
  }
  const topics = some(fc.record({ name: topicName, partitionIndexes: some(partition) }))
  return fc.record({ requireStable, groupId, topics: version >= 2 ? nullable(topics) : topics })
}

const consumerHeartbeat: Bodies = version =>
  fc.record({
    groupId,
    memberId,
    memberEpoch,
    instanceId,
    rackId: nullable(fc.constant('r')),
    rebalanceTimeoutMs: number(10_000, -1),
    subscribedTopicNames: nullable(some(topicName)),
    subscribedTopicRegex: version >= 1 ? nullable(fc.constantFrom('t.*', '(', '')) : fc.constant(null),
    serverAssignor: nullable(fc.constantFrom('range', 'none')),
    topicPartitions: nullable(some(fc.record({ topicId, partitions: some(partition) }))),
  })

/** One that is as it should be. */
const consumerJoin: Bodies = () =>
  fc.record({
    groupId,
    memberId: fc.constantFrom(LAST, 'm'),
    memberEpoch: fc.constant(0),
    instanceId: nullable(fc.constant('i')),
    rebalanceTimeoutMs: fc.constant(10_000),
    subscribedTopicNames: fc.constant(['t']),
    topicPartitions: fc.constant([]),
  })

const offsetsToDelete: Bodies = () =>
  fc.record({ groupId, topics: some(fc.record({ name: topicName, partitions: some(fc.record({ partitionIndex: partition })) })) })

const filters: Bodies = version => {
  const statesFilter = version >= 4 ? some(fc.constantFrom('Stable', 'empty', '?')) : fc.constant([])
  return fc.record({ statesFilter, typesFilter: version >= 5 ? some(fc.constantFrom('classic', 'Consumer')) : fc.constant([]) })
}

const kinds: readonly { readonly api: AnyApi; readonly newest: number; readonly oldest?: number; readonly bodies: Bodies }[] = [
  { api: joinGroupApi, newest: 9, bodies: join },
  { api: joinGroupApi, newest: 9, bodies: join },
  { api: syncGroupApi, newest: 5, bodies: sync },
  { api: heartbeatApi, newest: 4, bodies: heartbeat },
  { api: leaveGroupApi, newest: 5, bodies: leave },
  { api: offsetCommitApi, oldest: 2, newest: 10, bodies: commit },
  { api: offsetFetchApi, oldest: 1, newest: 10, bodies: fetch },
  { api: offsetDeleteApi, newest: 0, bodies: offsetsToDelete },
  { api: listGroupsApi, newest: 5, bodies: filters },
  {
    api: describeGroupsApi,
    newest: 6,
    bodies: version => fc.record({ groups: some(groupId), includeAuthorizedOperations: version >= 3 ? fc.boolean() : fc.constant(false) }),
  },
  { api: deleteGroupsApi, newest: 2, bodies: () => fc.record({ groupsNames: some(groupId) }) },
  {
    api: consumerGroupDescribeApi,
    newest: 1,
    bodies: () => fc.record({ groupIds: some(groupId), includeAuthorizedOperations: fc.boolean() }),
  },
  { api: consumerGroupHeartbeatApi, newest: 1, bodies: consumerHeartbeat },
  { api: consumerGroupHeartbeatApi, newest: 1, bodies: consumerJoin },
]

type Step = { readonly api: AnyApi; readonly version: number; readonly body: object } | { readonly waitMs: number } | 'stop' | 'kill'

const request: fc.Arbitrary<Step> = fc
  .constantFrom(...kinds)
  .chain(kind => fc.tuple(fc.constant(kind), fc.integer({ min: kind.oldest ?? 0, max: kind.newest })))
  .chain(([{ api, bodies }, version]) => bodies(version).map(body => ({ api, version, body })))
const wait: fc.Arbitrary<Step> = fc.constantFrom(100, 3000, 12_000, 400_000).map(waitMs => ({ waitMs }))
const step = fc.oneof(
  { weight: 20, arbitrary: request },
  { weight: 4, arbitrary: wait },
  { weight: 1, arbitrary: fc.constantFrom<Step>('stop', 'kill') },
)

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** Member ids are made by the broker: `LAST` stands for the last of them. */
function withMember(value: unknown, last: string): unknown {
  if (value === LAST) return last
  if (Array.isArray(value)) return value.map(one => withMember(one, last))
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withMember(one, last)]))
}

async function live(steps: readonly Step[]): Promise<void> {
  const broker = await SimulatedBroker.start(1)
  const topic = { name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  await broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
  await broker.ask(findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: ['a'] })
  let last = ''
  let failure: Error | undefined
  const waiting: Promise<void>[] = []
  const ask = async (api: AnyApi, version: number, body: object): Promise<void> => {
    try {
      const answer = await broker.ask(api, version, { ...body })
      // A consumer group that cannot read what a classic member subscribes to says so, as Kafka's does.
      if (api !== joinGroupApi && JSON.stringify(answer).includes('rorCode":-1'))
        throw new Error('this was not to be expected by the broker either')
      const member: unknown = Object.entries(answer ?? {}).find(([name]) => name === 'memberId')?.[1]
      if (typeof member === 'string' && member !== '') last = member
    } catch (error) {
      failure ??= new Error(`${api.name} ${version} ${JSON.stringify(body).replaceAll(LONG, 'LONG')}`, { cause: error })
    }
  }
  for (const one of steps) {
    if (one === 'stop' || one === 'kill') await broker.restart(one)
    else if ('waitMs' in one) broker.clock.advance(one.waitMs)
    else waiting.push(ask(one.api, one.version, Object(withMember(one.body, last))))
    await settle()
  }
  await broker.close()
  await Promise.all(waiting)
  if (failure !== undefined) throw failure
}

describe('requests about groups', () => {
  it('are all answered', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), live))
  })
})
