// ConsumerGroupHeartbeat: joining, moving partitions, and what is refused.

import { type ConsumerGroupHeartbeatResponseInit, ErrorCode } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { shown, TestConsumer, TestGroups } from './testing.ts'

const withTopic = (partitionCount = 4, options: ConstructorParameters<typeof TestGroups>[0] = {}): TestGroups => {
  const groups = new TestGroups(options)
  groups.test.topics.add('topic', partitionCount)
  return groups
}

const partitionsOf = (reply: ConsumerGroupHeartbeatResponseInit): number[] | null =>
  reply.assignment?.topicPartitions.flatMap(({ partitions }) => [...partitions]) ?? null

describe('a consumer group', () => {
  it('gives everything to its first member at once, in the records that Kafka writes', async () => {
    const groups = withTopic()
    const reply = await groups.join('a', { serverAssignor: 'range', rackId: 'rack' })
    expect(reply).toMatchObject({ memberId: 'a', memberEpoch: 2, heartbeatIntervalMs: 5_000, errorCode: 0 })
    expect(partitionsOf(reply)).toEqual([0, 1, 2, 3])
    expect(shown(groups.written(0))).toEqual([
      'MemberMetadata a',
      'Metadata',
      'TargetAssignmentMember a',
      'TargetAssignmentMetadata',
      'CurrentMemberAssignment a',
    ])
    const topicId = groups.test.topics.topic('topic')?.id
    const [member, epoch, target, targetEpoch, current] = groups.written(0).map(record => record.value)
    expect(member).toEqual({
      instanceId: null,
      rackId: 'rack',
      clientId: 'client',
      clientHost: '/127.0.0.1',
      subscribedTopicNames: ['topic'],
      subscribedTopicRegex: '',
      rebalanceTimeoutMs: 60_000,
      serverAssignor: 'range',
      classicMemberMetadata: null,
    })
    expect(epoch).toEqual({ epoch: 2, metadataHash: groups.group().metadataHash })
    expect(target).toEqual({ topicPartitions: [{ topicId, partitions: [0, 1, 2, 3] }] })
    expect(targetEpoch).toEqual({ assignmentEpoch: 2, assignmentTimestamp: groups.test.clock.now() })
    expect(current).toEqual({
      memberEpoch: 2,
      previousMemberEpoch: 0,
      state: 0,
      assignedPartitions: [{ topicId, partitions: [0, 1, 2, 3], assignmentEpochs: [2, 2, 2, 2] }],
      partitionsPendingRevocation: [],
    })
    expect(groups.group().state).toBe('Stable')
  })

  it('writes nothing for a heartbeat that changes nothing, and shows no assignment', async () => {
    const groups = withTopic()
    const { memberEpoch } = await groups.join('a')
    const from = groups.test.log.records.length
    const member = groups.group().members.get('a')
    const reply = await groups.heartbeat({ memberId: 'a', memberEpoch })
    expect(reply).toMatchObject({ memberEpoch, assignment: null })
    expect(groups.written(from)).toEqual([])
    expect(groups.group().members.get('a')).toBe(member)
  })

  it('moves partitions from one member to another in three steps', async () => {
    const groups = withTopic()
    const a = new TestConsumer(groups, 'a')
    const b = new TestConsumer(groups, 'b')
    await a.heartbeat()
    await b.heartbeat()
    expect([b.epoch, b.owned.size, groups.group().state]).toEqual([3, 0, 'Reconciling'])
    expect(groups.group().members.get('b')?.state).toBe(2)
    await a.heartbeat()
    expect([a.epoch, a.revoking.size]).toEqual([2, 2])
    await b.heartbeat()
    expect(b.owned.size).toBe(0)
    a.revoke()
    await a.heartbeat()
    expect([a.epoch, a.owned.size]).toEqual([3, 2])
    await b.heartbeat()
    expect([b.owned.size, groups.group().state]).toEqual([2, 'Stable'])
    expect(groups.test.rebalances.map(({ generation, reason, memberId }) => ({ generation, reason, memberId }))).toEqual([
      { generation: 2, reason: 'a new member joined', memberId: 'a' },
      { generation: 3, reason: 'a new member joined', memberId: 'b' },
    ])
    expect(groups.test.rebalances[1]?.assignment?.get('b')).toEqual([{ topic: 'topic', partitions: [2, 3] }])
  })

  it('makes member ids for clients of version 0 and asks later ones for them', async () => {
    const groups = withTopic()
    const fields = { memberId: '', rebalanceTimeoutMs: 1, topicPartitions: [], subscribedTopicNames: ['topic'] }
    const { memberId } = await groups.heartbeat(fields, { apiVersion: 0 })
    expect(memberId).toMatch(/^[\w-]{22}$/)
    await expect(groups.heartbeat(fields)).rejects.toMatchObject({ code: ErrorCode.INVALID_REQUEST, message: "MemberId can't be empty." })
  })

  it('throws a member out whose session or rebalance timeout is over', async () => {
    const groups = withTopic()
    const a = new TestConsumer(groups, 'a')
    const b = new TestConsumer(groups, 'b')
    await a.heartbeat()
    await b.heartbeat()
    await a.heartbeat()
    for (let passed = 0; passed < 60_000; passed += 5_000) {
      groups.test.clock.advance(5_000)
      if (passed < 55_000) await a.heartbeat()
      await b.heartbeat()
    }
    await b.heartbeat()
    expect([...groups.group().members.keys()]).toEqual(['b'])
    expect([b.owned.size, groups.group().state]).toEqual([4, 'Stable'])
    await expect(a.heartbeat()).rejects.toMatchObject({ code: ErrorCode.UNKNOWN_MEMBER_ID })
    groups.test.clock.advance(45_000)
    expect(groups.group().state).toBe('Empty')
    expect(groups.test.clock.keys()).toEqual([])
    expect(groups.test.rebalances.at(-1)).toMatchObject({ reason: 'the member session expired', memberId: 'b' })
  })

  it('writes three tombstones and an epoch when a member leaves', async () => {
    const groups = withTopic()
    await groups.join('a')
    const from = groups.test.log.records.length
    expect(await groups.heartbeat({ memberId: 'a', memberEpoch: -1 })).toMatchObject({ memberId: 'a', memberEpoch: -1 })
    expect(shown(groups.written(from))).toEqual([
      'CurrentMemberAssignment a gone',
      'TargetAssignmentMember a gone',
      'MemberMetadata a gone',
      'Metadata',
    ])
    expect(shown(groups.group().tombstones())).toEqual(['TargetAssignmentMetadata gone', 'PartitionMetadata gone', 'Metadata gone'])
    for (const record of groups.group().tombstones()) groups.requests.replay(record)
    expect(groups.groups.size).toBe(0)
  })

  it('takes the epoch before the last one while the member has nothing that it should not have', async () => {
    const groups = withTopic()
    const topicId = groups.test.topics.topic('topic')?.id ?? ''
    await groups.join('a')
    await groups.join('b')
    const owned = { memberId: 'a', topicPartitions: [{ topicId, partitions: [0, 1] }] }
    await groups.heartbeat({ ...owned, memberEpoch: 2, topicPartitions: [{ topicId, partitions: [0, 1, 2, 3] }] })
    expect(await groups.heartbeat({ ...owned, memberEpoch: 2 })).toMatchObject({ memberEpoch: 3 })
    expect(await groups.heartbeat({ ...owned, memberEpoch: 2 })).toMatchObject({ memberEpoch: 3 })
    const fenced = { code: ErrorCode.FENCED_MEMBER_EPOCH }
    await expect(groups.heartbeat({ ...owned, memberEpoch: 2, topicPartitions: null })).rejects.toMatchObject(fenced)
    await expect(groups.heartbeat({ ...owned, memberEpoch: 1 })).rejects.toMatchObject(fenced)
    await expect(groups.heartbeat({ ...owned, memberEpoch: 4 })).rejects.toMatchObject(fenced)
  })

  it('makes at most one assignment per assignment interval', async () => {
    const groups = withTopic(4, { settings: { consumerAssignmentIntervalMs: () => 1_000 } })
    await groups.join('a')
    await groups.join('b')
    expect([groups.group().state, groups.group().groupEpoch, groups.group().assignmentEpoch]).toEqual(['Assigning', 3, 2])
    groups.test.clock.advance(1_000)
    await groups.heartbeat({ memberId: 'b', memberEpoch: 2 })
    expect(groups.group().assignmentEpoch).toBe(3)
  })

  it('does not wait with an assignment when the wall clock was set back', async () => {
    const groups = withTopic(4, { settings: { consumerAssignmentIntervalMs: () => 1_000 } })
    await groups.join('a')
    groups.test.clock.jump(-3_600_000)
    await groups.join('b')
    expect([groups.group().groupEpoch, groups.group().assignmentEpoch]).toEqual([3, 3])
  })

  it('follows topics that grow, appear and go', async () => {
    const groups = withTopic(2)
    const a = new TestConsumer(groups, 'a', { subscribedTopicNames: ['topic', 'later'] })
    await a.heartbeat()
    groups.test.topics.add('topic', 3)
    groups.topicsChanged('topic')
    await a.heartbeat()
    expect(a.owned.size).toBe(3)
    groups.test.topics.add('later', 1)
    groups.topicsChanged('later')
    await a.heartbeat()
    expect(a.owned.size).toBe(4)
    groups.test.topics.remove('topic')
    groups.topicsChanged('topic')
    await a.heartbeat()
    a.revoke()
    await a.heartbeat()
    expect([a.owned.size, groups.group().state]).toEqual([1, 'Stable'])
    expect(groups.test.rebalances.at(-1)).toMatchObject({ memberId: '', reason: expect.stringContaining('topics') })
  })

  it('takes topics away from a member that does not want them any more, before there is a new assignment', async () => {
    const groups = withTopic(2, { settings: { consumerAssignmentIntervalMs: () => 60_000 } })
    groups.test.topics.add('other', 1)
    const { memberEpoch } = await groups.join('a', { subscribedTopicNames: ['topic', 'other'] })
    const reply = await groups.heartbeat({ memberId: 'a', memberEpoch, subscribedTopicNames: ['other'] })
    expect(partitionsOf(reply)).toEqual([0])
    expect(groups.group().members.get('a')).toMatchObject({ state: 1, memberEpoch })
  })
})
