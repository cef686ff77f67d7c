// Memberships of KIP-848 beside the broker: partitions change hands one by one, patterns, fenced members, static members.
import { consumerGroupHeartbeatApi } from '@ottla/protocol'
import { expect, test, vi } from 'vitest'
import { startBroker } from './broker.ts'
import { createTopics, memberOf, type MemberOptions, type TestMember } from './membership-world.ts'

const settings = {
  'group.consumer.min.heartbeat.interval.ms': '50',
  'group.consumer.heartbeat.interval.ms': '100',
  'group.consumer.assignment.interval.ms': '0',
}
const consumer = (bootstrap: string, options: MemberOptions = {}): TestMember =>
  memberOf(bootstrap, { groupProtocol: 'consumer', ...options })
const shared = (...members: TestMember[]): string[] =>
  members.flatMap(member => member.membership.assignment.map(({ topic, partition }) => topic + partition)).toSorted()

test('partitions go over one by one, and nobody gives up more than it has to', async () => {
  await using broker = await startBroker(settings)
  await createTopics(broker.bootstrap, { a: 6 })
  await using first = consumer(broker.bootstrap)
  await first.membership.join()
  await vi.waitFor(() => expect(first.owned()).toBe('a0 a1 a2 a3 a4 a5'), 20_000)
  expect(first.facts).toMatchObject({ groupId: 'g', groupProtocol: 'consumer' })
  await using second = consumer(broker.bootstrap)
  await second.membership.join()
  await using third = consumer(broker.bootstrap)
  await third.membership.join()
  await vi.waitFor(() => expect([first, second, third].map(({ membership }) => membership.assignment.length)).toEqual([2, 2, 2]), 20_000)
  expect(shared(first, second, third)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5'])
  expect(first.told.filter(entry => entry.startsWith('-')).length).toBe(4)
  await second.membership.leave()
  await vi.waitFor(() => expect(shared(first, third)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5']), 20_000)
  expect([first, second, third].flatMap(({ errors }) => errors)).toEqual([])
})

test('offsets are committed and read by the member, also while its epoch changes', async () => {
  await using broker = await startBroker(settings)
  await createTopics(broker.bootstrap, { a: 2 })
  await using first = consumer(broker.bootstrap)
  await first.membership.join()
  await first.membership.commit([{ topic: 'a', partition: 0, offset: 5 }])
  await using second = consumer(broker.bootstrap)
  await second.membership.join()
  for (let offset = 6; first.membership.assignment.length !== 1; offset++) {
    await first.membership.commit([{ topic: 'a', partition: 0, offset }])
  }
  const [committed] = await second.membership.committed([{ topic: 'a', partition: 0 }])
  expect(committed?.offset).toBeGreaterThanOrEqual(5)
})

test('a pattern is matched by the broker', async () => {
  await using broker = await startBroker(settings)
  await createTopics(broker.bootstrap, { a1x: 1, a2x: 1, b: 1 })
  await using member = consumer(broker.bootstrap, { subscription: { topics: [], pattern: 'a[0-9]x' } })
  await member.membership.join()
  await vi.waitFor(() => expect(member.owned()).toBe('a1x0 a2x0'), 20_000)
  await member.membership.subscribe({ topics: ['b'] })
  await vi.waitFor(() => expect(member.owned()).toBe('b0'), 20_000)
})

test('a fenced member has lost its partitions and comes back', async () => {
  await using broker = await startBroker(settings)
  await createTopics(broker.bootstrap, { a: 2 })
  await using member = consumer(broker.bootstrap)
  await member.membership.join()
  const { memberId } = member.membership.groupMetadata()
  await member.cluster.request({ group: 'g' }, consumerGroupHeartbeatApi, { groupId: 'g', memberId, memberEpoch: -1 })
  await vi.waitFor(() => expect(member.told).toEqual(['+a0', '+a1', '!a0', '!a1', '+a0', '+a1']), 20_000)
  expect(member.errors).toEqual([])
})

test('a static member gets back what it had', async () => {
  await using broker = await startBroker(settings)
  await createTopics(broker.bootstrap, { a: 4 })
  await using other = consumer(broker.bootstrap)
  await other.membership.join()
  const one = consumer(broker.bootstrap, { groupInstanceId: 'i' })
  await one.membership.join()
  await vi.waitFor(() => expect([one.owned().length, other.owned().length]).toEqual([5, 5]), 20_000)
  const had = one.owned()
  await one[Symbol.asyncDispose]()
  await using again = consumer(broker.bootstrap, { groupInstanceId: 'i' })
  await again.membership.join()
  await vi.waitFor(() => expect(again.owned()).toBe(had), 20_000)
  expect(other.owned().length).toBe(5)
  await using twin = consumer(broker.bootstrap, { groupInstanceId: 'i' })
  await expect(twin.membership.join()).rejects.toMatchObject({ type: 'UNRELEASED_INSTANCE_ID' })
})

test('an assignor that the broker does not have ends the membership', async () => {
  await using broker = await startBroker(settings)
  await createTopics(broker.bootstrap, { a: 1 })
  await using member = consumer(broker.bootstrap, { groupRemoteAssignor: 'none such' })
  await expect(member.membership.join()).rejects.toMatchObject({ type: 'UNSUPPORTED_ASSIGNOR' })
})
