// Subscriptions by pattern: found out behind the request, written down, and kept up to date.

import { consumerGroupRegularExpressionRecord } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { shown, TestConsumer, TestGroups } from './testing.ts'

const joined = async (): Promise<{ groups: TestGroups; a: TestConsumer }> => {
  const groups = new TestGroups()
  for (const name of ['order-1', 'order-2', 'other']) groups.test.topics.add(name, 1)
  const a = new TestConsumer(groups, 'a', { subscribedTopicRegex: 'order-.*' })
  await a.heartbeat()
  return { groups, a }
}

describe('a pattern', () => {
  it('is looked up after the answer, and gives the group another epoch', async () => {
    const { groups, a } = await joined()
    expect([a.epoch, a.owned.size]).toEqual([1, 0])
    const from = groups.test.log.records.length
    groups.test.clock.advance(0)
    expect(shown(groups.written(from))).toEqual(['RegularExpression order-.*', 'Metadata'])
    expect(groups.written(from)[0]?.value).toEqual({
      topics: ['order-1', 'order-2'],
      version: groups.test.topics.revision,
      timestamp: groups.test.clock.now(),
    })
    await a.heartbeat()
    expect([a.epoch, a.owned.size, groups.group().state]).toEqual([2, 2, 'Stable'])
    expect(groups.test.rebalances).toMatchObject([{ reason: 'a member subscribes to a new pattern', memberId: 'a' }])
  })

  it('is looked up again when topics appear, but not more often than every ten seconds', async () => {
    const { groups, a } = await joined()
    groups.test.clock.advance(0)
    groups.test.topics.add('order-3', 1)
    groups.topicsChanged('order-3')
    groups.test.clock.advance(10_000)
    await a.heartbeat()
    groups.test.clock.advance(1)
    await a.heartbeat()
    groups.test.clock.advance(0)
    await a.heartbeat()
    expect(a.owned.size).toBe(3)
    groups.test.topics.add('another', 1)
    groups.topicsChanged('another')
    const from = groups.test.log.records.length
    groups.test.clock.advance(20_000)
    await a.heartbeat()
    groups.test.clock.advance(0)
    expect(groups.written(from)).toEqual([])
  })

  it('is looked up again when topics appear after the wall clock was set back', async () => {
    const { groups, a } = await joined()
    groups.test.clock.advance(0)
    groups.test.clock.jump(-3_600_000)
    groups.test.topics.add('order-3', 1)
    groups.topicsChanged('order-3')
    await a.heartbeat()
    groups.test.clock.advance(0)
    await a.heartbeat()
    expect(a.owned.size).toBe(3)
  })

  it('is looked up again after its interval, and when the coordinator has moved while topics were made', async () => {
    const { groups, a } = await joined()
    groups.test.clock.advance(0)
    for (let passed = 0; passed <= 640_000; passed += 30_000) {
      await a.heartbeat()
      groups.test.clock.advance(30_000)
    }
    const patterns = () => groups.test.log.records.filter(({ type }) => type === consumerGroupRegularExpressionRecord).length
    expect(patterns()).toBe(2)
    groups.test.topics.add('order-3', 1)
    groups.restart()
    groups.test.clock.advance(10_001)
    await a.heartbeat()
    groups.test.clock.advance(0)
    await a.heartbeat()
    expect([patterns(), a.owned.size]).toEqual([3, 3])
  })

  it('goes with its last subscriber, or when that one changes it', async () => {
    const { groups, a } = await joined()
    groups.test.clock.advance(0)
    await a.heartbeat()
    let from = groups.test.log.records.length
    await groups.heartbeat({ memberId: 'a', memberEpoch: 2, subscribedTopicRegex: 'oth.*' })
    expect(shown(groups.written(from)).slice(0, 2)).toEqual(['MemberMetadata a', 'RegularExpression order-.* gone'])
    // The old pattern has just been looked up, so the new one has its turn with the next heartbeat.
    await groups.heartbeat({ memberId: 'a', memberEpoch: 2 })
    groups.test.clock.advance(0)
    expect([...groups.group().resolved.keys()]).toEqual(['oth.*'])
    from = groups.test.log.records.length
    await groups.heartbeat({ memberId: 'a', memberEpoch: -1 })
    expect(shown(groups.written(from))).toContain('RegularExpression oth.* gone')
    expect(groups.group().subscriptions.size).toBe(0)
  })

  it('may be used beside names, and by some members only', async () => {
    const { groups, a } = await joined()
    groups.test.clock.advance(0)
    const b = new TestConsumer(groups, 'b', { subscribedTopicNames: ['other', 'order-1'] })
    for (let round = 0; round < 4; round++) {
      for (const member of [a, b]) {
        await member.heartbeat()
        member.revoke()
      }
    }
    expect([a.owned.size + b.owned.size, groups.group().state]).toEqual([3, 'Stable'])
    const c = new TestConsumer(groups, 'c', { subscribedTopicNames: ['other'], subscribedTopicRegex: 'order-.*' })
    for (let round = 0; round < 4; round++) {
      for (const member of [a, b, c]) {
        await member.heartbeat()
        member.revoke()
      }
    }
    expect([a.owned.size, b.owned.size, c.owned.size, groups.group().state]).toEqual([1, 1, 1, 'Stable'])
  })
})
