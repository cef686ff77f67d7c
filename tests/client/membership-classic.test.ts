// What members of classic groups may do beyond joining and leaving: cooperative rounds, static members, members of KafkaJS in the same group, fencing, being stuck.
import { heartbeatApi, leaveGroupApi } from '@ottla/protocol'
import { Kafka, logLevel } from 'kafkajs'
import { expect, test, vi } from 'vitest'
import { PartitionAssigners } from '../../packages/client/src/consumer/assignors/index.ts'
import { startBroker } from './broker.ts'
import { createTopics, memberOf, type TestMember } from './membership-world.ts'

const all = (...members: TestMember[]): string[] => members.flatMap(member => member.owned().split(' ').filter(Boolean)).toSorted()
const cooperative = { partitionAssigners: [PartitionAssigners.cooperativeSticky] }

test('with the cooperative protocol members keep what they keep', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 6 })
  await using first = memberOf(broker.bootstrap, cooperative)
  await first.membership.join()
  await using second = memberOf(broker.bootstrap, cooperative)
  await second.membership.join()
  await vi.waitFor(() => expect([first, second].map(({ membership }) => membership.assignment.length)).toEqual([3, 3]), 20_000)
  expect(first.told.length).toBe(9)
  expect(all(first, second)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5'])
  await second.membership.leave()
  await vi.waitFor(() => expect(first.membership.assignment.length).toBe(6), 20_000)
  expect(first.told.length).toBe(12)
  await first.membership.subscribe({ topics: [] })
  await vi.waitFor(() => expect(first.owned()).toBe(''), 20_000)
})

test('a group goes over from an eager assigner to a cooperative one, member by member', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 4 })
  const both = { partitionAssigners: [PartitionAssigners.cooperativeSticky, PartitionAssigners.range] }
  await using first = memberOf(broker.bootstrap, { partitionAssigners: [PartitionAssigners.range] })
  await first.membership.join()
  await using second = memberOf(broker.bootstrap, both)
  await second.membership.join()
  await vi.waitFor(() => expect([first, second].map(member => member.owned())).toContain('a0 a1'), 20_000)
  expect(second.facts?.groupProtocol).toBe('range')
  await first.membership.leave()
  await vi.waitFor(() => expect(second.owned()).toBe('a0 a1 a2 a3'), 20_000)
  expect(second.facts?.groupProtocol).toBe('cooperative-sticky')
})

test('static members come back without a rebalance, and a second one of the same name fences the first', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 4 })
  await using first = memberOf(broker.bootstrap, { groupInstanceId: 'one' })
  await first.membership.join()
  const second = memberOf(broker.bootstrap, { groupInstanceId: 'two' })
  await second.membership.join()
  await vi.waitFor(() => expect([first.owned().length, second.owned().length]).toEqual([5, 5]), 20_000)
  const had = second.owned()
  const generation = second.facts?.generationId
  await second[Symbol.asyncDispose]()
  await using again = memberOf(broker.bootstrap, { groupInstanceId: 'two' })
  await again.membership.join()
  expect([again.owned(), again.facts?.generationId]).toEqual([had, generation])
  await using twin = memberOf(broker.bootstrap, { groupInstanceId: 'two' })
  await twin.membership.join()
  await vi.waitFor(() => expect(again.errors).toMatchObject([{ type: 'FENCED_INSTANCE_ID' }]), 20_000)
  expect([again.owned(), twin.owned()]).toEqual(['', had])
  expect(first.errors).toEqual([])
})

test('members of KafkaJS and of this client share a group', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 4 })
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
  const theirs = kafka.consumer({ groupId: 'g', heartbeatInterval: 100, maxWaitTimeInMs: 100 })
  let assigned: number[] = []
  theirs.on(theirs.events.GROUP_JOIN, ({ payload }) => {
    assigned = payload.memberAssignment['a'] ?? []
  })
  await theirs.connect()
  await theirs.subscribe({ topic: 'a' })
  await theirs.run({ eachMessage: async () => undefined })
  await vi.waitFor(() => expect(assigned).toEqual([0, 1, 2, 3]), 20_000)
  await using ours = memberOf(broker.bootstrap)
  await ours.membership.join()
  await using another = memberOf(broker.bootstrap)
  await another.membership.join()
  await vi.waitFor(
    () => expect([...assigned.map(partition => `a${partition}`), ...all(ours, another)].toSorted()).toEqual(['a0', 'a1', 'a2', 'a3']),
    10_000,
  )
  await theirs.disconnect()
  await vi.waitFor(() => expect(all(ours, another)).toEqual(['a0', 'a1', 'a2', 'a3']), 20_000)
})

test('who is put out of the group has lost its partitions and joins again', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 1 })
  await using member = memberOf(broker.bootstrap)
  await member.membership.join()
  const { memberId } = member.membership.groupMetadata()
  await member.cluster.request({ group: 'g' }, leaveGroupApi, { groupId: 'g', memberId: '', members: [{ memberId }] })
  await vi.waitFor(() => expect(member.told).toEqual(['+a0', '!a0', '+a0']), 20_000)
  expect(member.membership.groupMetadata().memberId).not.toBe(memberId)
})

test('a commit of a generation that is over is refused, and the member joins again', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 1 })
  await using member = memberOf(broker.bootstrap, { heartbeatInterval: 60_000 })
  await member.membership.join()
  const { memberId } = member.membership.groupMetadata()
  await member.cluster.request({ group: 'g' }, leaveGroupApi, { groupId: 'g', memberId: '', members: [{ memberId }] })
  await expect(member.membership.commit([{ topic: 'a', partition: 0, offset: 1 }])).rejects.toMatchObject({ type: 'UNKNOWN_MEMBER_ID' })
  await vi.waitFor(() => expect(member.told).toEqual(['+a0', '!a0', '+a0']), 20_000)
})

test('partitions that are added to a topic are given out', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 1, b: 1 })
  await using first = memberOf(broker.bootstrap)
  await first.membership.join()
  await using second = memberOf(broker.bootstrap, { topics: ['b'] })
  await second.membership.join()
  await vi.waitFor(() => expect([first.owned(), second.owned()]).toEqual(['a0', 'b0']), 20_000)
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.createPartitions({ topicPartitions: [{ topic: 'b', count: 3 }] })
  await admin.disconnect()
  await first.cluster.refresh()
  await second.cluster.refresh()
  await vi.waitFor(() => expect([first.owned(), second.owned()]).toEqual(['a0', 'b0 b1 b2']), 20_000)
})

test('who stands aside leaves, and comes back when it goes on', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 1 })
  await using member = memberOf(broker.bootstrap, {})
  await member.membership.join()
  member.membership.standAside()
  await vi.waitFor(() => expect(member.told).toEqual(['+a0', '!a0']), 20_000)
  await expect(member.membership.heartbeat()).rejects.toMatchObject({ type: 'UNKNOWN_MEMBER_ID' })
  member.membership.goOn()
  await vi.waitFor(() => expect(member.told).toEqual(['+a0', '!a0', '+a0']), 20_000)
  const { memberId, generationId } = member.membership.groupMetadata()
  const { body } = await member.cluster.request({ group: 'g' }, heartbeatApi, { groupId: 'g', memberId, generationId })
  expect(body.errorCode).toBe(0)
})
