// What consumer groups refuse, and in which words.

import { type ConsumerGroupHeartbeatRequest, ErrorCode, KafkaError } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { TestGroups } from './testing.ts'

const joining = { memberEpoch: 0, rebalanceTimeoutMs: 1, topicPartitions: [], subscribedTopicNames: ['topic'] }

describe('a heartbeat', () => {
  const refusals: readonly (readonly [string, Partial<ConsumerGroupHeartbeatRequest>])[] = [
    ["MemberId can't be empty.", { memberEpoch: 1, memberId: ' ' }],
    ["GroupId can't be empty.", { groupId: '' }],
    ["InstanceId can't be empty.", { instanceId: '' }],
    ["RackId can't be empty.", { rackId: '' }],
    ['RebalanceTimeoutMs must be provided in first request.', { ...joining, rebalanceTimeoutMs: -1 }],
    ['TopicPartitions must be empty when (re-)joining.', { ...joining, topicPartitions: null }],
    ['Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.', { ...joining, subscribedTopicNames: null }],
    ["InstanceId can't be null.", { memberEpoch: -2 }],
    ['MemberEpoch is invalid.', { memberEpoch: -3 }],
  ]
  it.each(refusals)('is refused: %s', async (message, fields) => {
    await expect(new TestGroups().heartbeat(fields)).rejects.toEqual(new KafkaError(ErrorCode.INVALID_REQUEST, message))
  })

  it('is refused where the group, the member or the assignor is not known, or the group is full', async () => {
    const groups = new TestGroups({ settings: { groupConsumerMaxSize: 1 } })
    await expect(groups.heartbeat({ memberEpoch: 1 })).rejects.toMatchObject({
      code: ErrorCode.GROUP_ID_NOT_FOUND,
      message: 'Consumer group group not found.',
    })
    await groups.join('a')
    await expect(groups.join('b')).rejects.toMatchObject({
      code: ErrorCode.GROUP_MAX_SIZE_REACHED,
      message: 'The consumer group has reached its maximum capacity of 1 members.',
    })
    await expect(groups.heartbeat({ memberId: 'b', memberEpoch: -1 })).rejects.toMatchObject({
      code: ErrorCode.UNKNOWN_MEMBER_ID,
      message: 'Member b is not a member of group group.',
    })
    await expect(groups.join('a', { serverAssignor: 'x' })).rejects.toMatchObject({
      code: ErrorCode.UNSUPPORTED_ASSIGNOR,
      message: 'ServerAssignor x is not supported. Supported assignors: uniform, range.',
    })
    await expect(groups.join('a', { subscribedTopicRegex: '(' })).rejects.toMatchObject({ code: ErrorCode.INVALID_REGULAR_EXPRESSION })
    expect(groups.group().memberCount).toBe(1)
  })
})

const names = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}${index}`)

it('refuses topics without end, of a member and of all members of a group', async () => {
  const groups = new TestGroups()
  await expect(groups.join('a', { subscribedTopicNames: names(20_001, 'a') })).rejects.toMatchObject({ code: ErrorCode.INVALID_REQUEST })
  await groups.join('a', { subscribedTopicNames: names(20_000, 'a') })
  await groups.join('b', { subscribedTopicNames: names(20_000, 'b') })
  await groups.join('c', { subscribedTopicNames: names(20_000, 'b') })
  await expect(groups.join('d', { subscribedTopicNames: names(1, 'd') })).rejects.toMatchObject({ code: ErrorCode.INVALID_REQUEST })
  expect([...groups.group().members.keys()]).toEqual(['a', 'b', 'c'])
})

it('counts the topics that a group will name: neither those of patterns nor those that a member named before', async () => {
  const groups = new TestGroups()
  for (const topic of names(5, 'p')) groups.test.topics.add(topic, 1)
  await groups.join('p', { subscribedTopicRegex: 'p.*' })
  groups.test.clock.advance(0)
  expect(groups.group().subscriptions.size).toBe(5)
  await groups.join('a', { subscribedTopicNames: names(20_000, 'a') })
  await groups.join('b', { subscribedTopicNames: names(20_000, 'b') })
  await groups.join('b', { subscribedTopicNames: names(20_000, 'c') })
  await groups.join('a', { subscribedTopicNames: [...names(19_995, 'a'), ...names(5, 'p')] })
  await expect(groups.join('d', { subscribedTopicNames: ['d'] })).rejects.toMatchObject({ code: ErrorCode.INVALID_REQUEST })
  await groups.join('d', { subscribedTopicNames: names(1, 'p') })
})

const caller = { memberId: 'a', groupInstanceId: null, generationIdOrMemberEpoch: 2, apiVersion: 9 }
const joined = async () => {
  const groups = new TestGroups()
  const { id } = groups.test.topics.add('topic', 2)
  await groups.join('a')
  await groups.join('b')
  await groups.heartbeat({ memberId: 'a', memberEpoch: 2, topicPartitions: [{ topicId: id, partitions: [0, 1] }] })
  return { group: groups.group(), groups, partition: (partition: number) => ({ topic: 'topic', topicId: id, partition }) }
}

describe('offsets of a consumer group', () => {
  it('are committed by members at their epoch, or an older one for partitions that they have had since', async () => {
    const { group, groups, partition } = await joined()
    group.ensureMayCommit(caller, false)
    const { topicPartitions } = { topicPartitions: [{ topicId: partition(0).topicId, partitions: [0] }] }
    await groups.heartbeat({ memberId: 'a', memberEpoch: 2, topicPartitions })
    expect(group.members.get('a')?.memberEpoch).toBe(3)
    group.ensureMayCommit({ ...caller, partitions: [partition(0)] }, false)
    const stale = expect.objectContaining({ code: ErrorCode.STALE_MEMBER_EPOCH })
    expect(() => group.ensureMayCommit({ ...caller, partitions: [partition(0), partition(1)] }, false)).toThrow(stale)
    expect(() => group.ensureMayCommit({ ...caller, generationIdOrMemberEpoch: 1, partitions: [partition(0)] }, false)).toThrow(stale)
    expect(() => group.ensureMayCommit({ ...caller, generationIdOrMemberEpoch: 4 }, false)).toThrow(stale)
    expect(() => group.ensureMayCommit(caller, false)).toThrow(stale)
  })

  it('are not committed by others while there are members', async () => {
    const { group, groups } = await joined()
    const admin = { ...caller, memberId: '', generationIdOrMemberEpoch: -1 }
    const unknown = expect.objectContaining({ code: ErrorCode.UNKNOWN_MEMBER_ID })
    expect(() => group.ensureMayCommit(admin, false)).toThrow(unknown)
    group.ensureMayCommit(admin, true)
    expect(() => group.ensureMayCommit({ ...caller, apiVersion: 8 }, false)).toThrow(
      expect.objectContaining({ code: ErrorCode.UNSUPPORTED_VERSION }),
    )
    expect(() => group.ensureMayBeDeleted()).toThrow(expect.objectContaining({ code: ErrorCode.NON_EMPTY_GROUP }))
    expect(() => group.ensureMayFetch('', -1)).toThrow(unknown)
    group.ensureMayFetch('a', 2)
    expect(() => group.ensureMayFetch('a', 1)).toThrow(expect.objectContaining({ code: ErrorCode.STALE_MEMBER_EPOCH }))
    expect(() => group.ensureMayFetch('c', 1)).toThrow(unknown)
    for (const memberId of ['a', 'b']) await groups.heartbeat({ memberId, memberEpoch: -1 })
    group.ensureMayCommit(admin, false)
    group.ensureMayBeDeleted()
    expect([group.mayExpire, group.unusedSinceMs(5), group.isSubscribedTo('topic')]).toEqual([true, 5, false])
  })
})

describe('a member of the classic protocol', () => {
  it('is refused with bytes that are no subscription, in a consumer group, as by Kafka', async () => {
    const groups = new TestGroups()
    await groups.join('a')
    const request = {
      groupId: 'group',
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      reason: null,
    }
    for (const hex of ['', '00', '0001', 'ffff', '000100000001ffff', '00017fffffff', '0001ffffffff']) {
      const protocols = [{ name: 'range', metadata: Buffer.from(hex, 'hex') }]
      const decision = groups.requests.classicJoin(
        groups.group(),
        { ...request, protocols },
        { apiVersion: 3, clientId: 'c', clientHost: '/h' },
      )
      expect(await groups.test.decide(decision)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_SERVER_ERROR })
    }
  })
})
