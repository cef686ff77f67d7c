import { answered } from '@ottla/coordinator'
import {
  ErrorCode,
  KafkaError,
  offsetCommitApi,
  type OffsetCommitRequest,
  offsetDeleteApi,
  offsetFetchApi,
  type OffsetFetchRequest,
  ZERO_UUID,
} from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestGroups } from './group-testing.ts'

const UNKNOWN_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const { UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_REQUEST, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE } = ErrorCode

let test: TestGroups
beforeEach(async () => {
  test = await TestGroups.open()
})
afterEach(() => test.close())

const fail = (code: number): never => {
  throw new KafkaError(code)
}

const done = (partitions: readonly { partitionIndex: number }[]) =>
  partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 }))

const partition = (partitionIndex: number) => ({ partitionIndex, committedOffset: 5, committedMetadata: 'note' })

/** Everything that comes to the coordinator is committed; returns it. */
const accepting = (): OffsetCommitRequest['topics'] => {
  const seen: OffsetCommitRequest['topics'] = []
  test.service.commands = {
    commit: ({ topics }) => {
      seen.push(...topics)
      return answered({ topics: topics.map(topic => ({ ...topic, partitions: done(topic.partitions) })) })
    },
  }
  return seen
}

describe('OffsetCommit', () => {
  const commit = { groupId: 'g', memberId: 'm', generationIdOrMemberEpoch: 1 }
  it('commits what there is, by name', async () => {
    const seen = accepting()
    const topics = [
      { name: 'none', partitions: [partition(0)] },
      { name: 't', partitions: [partition(0), partition(9), partition(-1)] },
    ]
    const answer = await test.ask(offsetCommitApi, 9, { ...commit, topics })
    expect(answer.topics.map(({ name, partitions }) => [name, partitions])).toEqual([
      ['none', [{ partitionIndex: 0, errorCode: UNKNOWN_TOPIC_OR_PARTITION }]],
      [
        't',
        [
          { partitionIndex: 9, errorCode: UNKNOWN_TOPIC_OR_PARTITION },
          { partitionIndex: -1, errorCode: UNKNOWN_TOPIC_OR_PARTITION },
          { partitionIndex: 0, errorCode: 0 },
        ],
      ],
    ])
    expect(seen).toEqual([{ name: 't', topicId: test.topicId, partitions: [{ ...partition(0), committedLeaderEpoch: -1 }] }])
  })

  it('commits what there is, by id', async () => {
    const seen = accepting()
    const topics = [
      { topicId: UNKNOWN_ID, partitions: [partition(0)] },
      { topicId: ZERO_UUID, partitions: [partition(1)] },
      { topicId: test.topicId, partitions: [partition(0)] },
    ]
    const answer = await test.ask(offsetCommitApi, 10, { ...commit, topics })
    expect(answer.topics.map(({ topicId, partitions }) => [topicId, partitions[0]?.errorCode])).toEqual([
      [UNKNOWN_ID, UNKNOWN_TOPIC_ID],
      [ZERO_UUID, UNKNOWN_TOPIC_ID],
      [test.topicId, 0],
    ])
    expect(seen[0]).toMatchObject({ name: 't', topicId: test.topicId })
  })

  it('does not trouble the coordinator for nothing', async () => {
    expect(await test.ask(offsetCommitApi, 2, { ...commit, topics: [] })).toMatchObject({ topics: [] })
    await test.ask(offsetCommitApi, 2, { ...commit, topics: [{ name: 'none', partitions: [partition(0)] }] })
    expect(test.service.asked).toEqual([])
  })

  it('answers an error of the coordinator in every partition', async () => {
    test.service.commands = { commit: () => fail(ErrorCode.NOT_ENOUGH_REPLICAS) }
    const { topics } = await test.ask(offsetCommitApi, 8, { ...commit, topics: [{ name: 't', partitions: [partition(0), partition(1)] }] })
    expect(topics[0]?.partitions.map(({ errorCode }) => errorCode)).toEqual([COORDINATOR_NOT_AVAILABLE, COORDINATOR_NOT_AVAILABLE])
  })
})

const found = (partitionIndex: number) => ({
  partitionIndex,
  committedOffset: 5,
  committedLeaderEpoch: 2,
  metadata: 'note',
  errorCode: 0,
})

/** Every partition has offset 5; where all are asked for, those of `t` and of a topic that is gone. Returns what was asked. */
const holding = (): OffsetFetchRequest['groups'] => {
  const seen: OffsetFetchRequest['groups'] = []
  test.service.commands = {
    fetch: group => {
      seen.push(group)
      const asked = group.topics ?? [
        { name: 't', topicId: ZERO_UUID, partitionIndexes: [0] },
        { name: 'gone', topicId: ZERO_UUID, partitionIndexes: [0] },
      ]
      const topics = asked.map(({ name, topicId, partitionIndexes }) => ({ name, topicId, partitions: partitionIndexes.map(found) }))
      return answered({ groupId: group.groupId, topics, errorCode: 0 })
    },
  }
  return seen
}

describe('OffsetFetch', () => {
  it('reads one group by name, and none where a topic is not known', async () => {
    const seen = holding()
    const answer = await test.ask(offsetFetchApi, 1, { groupId: 'g', topics: [{ name: 'x', partitionIndexes: [3] }] })
    expect(answer.topics).toMatchObject([{ name: 'x', partitions: [{ partitionIndex: 3, committedOffset: 5, metadata: 'note' }] }])
    expect(seen).toEqual([
      { groupId: 'g', memberId: null, memberEpoch: -1, topics: [{ name: 'x', topicId: ZERO_UUID, partitionIndexes: [3] }] },
    ])
  })

  it('reads all topics of a group', async () => {
    holding()
    const answer = await test.ask(offsetFetchApi, 7, { groupId: 'g', topics: null, requireStable: true })
    expect(answer.topics.map(({ name }) => name)).toEqual(['t', 'gone'])
    const byId = await test.ask(offsetFetchApi, 10, { groups: [{ groupId: 'g', topics: null }] })
    expect(byId.groups[0]?.topics.map(({ topicId }) => topicId)).toEqual([test.topicId])
  })

  it('reads several groups, by id', async () => {
    const seen = holding()
    const topics = [
      { topicId: test.topicId, partitionIndexes: [0] },
      { topicId: UNKNOWN_ID, partitionIndexes: [1] },
    ]
    const groups = [
      { groupId: 'g', memberId: 'm', memberEpoch: 4, topics },
      { groupId: '', topics: null },
    ]
    const answer = await test.ask(offsetFetchApi, 10, { groups })
    expect(answer.groups.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
      ['g', 0],
      ['', 0],
    ])
    expect(answer.groups[0]?.topics).toMatchObject([
      { topicId: test.topicId, partitions: [{ committedOffset: 5, errorCode: 0 }] },
      { topicId: UNKNOWN_ID, partitions: [{ partitionIndex: 1, committedOffset: -1, errorCode: UNKNOWN_TOPIC_ID }] },
    ])
    expect(seen.find(({ groupId }) => groupId === 'g')).toMatchObject({
      memberId: 'm',
      memberEpoch: 4,
      topics: [{ name: 't', topicId: test.topicId }],
    })
  })

  it('answers once what it is asked twice', async () => {
    holding()
    const twice = { groupId: 'g', topics: ['t', 't'].map(name => ({ name, partitionIndexes: [0, 1, 1] })) }
    const answer = await test.ask(offsetFetchApi, 9, { groups: [twice, twice] })
    expect(answer.groups.map(({ errorCode }) => errorCode)).toEqual([0, INVALID_REQUEST])
    expect(answer.groups[0]?.topics.map(({ partitions }) => partitions.length)).toEqual([2])
  })

  it('puts an error of the group where the version has a place for it', async () => {
    test.service.commands = { fetch: () => fail(ErrorCode.REQUEST_TIMED_OUT) }
    const topics = [{ name: 't', partitionIndexes: [0] }]
    const first = await test.ask(offsetFetchApi, 1, { groupId: 'g', topics })
    expect(first.topics[0]?.partitions[0]).toMatchObject({ committedOffset: -1, metadata: '', errorCode: NOT_COORDINATOR })
    const second = await test.ask(offsetFetchApi, 2, { groupId: 'g', topics })
    expect([second.errorCode, second.topics]).toEqual([NOT_COORDINATOR, []])
    const eighth = await test.ask(offsetFetchApi, 8, { groups: [{ groupId: 'g', topics }] })
    expect(eighth.groups).toEqual([{ groupId: 'g', errorCode: NOT_COORDINATOR, topics: [] }])
  })
})

describe('OffsetDelete', () => {
  const topics = ['t', 'none'].map(name => ({ name, partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] }))

  it('deletes what there is', async () => {
    test.service.commands = {
      deleteOffsets: ({ topics: asked }) =>
        answered({
          errorCode: 0,
          throttleTimeMs: 0,
          topics: asked.map(({ name, partitions }) => ({
            name,
            partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC })),
          })),
        }),
    }
    const answer = await test.ask(offsetDeleteApi, 0, { groupId: 'g', topics })
    expect(answer.topics.map(({ name, partitions }) => [name, ...partitions.map(one => [one.partitionIndex, one.errorCode])])).toEqual([
      ['t', [9, UNKNOWN_TOPIC_OR_PARTITION], [0, ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC]],
      ['none', [0, UNKNOWN_TOPIC_OR_PARTITION], [9, UNKNOWN_TOPIC_OR_PARTITION]],
    ])
  })

  it('answers an error of the group alone', async () => {
    test.service.commands = { deleteOffsets: () => fail(ErrorCode.GROUP_ID_NOT_FOUND) }
    const answer = await test.ask(offsetDeleteApi, 0, { groupId: 'g', topics })
    expect(answer).toMatchObject({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND, topics: [] })
    expect((await test.ask(offsetDeleteApi, 0, { groupId: '', topics })).errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
  })
})
