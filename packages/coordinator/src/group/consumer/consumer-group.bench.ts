// What groups cost: heartbeats that change nothing, of which there are most, and members that join a big group one after the other.
import { bench, describe } from 'vitest'
import { heartbeatOf, TestGroups, testCaller } from './testing.ts'

const grown = async (size: number, topicCount: number): Promise<TestGroups> => {
  const groups = new TestGroups()
  const names = Array.from({ length: topicCount }, (_, index) => `topic-${index}`)
  for (const name of names) groups.test.topics.add(name, 1_000 / topicCount)
  for (let index = 0; index < size; index++) await groups.join(`member-${index}`, { subscribedTopicNames: names })
  return groups
}

describe('a heartbeat that changes nothing', async () => {
  const groups = await grown(1, 1)
  const request = heartbeatOf({ memberId: 'member-0', memberEpoch: 2 })
  bench('of one member', () => {
    groups.requests.heartbeat(request, testCaller)
  })
})

describe('members that join one after the other', () => {
  for (const size of [250, 500, 1_000]) {
    bench(`${size} members, 1,000 partitions`, async () => {
      await grown(size, 1)
    })
  }
  bench('1,000 members, 100 topics of 10 partitions', async () => {
    await grown(1_000, 100)
  })
})

describe('taking a group over', async () => {
  const groups = await grown(1_000, 1)
  bench('of 1,000 members', () => {
    groups.restart()
  })
})
