// What an admin refuses, in KafkaJS's words, and what it does when controllers, coordinators and leaders change.
import { ErrorCode } from '@ottla/protocol'
import { describe, expect, test } from 'vitest'
import { KafkaJSConnectionError, KafkaJSNonRetriableError, protocolError } from '../errors/index.ts'
import type { Admin } from './admin.ts'
import { createAdmin } from './admin.ts'
import type { Script } from './admin-testing.ts'
import { scriptedCluster, topicLedBy } from './admin-testing.ts'

const scripted = (script: Script, topics: Parameters<typeof scriptedCluster>[1] = []) => {
  const world = scriptedCluster(script, topics)
  return { ...world, admin: createAdmin(world.cluster) }
}
/** What a program without types passes. */
const anything = (json: string) => JSON.parse(json)

const refused: [string, (admin: Admin) => Promise<unknown>, string][] = [
  ['createTopics', admin => admin.createTopics(anything('{"topics":null}')), 'Invalid topics array null'],
  ['createTopics', admin => admin.createTopics(anything('{"topics":"t"}')), 'Invalid topics array t'],
  [
    'createTopics',
    admin => admin.createTopics(anything('{"topics":[{"topic":1}]}')),
    'Invalid topics array, the topic names have to be a valid string',
  ],
  [
    'createTopics',
    admin => admin.createTopics({ topics: [{ topic: 't' }, { topic: 't' }] }),
    'Invalid topics array, it cannot have multiple entries for the same topic',
  ],
  [
    'createTopics',
    admin => admin.createTopics(anything('{"topics":[{"topic":"t","configEntries":"x"}]}')),
    'Invalid configEntries for topic "t", must be an array',
  ],
  [
    'createTopics',
    admin => admin.createTopics(anything('{"topics":[{"topic":"t","configEntries":[1]}]}')),
    'Invalid configEntries for topic "t". Entry 0 must be an object',
  ],
  [
    'createTopics',
    admin => admin.createTopics(anything('{"topics":[{"topic":"t","configEntries":[{"name":"n"}]}]}')),
    'Invalid configEntries for topic "t". Entry 0 must have a valid "value" property',
  ],
  ['deleteTopics', admin => admin.deleteTopics(anything('{"topics":[1]}')), 'Invalid topics array, the names must be a valid string'],
  ['createPartitions', admin => admin.createPartitions({ topicPartitions: [] }), 'Empty topic partitions array'],
  ['fetchTopicMetadata', admin => admin.fetchTopicMetadata(anything('{"topics":[0]}')), 'Invalid topic 0'],
  ['fetchTopicOffsets', admin => admin.fetchTopicOffsets(''), 'Invalid topic '],
  ['fetchOffsets', admin => admin.fetchOffsets(anything('{"groupId":null}')), 'Invalid groupId null'],
  ['fetchOffsets', admin => admin.fetchOffsets(anything('{"groupId":"g","topics":"t"}')), 'Expected topics array to be set'],
  ['setOffsets', admin => admin.setOffsets({ groupId: 'g', topic: 't', partitions: [] }), 'Invalid partitions'],
  ['setOffsets', admin => admin.setOffsets({ groupId: 'g', topic: 't', partitions: [{ partition: 0, offset: 'x' }] }), 'Invalid offset x'],
  ['resetOffsets', admin => admin.resetOffsets({ groupId: 'g', topic: '' }), 'Invalid topic '],
  ['describeConfigs', admin => admin.describeConfigs({ resources: [] }), 'Resources array cannot be empty'],
  [
    'describeConfigs',
    admin => admin.describeConfigs(anything('{"resources":[{"type":2},{"type":1999}]}')),
    'Invalid resource type 1999: {"type":1999}',
  ],
  [
    'describeConfigs',
    admin => admin.describeConfigs(anything('{"resources":[{"type":2,"name":"def","configNames":123}]}')),
    'Invalid resource configNames 123: {"type":2,"name":"def","configNames":123}',
  ],
  [
    'alterConfigs',
    admin => admin.alterConfigs(anything('{"resources":[{"type":2,"name":"a","configEntries":[{"name":"b"}]}]}')),
    'Invalid resource config value: {"type":2,"name":"a","configEntries":[{"name":"b"}]}',
  ],
  ['createAcls', admin => admin.createAcls({ acl: [] }), 'Empty ACL array'],
  [
    'createAcls',
    admin => admin.createAcls(anything('{"acl":[{"principal":1}]}')),
    'Invalid ACL array, the principals have to be a valid string',
  ],
  ['describeAcls', admin => admin.describeAcls(anything('{"operation":99}')), 'Invalid operation type 99'],
  ['deleteAcls', admin => admin.deleteAcls({ filters: [] }), 'Empty ACL Filter array'],
  [
    'alterPartitionReassignments',
    admin => admin.alterPartitionReassignments({ topics: [{ topic: 't', partitionAssignment: [{ partition: -1, replicas: [] }] }] }),
    'Invalid partitions index: -1 for topic: t',
  ],
  [
    'listPartitionReassignments',
    admin => admin.listPartitionReassignments(anything('{"topics":[{"topic":"t","partitions":[0,"a"]}]}')),
    'Invalid partition array: 0,a for topic: t. The partition indices have to be a valid number greater than 0.',
  ],
  ['deleteTopicRecords', admin => admin.deleteTopicRecords(anything('{"topic":null}')), 'Invalid topic "null"'],
  ['deleteGroups', admin => admin.deleteGroups(anything('["g",1]')), 'Invalid groupId name: 1'],
]

describe('refused', () => {
  test.each(refused)('%s', async (_, call, message) => {
    const { admin, sent } = scripted({})
    await expect(call(admin)).rejects.toThrow(new KafkaJSNonRetriableError(message))
    expect(sent).toEqual([])
  })
})

const created = (errorCode: number) => ({ topics: [{ name: 't', errorCode, errorMessage: null }] })

test('a controller that moved is looked for', async () => {
  const { admin, calls, logged } = scripted({ CreateTopics: [created(ErrorCode.NOT_CONTROLLER), created(0)] })
  expect(await admin.createTopics({ waitForLeaders: false, topics: [{ topic: 't' }] })).toBe(true)
  expect(calls).toEqual(['refresh'])
  expect(logged[0]).toMatchObject({ namespace: 'Admin', log: { message: 'Could not create topics', retryCount: 0 } })
})

test('what timed out is not asked again', async () => {
  const timedOut = { responses: [{ name: 't', topicId: '', errorCode: ErrorCode.REQUEST_TIMED_OUT, errorMessage: null }] }
  const { admin, sent, logged } = scripted({ DeleteTopics: [timedOut] })
  await expect(admin.deleteTopics({ topics: ['t'] })).rejects.toMatchObject({ type: 'REQUEST_TIMED_OUT' })
  expect(sent).toHaveLength(1)
  expect(logged[0]?.log.message).toMatch(/^Could not delete topics, check if "delete.topic.enable"/)
})

const answer = (names: string[], errorCode: number) => names.map(name => ({ name, topicId: '', errorCode, errorMessage: null }))

test('topics that are gone already are not deleted again', async () => {
  const first = { responses: [...answer(['a'], 0), ...answer(['b'], ErrorCode.NOT_CONTROLLER)] }
  const { admin, sent, calls } = scripted({ DeleteTopics: [first, { responses: answer(['b'], 0) }] })
  await admin.deleteTopics({ topics: ['a', 'b'] })
  expect(sent[1]?.body).toMatchObject({ topics: [{ name: 'b' }] })
  expect(calls).toEqual(['refresh', 'forget a,b', 'refresh'])
})

const listed = (partitions: [number, number, number?][]) => ({
  topics: [
    {
      name: 't',
      partitions: partitions.map(([partitionIndex, offset, errorCode = 0]) => ({
        partitionIndex,
        offset,
        errorCode,
        timestamp: -1,
        leaderEpoch: 0,
      })),
    },
  ],
})
const deleted = (partitions: [number, number][]) => ({
  topics: [{ name: 't', partitions: partitions.map(([partitionIndex, errorCode]) => ({ partitionIndex, errorCode, lowWatermark: 0 })) }],
})

test('records of several leaders: what was deleted is not deleted again, and failures are named', async () => {
  const moved = ErrorCode.NOT_LEADER_OR_FOLLOWER
  const DeleteRecords = [deleted([[0, 0]]), deleted([[1, moved]]), deleted([[1, ErrorCode.OFFSET_OUT_OF_RANGE]])]
  const { admin, sent, calls } = scripted(
    {
      ListOffsets: [
        listed([
          [0, 9],
          [1, 9],
        ]),
      ],
      DeleteRecords,
    },
    [topicLedBy('t', [1, 2])],
  )
  const partitions = [
    { partition: 0, offset: '9' },
    { partition: 1, offset: '99' },
  ]
  const failure = await admin.deleteTopicRecords({ topic: 't', partitions }).catch((error: unknown) => error)
  expect(failure).toMatchObject({
    name: 'KafkaJSNonRetriableError',
    cause: { name: 'KafkaJSDeleteTopicRecordsError', partitions: [{ partition: 1, offset: '99', error: { type: 'OFFSET_OUT_OF_RANGE' } }] },
  })
  const deletions = sent.filter(({ api }) => api === 'DeleteRecords')
  expect(deletions.map(({ to }) => to)).toEqual([1, 2, 2])
  expect(calls).toEqual(['refresh'])
})

test('an offset before the start of a partition is told', async () => {
  const { admin, logged } = scripted({ ListOffsets: [listed([[0, 5]])], DeleteRecords: [deleted([[0, 0]])] }, [topicLedBy('t', [1])])
  await admin.deleteTopicRecords({ topic: 't', partitions: [{ partition: 0, offset: '3' }] })
  expect(logged[0]?.log).toMatchObject({
    message:
      'The requested offset is before the earliest offset maintained on the partition - no records will be deleted from this partition',
    topic: 't',
    partition: 0,
    offset: '3',
  })
})

test('records of a partition that nobody leads are refused before anything is deleted', async () => {
  const { admin, sent } = scripted({ ListOffsets: [listed([[0, 9]])] }, [topicLedBy('t', [1])])
  const failure = await admin
    .deleteTopicRecords({ topic: 't', partitions: [{ partition: 7, offset: '1' }] })
    .catch((error: unknown) => error)
  expect(failure).toMatchObject({ name: 'KafkaJSDeleteTopicRecordsError', retriable: false, partitions: [{ partition: 7, offset: '1' }] })
  expect(sent.filter(({ api }) => api === 'DeleteRecords')).toEqual([])
})

test('groups whose coordinator moved are asked about again, the others are not', async () => {
  const DeleteGroups = [
    {
      results: [
        { groupId: 'a', errorCode: 0 },
        { groupId: 'b', errorCode: ErrorCode.NOT_COORDINATOR },
      ],
    },
    { results: [{ groupId: 'b', errorCode: 0 }] },
  ]
  const { admin, calls, sent } = scripted({ DeleteGroups })
  expect(await admin.deleteGroups(['a', 'b'])).toEqual([
    { groupId: 'a', errorCode: 0 },
    { groupId: 'b', errorCode: 0 },
  ])
  expect(sent.map(({ body }) => body)).toEqual([{ groupsNames: ['a', 'b'] }, { groupsNames: ['b'] }])
  expect(calls).toEqual(['refresh', 'forget b'])
})

test('a coordinator that stays away is named after the tries', async () => {
  const { admin } = scripted({ DeleteGroups: [{ results: [{ groupId: 'a', errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE }] }] })
  const failure = { name: 'KafkaJSNumberOfRetriesExceeded', retryCount: 3, cause: { code: ErrorCode.COORDINATOR_NOT_AVAILABLE } }
  await expect(admin.deleteGroups(['a'])).rejects.toMatchObject(failure)
})

const list = (groupId: string) => ({
  errorCode: 0,
  groups: [{ groupId, protocolType: 'consumer', groupState: 'Stable', groupType: 'classic' }],
})

test('all brokers are asked for groups', async () => {
  const { admin, sent } = scripted({ ListGroups: [list('a'), list('b')] })
  expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).toEqual(['a', 'b'])
  expect(sent.map(({ to }) => to)).toEqual([1, 2])
})

test('a broken connection is tried again, and is what is thrown in the end', async () => {
  const down = new KafkaJSConnectionError('Connection refused', { broker: 'h:1' })
  const { admin, sent } = scripted({ Metadata: [down] })
  await expect(admin.listTopics()).rejects.toBe(down)
  expect(sent).toHaveLength(4)
})

test('offsets are not set while members are in the group', async () => {
  const stable = {
    groups: [{ errorCode: 0, groupId: 'g', groupState: 'Stable', members: [], protocolType: 'consumer', protocolData: 'x' }],
  }
  const { admin } = scripted(
    {
      ConsumerGroupDescribe: [{ groups: [{ errorCode: ErrorCode.GROUP_ID_NOT_FOUND, groupId: 'g', members: [] }] }],
      DescribeGroups: [stable],
    },
    [topicLedBy('t', [1])],
  )
  await expect(admin.resetOffsets({ groupId: 'g', topic: 't' })).rejects.toThrow(
    'The consumer group must have no running instances, current state: Stable',
  )
})

test('disconnecting ends what waits', async () => {
  const world = scriptedCluster({ Metadata: [protocolError(ErrorCode.LEADER_NOT_AVAILABLE)] })
  const never = { ...world.cluster, clock: { ...world.cluster.clock, after: () => ({ cancel: () => undefined }) } }
  const admin = createAdmin(never)
  const waiting = admin.listTopics()
  await new Promise(resolve => setImmediate(resolve))
  await admin.disconnect()
  await expect(waiting).rejects.toMatchObject({ name: 'KafkaJSConnectionClosedError' })
})

test('a topic that is not there is named within 3 seconds', async () => {
  let nowMs = 0
  const { cluster } = scriptedCluster({ Metadata: [protocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)] })
  const clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after: (delayMs: number, run: () => void) => {
      nowMs += delayMs
      queueMicrotask(run)
      return { cancel: () => undefined }
    },
  }
  const retry = { maxRetryTime: 30_000, initialRetryTime: 300, factor: 0.2, multiplier: 2, retries: 5 }
  const admin = createAdmin({ ...cluster, clock, retry })
  await expect(admin.fetchTopicMetadata({ topics: ['t'] })).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' })
  expect(nowMs).toBeGreaterThan(500)
  expect(nowMs).toBeLessThan(3_000)
})
