// A classic member beside a scripted coordinator: answers that come at the wrong time, say things twice, or contradict each other.
import { ErrorCode, findCoordinatorApi, heartbeatApi, joinGroupApi, leaveGroupApi, offsetCommitApi, syncGroupApi } from '@ottla/protocol'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createCluster } from '../../../cluster/create-cluster.ts'
import { KafkaJSSASLAuthenticationError } from '../../../errors/index.ts'
import { eventually, optionsFor, ScriptedBroker } from '../../../network/testing.ts'
import { encodeAssignment, encodeSubscription, parseAssignment } from '../../assignors/consumer-protocol.ts'
import { cooperativeStickyAssigner } from '../../assignors/kafka-assigners.ts'
import { encodeGeneration } from '../../assignors/sticky/user-data.ts'
import type { Membership, TopicPartition } from '../../parts.ts'
import { createMembership, type MembershipOptions } from '../membership.ts'

interface World {
  readonly broker: ScriptedBroker
  readonly cluster: ReturnType<typeof createCluster>
  readonly membership: Membership
  /** As `+0` (assigned), `-0` (revoked), `!0` (lost), of topic a. */
  readonly told: string[]
  readonly errors: Error[]
}

const a0 = { topic: 'a', partition: 0 }

/** A member of a group that another one leads; its coordinator gives it partition 0 of topic a, and accepts no offsets. */
async function laid(options: Partial<MembershipOptions> = {}): Promise<World> {
  const broker = await ScriptedBroker.listening()
  broker.topics = ['a']
  const found = { nodeId: 1, host: '127.0.0.1', port: broker.port, errorCode: 0, errorMessage: null }
  broker.on(findCoordinatorApi, () => ({ coordinators: [{ key: 'g', ...found }] }))
  broker.on(joinGroupApi, () => joined({ memberId: `m${broker.asked.filter(name => name === 'JoinGroup').length}` }))
  broker.on(syncGroupApi, () => ({ errorCode: 0, assignment: encodeAssignment(1, [a0]) }))
  broker.on(heartbeatApi, () => ({ errorCode: 0 }))
  broker.on(leaveGroupApi, () => ({ errorCode: 0, members: [] }))
  const refused = [{ partitionIndex: 0, errorCode: ErrorCode.UNKNOWN_MEMBER_ID }]
  broker.on(offsetCommitApi, ({ request }) => ({
    topics: request.topics.map(({ name, topicId }) => ({ name, topicId, partitions: refused })),
  }))
  const cluster = createCluster(optionsFor(broker))
  const told: string[] = []
  const errors: Error[] = []
  const note = (sign: string) => async (partitions: readonly TopicPartition[]) => {
    for (const { partition } of partitions) told.push(sign + partition)
  }
  const listener = { assigned: note('+'), revoked: note('-'), lost: note('!'), failed: (error: Error) => void errors.push(error) }
  const settings = { groupId: 'g', heartbeatInterval: 20, subscription: { topics: ['a'] }, ...options }
  const membership = createMembership(cluster, settings, listener)
  onTestFinished(async () => {
    await membership.leave()
    await cluster.disconnect()
    await broker[Symbol.asyncDispose]()
  })
  await cluster.connect()
  return { broker, cluster, membership, told, errors }
}

const joined = ({ memberId, leader = 'other', protocolName = 'RoundRobinAssigner', members = [] }: Partial<Joined>) => ({
  errorCode: 0,
  generationId: 1,
  protocolType: 'consumer',
  protocolName,
  leader,
  memberId: memberId ?? 'm1',
  members,
})

interface Joined {
  readonly memberId: string
  readonly leader: string
  readonly protocolName: string
  readonly members: { memberId: string; groupInstanceId: null; metadata: Buffer }[]
}

test('nothing is taken of a generation that is over before its assignment comes', async () => {
  const { broker, membership, told } = await laid({ heartbeatInterval: 60_000 })
  const refusals: unknown[] = []
  broker.on(syncGroupApi, async ({ request }) => {
    if (request.memberId !== 'm1') return { errorCode: 0, assignment: encodeAssignment(1, [a0]) }
    await membership.commit([{ ...a0, offset: 1 }]).catch((error: unknown) => void refusals.push(error))
    return { errorCode: 0, assignment: encodeAssignment(1, [{ topic: 'a', partition: 7 }]) }
  })
  await membership.join()
  expect(refusals).toMatchObject([{ type: 'UNKNOWN_MEMBER_ID' }])
  expect(told).toEqual(['+0'])
  expect(membership.facts?.memberId).toBe('m2')
})

test('a partition that is named twice is told once', async () => {
  const { broker, membership, told } = await laid()
  broker.on(syncGroupApi, () => ({ errorCode: 0, assignment: encodeAssignment(1, [a0, a0]) }))
  await membership.join()
  expect(told).toEqual(['+0'])
  expect(membership.assignment).toEqual([a0])
})

test('a heartbeat that is given up because the member leaves is no error', async () => {
  const { broker, membership } = await laid()
  broker.on(heartbeatApi, () => null)
  await membership.join()
  await eventually(() => broker.asked.includes('Heartbeat'))
  const waiting = membership.heartbeat()
  await membership.leave()
  await expect(waiting).resolves.toBeUndefined()
})

test('a heartbeat that can never succeed ends the membership', async () => {
  const { cluster, membership, told, errors } = await laid()
  await membership.join()
  const refusal = new KafkaJSSASLAuthenticationError('The password was changed')
  const request = cluster.request.bind(cluster)
  vi.spyOn(cluster, 'request').mockImplementation((to, api, body, options) =>
    api.key === heartbeatApi.key ? Promise.reject(refusal) : request(to, api, body, options),
  )
  await eventually(() => errors.length > 0)
  expect(errors).toEqual([refusal])
  expect(told).toEqual(['+0', '!0'])
})

test('a leader copes with two members that claim the same partition in the same generation', async () => {
  const { broker, membership } = await laid({ partitionAssigners: [cooperativeStickyAssigner] })
  const claim = (topics: string[], generation: number): Buffer =>
    encodeSubscription(1, { topics, ownedPartitions: [a0], userData: encodeGeneration(generation) })
  const members = [
    { memberId: 'old', groupInstanceId: null, metadata: claim(['a'], 3) },
    { memberId: 'm1', groupInstanceId: null, metadata: claim(['a'], 4) },
  ]
  broker.on(joinGroupApi, () => joined({ leader: 'm1', memberId: 'm1', protocolName: 'cooperative-sticky', members }))
  const given: Record<string, readonly TopicPartition[]> = {}
  broker.on(syncGroupApi, ({ request }) => {
    for (const { memberId, assignment } of request.assignments) given[memberId] = parseAssignment(assignment).partitions
    return { errorCode: 0, assignment: encodeAssignment(1, given['m1'] ?? []) }
  })
  await membership.join()
  expect(given).toEqual({ m1: [a0], old: [] })
})
