// What one request about groups names by the thousand is done some at a time: others have their turn in between, and the answer is the same.
import { answered } from '@ottla/coordinator'
import {
  deleteGroupsApi,
  describeGroupsApi,
  ErrorCode,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  listGroupsApi,
  ManualClock,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
} from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Slices } from '../replica/slices.ts'
import { TestGroups } from './group-testing.ts'
import { inPieces, isLarge, piecesOf } from './offset-pieces.ts'

const { UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_MEMBER_ID } = ErrorCode
const clock = new ManualClock()
let turns = 0
let test: TestGroups
/** What the coordinator was asked, and 'heartbeat' for each of somebody else's. */
let events: string[] = []
const large = { isOver: false }

beforeEach(async () => {
  turns = 0
  events = []
  large.isOver = false
  const later = (run: () => void): void => {
    turns++
    setImmediate(run)
  }
  test = await TestGroups.open({}, new Slices(clock, later))
})
afterEach(() => test.close())

/** As if each question to the coordinator took all of a turn. */
const took = <R>(event: string, reply: R) => {
  events.push(event)
  clock.advance(6)
  return answered(reply)
}

/** Somebody else asks as long as a large request is under way; how often that was answered. */
const meanwhile = async <R>(asked: Promise<R>): Promise<{ answer: R; others: number }> => {
  const ended = asked.finally(() => (large.isOver = true))
  let others = 0
  for (; !large.isOver; others++) {
    await test.ask(heartbeatApi, 4, { groupId: 'other', generationId: 1, memberId: 'm' })
    await new Promise(resolve => setImmediate(resolve))
  }
  return { answer: await ended, others }
}
const heartbeat = () => answered({ errorCode: 0 })
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
const offset = (partitionIndex: number) => ({ partitionIndex, committedOffset: 5, committedMetadata: '' })

describe('pieces of topics', () => {
  it('hold each partition once, in order, and not too many', () => {
    const topics = [3, 1200, 0, 499, 1, 700].map((count, name) => ({ name, partitions: numbers(count).map(index => `${name}/${index}`) }))
    const pieces = [...piecesOf<string, (typeof topics)[number]>(topics)]
    expect(pieces.flatMap(piece => piece.topics.flatMap(({ partitions }) => partitions))).toEqual(topics.flatMap(one => one.partitions))
    expect(pieces.every(piece => piece.topics.reduce((sum, { partitions }) => sum + 1 + partitions.length, 0) <= 501)).toBe(true)
    expect([isLarge(topics), isLarge(topics.slice(3, 4)), isLarge([])]).toEqual([true, false, false])
  })

  it('come to one answer for each topic', async () => {
    const topics = [700, 2, 1800, 0, 3].map((count, name) => ({ name, partitions: numbers(count) }))
    const ask = (some: typeof topics) => some.map(({ name, partitions }) => ({ name, partitions: partitions.map(one => -one) }))
    const answers = await inPieces({ slices: test.slices, topics, ask })
    expect(answers).toEqual(ask(topics))
  })
})

describe('a large request', () => {
  it('commits offsets in the order of the request', async () => {
    const seen: number[] = []
    test.service.commands = {
      heartbeat,
      commit: ({ topics }) => {
        for (const { partitions } of topics) for (const { committedOffset } of partitions) seen.push(committedOffset)
        const ofTopic = topics.map(({ name, topicId, partitions }) => ({
          name,
          topicId,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
        }))
        return took('commit', { topics: ofTopic })
      },
    }
    const partitions = numbers(5000).map(at => ({ ...offset(at % 2), committedOffset: at }))
    const topics = [
      { name: 'none', partitions: [offset(0)] },
      { name: 't', partitions },
    ]
    const { answer, others } = await meanwhile(test.ask(offsetCommitApi, 9, { groupId: 'g', memberId: '', topics }))
    expect(seen).toEqual(numbers(5000))
    expect(events.length).toBeGreaterThanOrEqual(10)
    expect(turns).toBeGreaterThanOrEqual(events.length - 1)
    expect(others).toBeGreaterThanOrEqual(9)
    expect(answer.topics.map(topic => [topic.name, topic.partitions.length, topic.partitions[0]?.errorCode])).toEqual([
      ['none', 1, UNKNOWN_TOPIC_OR_PARTITION],
      ['t', 5000, 0],
    ])
  })

  it('fetches and deletes offsets', async () => {
    test.service.commands = {
      heartbeat,
      fetch: ({ groupId, topics }) => {
        const fetched = (topics ?? []).map(({ name, topicId, partitionIndexes }) => ({
          name,
          topicId,
          partitions: partitionIndexes.map(partitionIndex => ({
            partitionIndex,
            committedOffset: partitionIndex,
            metadata: '',
            errorCode: 0,
          })),
        }))
        return took('fetch', { groupId, topics: fetched, errorCode: 0 })
      },
      deleteOffsets: ({ topics }) =>
        took('delete', {
          errorCode: 0,
          throttleTimeMs: 0,
          topics: topics.map(topic => ({ ...topic, partitions: topic.partitions.map(one => ({ ...one, errorCode: 0 })) })),
        }),
    }
    const asked = { groupId: 'g', topics: [{ name: 't', partitionIndexes: numbers(3000) }] }
    const fetched = await meanwhile(test.ask(offsetFetchApi, 9, { groups: [asked] }))
    expect(fetched.answer.groups[0]?.topics.map(({ partitions }) => partitions.map(one => one.committedOffset))).toEqual([numbers(3000)])
    expect(fetched.others).toBeGreaterThanOrEqual(5)
    const topics = numbers(3000).map(at => ({ name: 't', partitions: [{ partitionIndex: at % 3 }] }))
    const deleted = await test.ask(offsetDeleteApi, 0, { groupId: 'g', topics })
    const codes = deleted.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
    expect([codes.filter(code => code === 0).length, codes.filter(code => code === UNKNOWN_TOPIC_OR_PARTITION).length]).toEqual([
      2000, 1000,
    ])
  })

  it('whose every piece is refused is refused once', async () => {
    test.service.commands = { fetch: ({ groupId }) => answered({ groupId, topics: [], errorCode: UNKNOWN_MEMBER_ID }) }
    const asked = { groupId: 'g', memberId: 'm', memberEpoch: 1, topics: [{ name: 't', partitionIndexes: numbers(3000) }] }
    const { groups } = await test.ask(offsetFetchApi, 9, { groups: [asked] })
    expect(groups.map(({ errorCode, topics }) => ({ errorCode, topics }))).toEqual([{ errorCode: UNKNOWN_MEMBER_ID, topics: [] }])
  })

  it('for the offsets of very many groups is answered for the first of them; the others can be asked for again', async () => {
    const partitions = numbers(10_000).map(partitionIndex => ({ partitionIndex, committedOffset: 1, metadata: '', errorCode: 0 }))
    test.service.commands = { fetch: ({ groupId }) => answered({ groupId, topics: [{ name: 't', partitions }], errorCode: 0 }) }
    const groups = numbers(100).map(at => ({ groupId: `group-${at}`, topics: null }))
    const answer = await test.ask(offsetFetchApi, 9, { groups })
    const [whole, others] = [0, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS].map(code => answer.groups.filter(one => one.errorCode === code))
    expect([answer.groups.map(({ groupId }) => groupId), whole?.[0]?.groupId]).toEqual([groups.map(({ groupId }) => groupId), 'group-0'])
    expect(whole?.length).toBeGreaterThanOrEqual(30)
    expect(others?.length).toBeGreaterThanOrEqual(100 - 30 - 32)
    expect((whole?.length ?? 0) + (others?.length ?? 0)).toBe(100)
  })

  it('asks again about groups that were not answered', async () => {
    test.service.commands = {
      heartbeat,
      delete: ids =>
        took(
          `delete ${ids.length}`,
          ids.slice(0, 100).map(groupId => ({ groupId, errorCode: 0 })),
        ),
      describeClassic: ids =>
        took(
          'describe',
          ids.slice(0, 3).map(groupId => ({ groupId, errorCode: 0, groupState: 'Empty', protocolType: '', protocolData: '', members: [] })),
        ),
    }
    const groupsNames = numbers(1000).map(at => `group-${at}`)
    const { answer, others } = await meanwhile(test.ask(deleteGroupsApi, 2, { groupsNames }))
    expect(answer.results.map(({ groupId }) => groupId)).toEqual(groupsNames)
    expect(others).toBeGreaterThanOrEqual(4)
    const described = await test.ask(describeGroupsApi, 5, { groups: groupsNames.slice(0, 50) })
    expect(described.groups.map(({ groupId }) => groupId)).toEqual(groupsNames.slice(0, 50))
  })

  it('lets members leave some at a time', async () => {
    test.service.commands = {
      heartbeat,
      leave: ({ members }) =>
        took('leave', { errorCode: 0, members: members.map(({ memberId }) => ({ memberId, groupInstanceId: null, errorCode: 0 })) }),
    }
    const members = numbers(1000).map(at => ({ memberId: `m${at}` }))
    const { answer, others } = await meanwhile(test.ask(leaveGroupApi, 5, { groupId: 'g', members }))
    expect(answer.members.map(({ memberId }) => memberId)).toEqual(members.map(({ memberId }) => memberId))
    expect([events.length, others >= 4]).toEqual([5, true])
    test.service.commands = { leave: () => answered({ errorCode: UNKNOWN_MEMBER_ID, members: [] }) }
    expect(await test.ask(leaveGroupApi, 5, { groupId: 'g', members })).toMatchObject({ errorCode: UNKNOWN_MEMBER_ID, members: [] })
  })

  it('lists the groups of each partition in a turn of its own', async () => {
    test.service.commands = {
      heartbeat,
      list: () => took('list', [{ groupId: 'g', protocolType: '', groupState: 'Empty', groupType: 'classic' }]),
    }
    const { answer } = await meanwhile(test.ask(listGroupsApi, 5, { statesFilter: numbers(3000).map(String), typesFilter: [] }))
    expect([answer.groups.length, turns > 0]).toEqual([2, true])
  })

  it('of a member that knows protocols without end is refused', async () => {
    const protocols = numbers(1001).map(at => ({ name: `p${at}`, metadata: Buffer.alloc(0) }))
    const request = { groupId: 'g', sessionTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols }
    expect((await test.ask(joinGroupApi, 5, request)).errorCode).toBe(ErrorCode.INVALID_REQUEST)
  })
})
