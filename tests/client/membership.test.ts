// Memberships of the classic protocol beside the broker: eager rounds, members that come and go, commits.
import { expect, test, vi } from 'vitest'
import { startBroker } from './broker.ts'
import { createTopics, memberOf } from './membership-world.ts'

const partitions = { topic: 'a', partition: 0 }

test('one member gets everything, commits, and leaves', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 3 })
  await using member = memberOf(broker.bootstrap)
  await member.membership.join()
  expect(member.owned()).toBe('a0 a1 a2')
  expect(member.facts).toMatchObject({ groupId: 'g', generationId: 1, isLeader: true, groupProtocol: 'RoundRobinAssigner' })
  expect(await member.membership.committed([partitions])).toMatchObject([{ ...partitions, offset: -1 }])
  await member.membership.commit([{ ...partitions, offset: 7, leaderEpoch: 0, metadata: 'm' }])
  expect(await member.membership.committed([partitions])).toEqual([{ ...partitions, offset: 7, leaderEpoch: 0, metadata: 'm' }])
  expect(member.membership.groupMetadata()).toMatchObject({ groupId: 'g', generationId: 1, groupInstanceId: null })
  await member.membership.leave()
  expect(member.owned()).toBe('')
  expect(member.told).toEqual(['+a0', '+a1', '+a2', '-a0', '-a1', '-a2'])
})

test('members share eagerly, and take over from who leaves', async () => {
  await using broker = await startBroker()
  await createTopics(broker.bootstrap, { a: 4 })
  await using first = memberOf(broker.bootstrap)
  await first.membership.join()
  await using second = memberOf(broker.bootstrap)
  await second.membership.join()
  await vi.waitFor(() => expect([first.owned(), second.owned()].toSorted()).toEqual(['a0 a2', 'a1 a3']), 20_000)
  expect(first.told.slice(0, 8)).toEqual(['+a0', '+a1', '+a2', '+a3', '-a0', '-a1', '-a2', '-a3'])
  await using third = memberOf(broker.bootstrap)
  await third.membership.join()
  await vi.waitFor(
    () => expect([first, second, third].flatMap(member => member.owned().split(' ')).toSorted()).toEqual(['a0', 'a1', 'a2', 'a3']),
    5_000,
  )
  await first.membership.leave()
  await second.membership.leave()
  await vi.waitFor(() => expect(third.owned()).toBe('a0 a1 a2 a3'), 20_000)
  expect([first, second, third].flatMap(member => member.errors)).toEqual([])
})
