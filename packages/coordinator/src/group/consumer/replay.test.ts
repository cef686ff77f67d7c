// Records of consumer groups, also those that only other versions write, and what is told of rebalances while they are replayed.

import {
  consumerGroupCurrentMemberAssignmentRecord,
  consumerGroupMetadataRecord,
  consumerGroupPartitionMetadataRecord,
  ErrorCode,
  KafkaError,
} from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { recordOf } from '../../record.ts'
import { SubscribedTopics } from './subscribed-topics.ts'
import { shown, TestConsumer, TestGroups } from './testing.ts'

const key = { groupId: 'group', memberId: 'a' }

const current = (memberEpoch: number, assignmentEpochs: number[] | null) =>
  recordOf(consumerGroupCurrentMemberAssignmentRecord, {
    key,
    value: {
      memberEpoch,
      previousMemberEpoch: 1,
      state: 9,
      assignedPartitions: [{ topicId: 'id', partitions: [1, 2], assignmentEpochs }],
      partitionsPendingRevocation: [],
    },
  })

const withTopic = (): TestGroups => {
  const groups = new TestGroups()
  groups.test.topics.add('topic', 4)
  return groups
}

describe('replaying', () => {
  it('takes the member epoch for partitions without their own, and never less than zero', async () => {
    const groups = withTopic()
    await groups.join('a')
    const owned = () => [...(groups.group().members.get('a')?.assignedPartitions.get('id') ?? [])]
    groups.replay(current(5, null))
    expect(owned()).toEqual([
      [1, 5],
      [2, 5],
    ])
    groups.replay(current(-2, [7]))
    expect(owned()).toEqual([
      [1, 0],
      [2, 0],
    ])
    groups.replay(current(5, [3, 4]))
    expect(owned()).toEqual([
      [1, 3],
      [2, 4],
    ])
    expect(groups.group().members.get('a')?.state).toBe(127)
    await expect(groups.heartbeat({ memberId: 'a', memberEpoch: 5 })).rejects.toMatchObject({ code: ErrorCode.FENCED_MEMBER_EPOCH })
    expect(await groups.heartbeat({ memberId: 'a', memberEpoch: 5, topicPartitions: [] })).toMatchObject({ memberEpoch: 2 })
  })

  it('deletes with the next change what Kafka wrote before 4.1', async () => {
    const groups = withTopic()
    await groups.join('a')
    groups.replay(recordOf(consumerGroupPartitionMetadataRecord, { key: { groupId: 'group' }, value: { topics: [] } }))
    const from = groups.test.log.records.length
    await groups.join('b')
    expect(shown(groups.written(from)).slice(0, 3)).toEqual(['MemberMetadata b', 'Metadata', 'PartitionMetadata gone'])
    await groups.join('c')
    expect(shown(groups.written(from)).filter(name => name === 'PartitionMetadata gone')).toHaveLength(1)
  })

  it('passes over tombstones of groups and members that nobody knows', () => {
    const groups = withTopic()
    groups.replay(recordOf(consumerGroupCurrentMemberAssignmentRecord, { key, value: null }))
    groups.replay(recordOf(consumerGroupMetadataRecord, { key: { groupId: 'group' }, value: null }))
    expect(groups.groups.size).toBe(0)
    groups.replay(recordOf(consumerGroupMetadataRecord, { key: { groupId: 'group' }, value: { epoch: 9, metadataHash: 0 } }))
    groups.replay(recordOf(consumerGroupCurrentMemberAssignmentRecord, { key, value: null }))
    expect(groups.group()).toMatchObject({ state: 'Empty', groupEpoch: 9, memberCount: 0 })
  })

  it('begins the timers of members, and of those that have to give partitions up', async () => {
    const groups = withTopic()
    const [a, b] = [new TestConsumer(groups, 'a'), new TestConsumer(groups, 'b')]
    await a.heartbeat()
    await b.heartbeat()
    await a.heartbeat()
    groups.restart()
    expect(groups.test.clock.keys().toSorted()).toEqual([
      'consumer-rebalance 5 group a',
      'consumer-session 5 group a',
      'consumer-session 5 group b',
    ])
    a.revoke()
    await a.heartbeat()
    await b.heartbeat()
    expect(groups.test.rebalances.at(-1)).toMatchObject({ generation: 3, reason: 'a rebalance was under way when the coordinator moved' })
  })
})

describe('a rebalance', () => {
  it('is over when all members have what they should, not in the middle of a change', async () => {
    const groups = withTopic()
    const [a, b] = [new TestConsumer(groups, 'a'), new TestConsumer(groups, 'b')]
    await a.heartbeat()
    await b.heartbeat()
    groups.test.clock.advance(1_000)
    // Without b all members are at their epoch, but for the epoch that is yet to come.
    await groups.heartbeat({ memberId: 'b', memberEpoch: -1 })
    expect(groups.test.rebalances).toHaveLength(1)
    groups.test.clock.advance(500)
    await a.heartbeat()
    expect(groups.test.rebalances[1]).toMatchObject({
      groupId: 'group',
      groupType: 'consumer',
      durationMs: 1_500,
      memberId: 'b',
      clientId: 'client',
      reason: 'a new member joined',
      generation: 4,
    })
    expect(groups.test.lines.filter(({ level, message }) => level === 'info' && message.includes('goes up'))).toHaveLength(3)
  })
})

describe('patterns', () => {
  it('are looked up in slices, and not again at once when the outcome cannot be written', async () => {
    const groups = new TestGroups()
    for (let made = 0; made < 12_000; made++) groups.test.topics.add(`topic-${made}`, 1)
    await groups.join('a', { subscribedTopicRegex: 'topic-1.?' })
    groups.test.log.hold()
    const replay = groups.test.log.replay
    groups.test.log.replay = () => {}
    groups.test.clock.advance(0)
    const lookups = () => groups.test.clock.keys().filter(name => name.includes('patterns'))
    expect([groups.test.log.held, lookups()]).toEqual([3, []])
    groups.test.log.fail(new KafkaError(ErrorCode.MESSAGE_TOO_LARGE))
    groups.test.log.replay = replay
    await groups.heartbeat({ memberId: 'a', memberEpoch: 1 })
    expect(lookups()).toEqual([])
    groups.test.clock.advance(10_001)
    await groups.heartbeat({ memberId: 'a', memberEpoch: 1 })
    expect(lookups()).toHaveLength(1)
    groups.test.clock.advance(0)
    expect(groups.group().resolved.get('topic-1.?')?.topics.size).toBe(11)
  })
})

describe('the hash over topics', () => {
  it('tells topics apart by id, name, partitions and racks, whatever their order, and stays an exact number', () => {
    const groups = withTopic()
    const { topics } = groups.test
    const hashes = new Set<number>()
    const hashNow = (...names: string[]): number => {
      const hash = new SubscribedTopics(topics).hashOf(names)
      expect(Number.isSafeInteger(hash)).toBe(true)
      return hash
    }
    hashes.add(hashNow('topic'))
    topics.add('topic', 5)
    hashes.add(hashNow('topic'))
    topics.add('topic', 5, [['r']])
    hashes.add(hashNow('topic'))
    topics.add('topic', 5, [[], ['r']])
    hashes.add(hashNow('topic'))
    topics.add('other', 5)
    hashes.add(hashNow('other'))
    hashes.add(hashNow('topic', 'other'))
    topics.remove('topic')
    topics.add('topic', 5, [[], ['r']])
    hashes.add(hashNow('topic'))
    expect(hashes.size).toBe(7)
    expect(hashNow('other', 'topic')).toBe(hashNow('topic', 'other'))
    expect([hashNow(), hashNow('missing')]).toEqual([0, 0])
    for (let made = 0; made < 100; made++) topics.add(`t${made}`, 1)
    hashNow(...topics.names())
  })
})

describe('a member that could not be removed', () => {
  it('is removed a little later', async () => {
    const groups = withTopic()
    await groups.join('a')
    const { replay } = groups.test.log
    groups.test.log.replay = () => {}
    groups.test.log.hold()
    groups.test.clock.advance(45_000)
    groups.test.log.fail(new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE))
    groups.test.log.replay = replay
    expect(groups.group().memberCount).toBe(1)
    groups.test.clock.advance(500)
    expect(groups.group().memberCount).toBe(0)
  })
})
