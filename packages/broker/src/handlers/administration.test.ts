import {
  createPartitionsApi,
  createTopicsApi,
  type CreateTopicsRequestInit,
  deleteTopicsApi,
  describeClusterApi,
  describeTopicPartitionsApi,
  ErrorCode,
  errorOf,
  metadataApi,
  ZERO_UUID,
} from '@ottla/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { type TestBroker, TestAdministration } from './administration-testing.ts'

const open: TestAdministration[] = []
const start = async (settings: Record<string, string> = {}, brokers?: readonly TestBroker[]): Promise<TestAdministration> => {
  const test = await TestAdministration.open(settings, brokers)
  open.push(test)
  return test
}
afterEach(async () => {
  for (const test of open.splice(0)) await test.close()
})

type NewTopic = NonNullable<CreateTopicsRequestInit['topics']>[number]
const topic = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
  name,
  numPartitions: -1,
  replicationFactor: -1,
  assignments: [],
  configs: [],
  ...more,
})
const create = async (test: TestAdministration, topics: readonly NewTopic[], validateOnly = false) =>
  (await test.ask(createTopicsApi, 7, { topics: [...topics], timeoutMs: 1000, validateOnly })).topics
const errorsOf = async (test: TestAdministration, more: NewTopic) => {
  const [result] = await create(test, [more])
  return [result?.errorCode, result?.errorMessage]
}

describe('CreateTopics', () => {
  it('creates topics with the defaults and tells their settings', async () => {
    const test = await start({ 'num.partitions': '3' })
    const [made] = await create(test, [topic('orders', { configs: [{ name: 'retention.ms', value: '1000' }] })])
    expect(made).toMatchObject({ name: 'orders', errorCode: 0, errorMessage: null, numPartitions: 3, replicationFactor: 1 })
    expect(made?.configs?.find(({ name }) => name === 'retention.ms')).toMatchObject({ value: '1000', configSource: 1 })
    const stored = test.metadata.image.topic('orders')
    expect(stored?.id).toBe(made?.topicId)
    expect(stored?.partitions.map(({ leader, leaderEpoch, isr }) => ({ leader, leaderEpoch, isr }))).toEqual(
      Array.from({ length: 3 }, () => ({ leader: 1, leaderEpoch: 0, isr: [1] })),
    )
    expect(test.metadata.image.config('topic', 'orders')).toEqual(new Map([['retention.ms', '1000']]))
  })

  it('only looks when asked to', async () => {
    const test = await start()
    const [made] = await create(test, [topic('orders', { numPartitions: 2, replicationFactor: 1 })], true)
    expect(made).toMatchObject({ errorCode: 0, numPartitions: 2 })
    expect(test.metadata.image.topicCount).toBe(0)
  })

  it('words its refusals as Kafka does', async () => {
    const test = await start()
    await create(test, [topic('a.b')])
    const cases: [NewTopic, number, string][] = [
      [topic('a.b'), ErrorCode.TOPIC_ALREADY_EXISTS, "Topic 'a.b' already exists."],
      [topic('a_b'), ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic 'a_b' collides with existing topic: a.b"],
      [topic('..'), ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '..' is not allowed"],
      [topic('__cluster_metadata'), ErrorCode.INVALID_REQUEST, 'Creation of internal topic __cluster_metadata is prohibited.'],
      [
        topic('t', { replicationFactor: 9 }),
        ErrorCode.INVALID_REPLICATION_FACTOR,
        'Unable to replicate the partition 9 time(s): The target replication factor of 9 cannot be reached because only 1 broker(s) ' +
          'are registered or some brokers have all their log directories cordoned.',
      ],
      [topic('t', { numPartitions: 0 }), ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.'],
      [topic('t', { configs: [{ name: 'no.such', value: '1' }] }), ErrorCode.INVALID_CONFIG, 'Unknown topic config name: no.such'],
      [
        topic('t', { configs: [{ name: 'retention.ms', value: 'abc' }] }),
        ErrorCode.INVALID_CONFIG,
        'Invalid value abc for configuration retention.ms: Not a number of type LONG',
      ],
      [
        topic('t', { configs: [{ name: 'retention.ms', value: null }] }),
        ErrorCode.INVALID_CONFIG,
        'Null value not supported for topic configs: retention.ms',
      ],
      [
        topic('t', { assignments: [{ partitionIndex: 0, brokerIds: [77] }] }),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        'The manual partition assignment includes broker 77, but no such broker is registered.',
      ],
      [
        topic('t', { assignments: [{ partitionIndex: 1, brokerIds: [1] }] }),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        'partitions should be a consecutive 0-based integer sequence',
      ],
      [
        topic('t', { numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
        ErrorCode.INVALID_REQUEST,
        'A manual partition assignment was specified, but numPartitions was not set to -1.',
      ],
    ]
    for (const [wanted, code, message] of cases) expect(await errorsOf(test, wanted), message).toEqual([code, message])
    expect(test.metadata.image.topicCount).toBe(1)
  })

  it('refuses a name that is asked for twice, and too much at once', async () => {
    const test = await start()
    const results = await create(test, [topic('a'), topic('b'), topic('a')])
    expect(results.map(({ name, errorMessage }) => [name, errorMessage])).toEqual([
      ['a', 'Duplicate topic name.'],
      ['b', null],
    ])
    const [huge] = await create(test, [topic('huge', { numPartitions: 10_001 })])
    expect(huge?.errorCode).toBe(ErrorCode.POLICY_VIOLATION)
  })

  it('makes topics that no single transaction can hold', async () => {
    const test = await start()
    await create(test, [topic('wide', { numPartitions: 1000 })])
    expect(test.metadata.image.topic('wide')?.partitions).toHaveLength(1000)
    expect(test.metadata.image.partitionCount).toBe(1000)
  })

  it('spreads replicas over racks', async () => {
    const brokers = [1, 2, 3, 4, 5, 6].map(id => ({ id, rack: `r${id % 3}` }))
    const test = await start({}, brokers)
    await create(test, [topic('t', { numPartitions: 60, replicationFactor: 3 })])
    const leaders = new Map<number, number>()
    for (const { leader, replicas } of test.metadata.image.topic('t')?.partitions ?? []) {
      expect(new Set(replicas.map(id => id % 3)).size).toBe(3)
      leaders.set(leader, (leaders.get(leader) ?? 0) + 1)
    }
    for (const count of leaders.values()) expect(count).toBe(10)
  })
})

const remove = async (test: TestAdministration, topics: { name: string | null; topicId: string }[]) =>
  (await test.ask(deleteTopicsApi, 6, { topics, timeoutMs: 1000 })).responses

describe('DeleteTopics', () => {
  it('deletes by name and by id, with the settings', async () => {
    const test = await start()
    const made = await create(test, [topic('a', { configs: [{ name: 'retention.ms', value: '1' }] }), topic('b', { numPartitions: 300 })])
    const gone = await remove(test, [
      { name: 'a', topicId: ZERO_UUID },
      { name: null, topicId: made[1]?.topicId ?? '' },
    ])
    expect(gone.map(({ errorCode }) => errorCode)).toEqual([0, 0])
    expect(new Set(gone.map(({ name }) => name))).toEqual(new Set(['a', 'b']))
    expect([test.metadata.image.topicCount, test.metadata.image.partitionCount]).toEqual([0, 0])
    expect(test.metadata.image.config('topic', 'a').size).toBe(0)
    expect((await create(test, [topic('a')]))[0]?.errorCode).toBe(0)
  })

  it('says what it cannot delete', async () => {
    const test = await start()
    const [made] = await create(test, [topic('a')])
    const id = made?.topicId ?? ''
    const results = await remove(test, [
      { name: 'none', topicId: ZERO_UUID },
      { name: null, topicId: ZERO_UUID },
      { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAFg' },
      { name: 'a', topicId: id },
      { name: null, topicId: id },
      { name: 'a', topicId: ZERO_UUID },
    ])
    expect(new Set(results.map(({ errorCode, errorMessage }) => `${errorCode} ${errorMessage}`))).toEqual(
      new Set([
        `3 ${errorOf(3).message}`,
        '42 Neither topic name nor id were specified.',
        `100 ${errorOf(100).message}`,
        '42 You may not specify both topic name and topic id.',
        '42 The provided topic name maps to an ID that was already supplied.',
      ]),
    )
    expect(test.metadata.image.topicCount).toBe(1)
  })

  it('refuses everything where deletion is off', async () => {
    const test = await start({ 'delete.topic.enable': 'false' })
    await create(test, [topic('a')])
    expect((await remove(test, [{ name: 'a', topicId: ZERO_UUID }]))[0]?.errorCode).toBe(ErrorCode.TOPIC_DELETION_DISABLED)
  })
})

const enlarge = async (test: TestAdministration, name: string, count: number, assignments: { brokerIds: number[] }[] | null = null) => {
  const body = { topics: [{ name, count, assignments }], timeoutMs: 1000, validateOnly: false }
  const [result] = (await test.ask(createPartitionsApi, 3, body)).results
  return [result?.errorCode, result?.errorMessage]
}

describe('CreatePartitions', () => {
  it('adds partitions, with an assignment too', async () => {
    const test = await start({}, [{ id: 1 }, { id: 2 }])
    await create(test, [topic('t', { numPartitions: 1, replicationFactor: 1 })])
    expect(await enlarge(test, 't', 200)).toEqual([0, null])
    expect(await enlarge(test, 't', 202, [{ brokerIds: [2] }, { brokerIds: [1] }])).toEqual([0, null])
    const partitions = test.metadata.image.topic('t')?.partitions ?? []
    expect(partitions.map(({ leader }) => leader).slice(-2)).toEqual([2, 1])
    expect(test.metadata.image.partitionCount).toBe(202)
  })

  it('words its refusals as Kafka does', async () => {
    const test = await start()
    await create(test, [topic('t', { numPartitions: 2 })])
    expect(await enlarge(test, 't', 2)).toEqual([ErrorCode.INVALID_PARTITIONS, 'Topic already has 2 partition(s).'])
    expect(await enlarge(test, 't', 1)).toEqual([
      ErrorCode.INVALID_PARTITIONS,
      'The topic t currently has 2 partition(s); 1 would not be an increase.',
    ])
    expect(await enlarge(test, 'none', 1)).toEqual([
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      errorOf(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION).message,
    ])
    expect(await enlarge(test, 't', 4, [{ brokerIds: [1] }])).toEqual([
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      'Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.',
    ])
  })
})

describe('Metadata', () => {
  it('tells the addresses of the listener that is asked', async () => {
    const test = await start()
    for (const [listener, host, port] of [
      ['OUT', 'host1', 9092],
      ['IN', 'inner-1', 9093],
    ] as const) {
      const answer = await test.ask(metadataApi, 12, { topics: [] }, listener)
      expect(answer.brokers).toEqual([{ nodeId: 1, host, port, rack: null }])
      expect([answer.controllerId, answer.clusterId, answer.topics]).toEqual([1, test.metadata.image.clusterId, []])
    }
  })

  it('creates topics that are missing, where that is allowed', async () => {
    const test = await start({ 'num.partitions': '2' })
    const ask = (name: string, allowAutoTopicCreation: boolean) => test.ask(metadataApi, 9, { topics: [{ name }], allowAutoTopicCreation })
    expect((await ask('t', false)).topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name: 't', partitions: [] }])
    expect((await ask('t', true)).topics).toMatchObject([{ errorCode: 0, name: 't', partitions: [{ leaderId: 1 }, { leaderId: 1 }] }])
    expect((await ask('a b', true)).topics).toMatchObject([{ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION }])
    const off = await start({ 'auto.create.topics.enable': 'false' })
    const answer = await off.ask(metadataApi, 9, { topics: [{ name: 't' }] })
    expect(answer.topics[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })

  it('creates no more for one request than CreateTopics would', async () => {
    const test = await start({ 'num.partitions': '2' })
    const topics = Array.from({ length: 5001 }, (_, n) => ({ name: `t${n}` }))
    const answer = await test.ask(metadataApi, 9, { topics, allowAutoTopicCreation: true })
    expect(new Set(answer.topics.map(({ errorCode }) => errorCode))).toEqual(new Set([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]))
    expect(test.metadata.image.topicCount).toBe(0)
  })

  it('means all topics by an empty list in version 0 and by null from version 1 on', async () => {
    const test = await start()
    await create(test, [topic('a'), topic('b')])
    const names = async (version: number, topics: { name: string }[] | null) =>
      (await test.ask(metadataApi, version, { topics })).topics.map(({ name }) => name ?? '').toSorted()
    expect(await names(0, [])).toEqual(['a', 'b'])
    for (let version = 1; version <= 13; version++) {
      expect(await names(version, null)).toEqual(['a', 'b'])
      expect(await names(version, [])).toEqual([])
      expect(await names(version, [{ name: 'b' }, { name: 'b' }])).toEqual(['b'])
    }
  })

  it('finds topics by id from version 12 on', async () => {
    const test = await start()
    const [made] = await create(test, [topic('a')])
    const topics = [
      { name: null, topicId: made?.topicId ?? '' },
      { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAFg' },
    ]
    expect((await test.ask(metadataApi, 12, { topics })).topics).toMatchObject([
      { errorCode: 0, name: 'a' },
      { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAFg' },
    ])
    const refused = await test.ask(metadataApi, 11, { topics: [{ name: 'a', topicId: made?.topicId ?? '' }] })
    expect(refused.topics[0]?.errorCode).toBe(ErrorCode.INVALID_REQUEST)
  })

  it('says so where a leader cannot be reached on the listener', async () => {
    const test = await start()
    await create(test, [topic('a')])
    const error = async (version: number) =>
      (await test.ask(metadataApi, version, { topics: [{ name: 'a' }] }, 'ELSEWHERE')).topics[0]?.partitions[0]
    expect(await error(5)).toMatchObject({ errorCode: ErrorCode.LEADER_NOT_AVAILABLE, leaderId: -1, offlineReplicas: [1] })
    expect(await error(6)).toMatchObject({ errorCode: ErrorCode.LISTENER_NOT_FOUND, leaderId: -1 })
  })
})

describe('DescribeCluster, DescribeTopicPartitions and FindCoordinator', () => {
  it('describes the cluster', async () => {
    const test = await start({}, [{ id: 1, rack: 'r' }, { id: 2 }])
    const answer = await test.ask(describeClusterApi, 2, { includeClusterAuthorizedOperations: true })
    expect(answer).toMatchObject({
      errorCode: 0,
      clusterId: test.metadata.image.clusterId,
      controllerId: 1,
      clusterAuthorizedOperations: 8096,
    })
    expect(answer.brokers.map(({ brokerId, rack, isFenced }) => [brokerId, rack, isFenced])).toEqual([
      [1, 'r', false],
      [2, null, false],
    ])
    const controllers = await test.ask(describeClusterApi, 1, { includeClusterAuthorizedOperations: false, endpointType: 2 })
    expect(controllers.errorCode).toBe(ErrorCode.MISMATCHED_ENDPOINT_TYPE)
  })

  it('describes partitions page by page', async () => {
    const test = await start()
    await create(test, [topic('b', { numPartitions: 3 }), topic('a', { numPartitions: 2 }), topic('c')])
    const seen: string[] = []
    let cursor: { topicName: string; partitionIndex: number } | null = null
    for (let pages = 0; pages < 10; pages++) {
      const page: Awaited<ReturnType<typeof ask>> = await ask(cursor)
      for (const { name, partitions } of page.topics) for (const { partitionIndex } of partitions) seen.push(`${name}-${partitionIndex}`)
      cursor = page.nextCursor
      if (!cursor) break
    }
    function ask(from: typeof cursor) {
      return test.ask(describeTopicPartitionsApi, 0, { topics: [], responsePartitionLimit: 2, cursor: from })
    }
    expect(seen).toEqual(['a-0', 'a-1', 'b-0', 'b-1', 'b-2', 'c-0'])
    const missing = await test.ask(describeTopicPartitionsApi, 0, { topics: [{ name: 'none' }], responsePartitionLimit: 10 })
    expect(missing.topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name: 'none', topicId: ZERO_UUID }])
  })
})
