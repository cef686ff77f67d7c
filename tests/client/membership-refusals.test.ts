// Memberships that cannot begin or go on, or end while they wait, and assigners of an application's own.
import { expect, test, vi } from 'vitest'
import { AssignerProtocol, type PartitionAssigner, PartitionAssigners } from '../../packages/client/src/consumer/assignors/index.ts'
import { startBroker } from './broker.ts'
import { assignerCluster } from '../../packages/client/src/consumer/assignors/assigner-cluster.ts'
import { commitOffsets } from '../../packages/client/src/consumer/group/offsets.ts'
import { clusterOf, createTopics, memberOf } from './membership-world.ts'

const { MemberAssignment, MemberMetadata } = AssignerProtocol

/** As KafkaJS's documentation shows it. */
const everythingToTheFirst: PartitionAssigner = ({ cluster }) => ({
  name: 'EverythingToTheFirst',
  version: 1,
  async assign({ members, topics }) {
    const [first] = members.map(({ memberId }) => memberId).toSorted()
    const assignment = Object.fromEntries(
      topics.map(topic => [topic, cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)]),
    )
    return [{ memberId: first ?? '', memberAssignment: MemberAssignment.encode({ version: 1, assignment }) }]
  },
  protocol({ topics }) {
    return { name: this.name, metadata: MemberMetadata.encode({ version: 1, topics, userData: Buffer.from('u') }) }
  },
})

const only: PartitionAssigner = config => ({ ...PartitionAssigners.cooperativeSticky(config), rebalanceProtocols: ['cooperative'] })

const throwing: PartitionAssigner = config => ({
  ...PartitionAssigners.range(config),
  assign: () => Promise.reject(new Error('no idea')),
})

test('an assigner of an application decides', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 2, b: 1 })
  const options = { partitionAssigners: [everythingToTheFirst], topics: ['a', 'b'] }
  await using first = memberOf(broker.bootstrap, options)
  await first.membership.join()
  await using second = memberOf(broker.bootstrap, options)
  await second.membership.join()
  await vi.waitFor(() => expect([first.owned(), second.owned()].toSorted()).toEqual(['', 'a0 a1 b0']), 20_000)
  expect(second.facts).toMatchObject({ groupProtocol: 'EverythingToTheFirst' })
})

test('an assigner may ask for offsets and for the coordinator', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 2, b: 1 })
  const cluster = clusterOf(broker.bootstrap)
  await cluster.connect()
  const asked = assignerCluster(cluster)
  const queries = [
    { topic: 'a', partitions: [{ partition: 1 }, { partition: 0 }], fromBeginning: true },
    { topic: 'b', partitions: [{ partition: 0 }], fromBeginning: false },
    { topic: 'a', partitions: [{ partition: 0 }], fromTimestamp: Date.now() },
  ]
  expect(await asked.fetchTopicsOffset(queries)).toEqual([
    {
      topic: 'a',
      partitions: [
        { partition: 1, offset: '0' },
        { partition: 0, offset: '0' },
      ],
    },
    { topic: 'b', partitions: [{ partition: 0, offset: '0' }] },
    { topic: 'a', partitions: [{ partition: 0, offset: '-1' }] },
  ])
  const [host, port] = broker.bootstrap.split(':')
  expect(await asked.findGroupCoordinatorMetadata({ groupId: 'g' })).toEqual({ nodeId: 1, host, port: Number(port) })
  await commitOffsets(cluster, 'g', [{ topic: 'a', partition: 1, offset: 7, metadata: 'm' }])
  const coordinator = await asked.findGroupCoordinator({ groupId: 'g' })
  const topics = [
    { topic: 'b', partitions: [] },
    { topic: 'a', partitions: [{ partition: 0 }, { partition: 1 }] },
  ]
  expect(await coordinator.offsetFetch({ groupId: 'g', topics })).toEqual({
    responses: [
      { topic: 'b', partitions: [] },
      {
        topic: 'a',
        partitions: [
          { partition: 0, offset: '-1', metadata: expect.toSatisfy(text => text === null || text === ''), errorCode: 0 },
          { partition: 1, offset: '7', metadata: 'm', errorCode: 0 },
        ],
      },
    ],
  })
  expect(await asked.findBroker({ nodeId: 1 })).toMatchObject({ nodeId: 1, host, port: Number(port), rack: null })
  await expect(asked.findBroker({ nodeId: 9 })).rejects.toMatchObject({ name: 'KafkaJSBrokerNotFound' })
  await cluster.disconnect()
})

test('a group that is full or has other assigners is not entered', async () => {
  await using broker = await startBroker({ 'group.max.size': '1' })
  await createTopics(broker.bootstrap, { a: 2 })
  await using first = memberOf(broker.bootstrap)
  await first.membership.join()
  await using second = memberOf(broker.bootstrap)
  await expect(second.membership.join()).rejects.toMatchObject({ type: 'GROUP_MAX_SIZE_REACHED' })
  await using roomy = await startBroker()
  await using one = memberOf(roomy.bootstrap)
  await one.membership.join()
  await using other = memberOf(roomy.bootstrap, { partitionAssigners: [PartitionAssigners.range] })
  await expect(other.membership.join()).rejects.toMatchObject({ type: 'INCONSISTENT_GROUP_PROTOCOL' })
  await using impatient = memberOf(roomy.bootstrap, { groupId: 'h', sessionTimeout: 1 })
  await expect(impatient.membership.join()).rejects.toMatchObject({ type: 'INVALID_SESSION_TIMEOUT' })
  expect([first, second, one, other, impatient].flatMap(({ errors }) => errors)).toEqual([])
})

test('assigners that do not go together are refused at once', async () => {
  await using broker = await startBroker()
  expect(() => memberOf(broker.bootstrap, { partitionAssigners: [] })).toThrow('at least one partition assigner')
  const twice = [PartitionAssigners.range, PartitionAssigners.range]
  expect(() => memberOf(broker.bootstrap, { partitionAssigners: twice })).toThrow('the same name')
  expect(() => memberOf(broker.bootstrap, { partitionAssigners: [only, PartitionAssigners.range] })).toThrow(
    'no rebalance protocol in common',
  )
})

test.each(['classic', 'consumer'] as const)('who leaves while it joins has left (%s)', async groupProtocol => {
  await using broker = await startBroker({ 'group.initial.rebalance.delay.ms': '30000' })
  await createTopics(broker.bootstrap, { a: 1 })
  await using member = memberOf(broker.bootstrap, { groupProtocol })
  const joined = member.membership.join()
  const outcome = joined.then(
    () => 'joined',
    (error: Error) => error.message,
  )
  await new Promise(resolve => setTimeout(resolve, 20))
  const startedAt = performance.now()
  await member.membership.leave()
  // Not only when the joining is answered, nor when the coordinator is given up.
  expect(performance.now() - startedAt).toBeLessThan(4_000)
  expect(['joined', 'The consumer has left its group']).toContain(await outcome)
  expect(member.owned()).toBe('')
  await expect(member.membership.join()).rejects.toThrow('A membership begins once')
})

test('an assigner that throws ends the membership, and a listener that throws is heard of', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 1 })
  await using member = memberOf(broker.bootstrap, { partitionAssigners: [throwing] })
  await expect(member.membership.join()).rejects.toThrow('no idea')
  await using other = memberOf(broker.bootstrap, { groupId: 'h', revoked: () => Promise.reject(new Error('later')) })
  await other.membership.join()
  other.membership.rebalance()
  await vi.waitFor(() => expect(other.facts?.generationId).toBe(2), 20_000)
  expect(other.membership.assignment).toEqual([{ topic: 'a', partition: 0 }])
})

test('while the group rebalances, heartbeats of eager members say so', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 2 })
  const heard: unknown[] = []
  await using first = memberOf(broker.bootstrap, {
    revoked: async (_, membership) => {
      await membership.heartbeat().catch(error => heard.push(error))
    },
  })
  await first.membership.join()
  await first.membership.heartbeat()
  await using second = memberOf(broker.bootstrap)
  await second.membership.join()
  expect(heard).toMatchObject([{ type: 'REBALANCE_IN_PROGRESS' }])
})
