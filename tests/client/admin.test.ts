// KafkaJS's admin methods against our broker: arguments, results and errors are those that KafkaJS's own specs expect.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkaJSAggregateError, KafkaJSProtocolError } from '../../packages/client/src/errors/index.ts'
import { adminOf } from './admin.ts'
import type { TestBroker } from './broker.ts'
import { startBroker } from './broker.ts'

let broker: TestBroker
let admin: ReturnType<typeof adminOf>
let count = 0
const freshTopic = async (numPartitions = 1) => {
  const topic = `topic-${count++}`
  await admin.createTopics({ topics: [{ topic, numPartitions }] })
  return topic
}

beforeAll(async () => {
  broker = await startBroker()
  admin = adminOf(broker.bootstrap)
  await admin.connect()
})
afterAll(async () => {
  await admin.disconnect()
  await broker[Symbol.asyncDispose]()
})

test('topics are created, listed, described, enlarged and deleted', async () => {
  expect(
    await admin.createTopics({ topics: [{ topic: 'a', numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '5' }] }] }),
  ).toBe(true)
  expect(await admin.createTopics({ topics: [{ topic: 'a' }] })).toBe(false)
  expect(await admin.listTopics()).toContain('a')
  expect(await admin.createPartitions({ topicPartitions: [{ topic: 'a', count: 3 }] })).toBe(true)
  const { topics } = await admin.fetchTopicMetadata({ topics: ['a'] })
  const partition = { partitionErrorCode: 0, leader: 1, replicas: [1], isr: [1], offlineReplicas: [] }
  expect(topics).toEqual([{ name: 'a', partitions: [0, 1, 2].map(partitionId => ({ partitionId, ...partition })) }])
  const [described] = await admin.describeTopics({ topics: ['a'] })
  expect(await admin.describeTopics({ topicIds: [described?.topicId ?? ''] })).toEqual([described])
  await admin.deleteTopics({ topics: ['a'] })
  expect(await admin.listTopics()).not.toContain('a')
})

test('a topic that is only validated is not created', async () => {
  expect(await admin.createTopics({ validateOnly: true, topics: [{ topic: 'never' }] })).toBe(true)
  expect(await admin.listTopics()).not.toContain('never')
})

test('topics that cannot be created are named, each with its error', async () => {
  const failure = await admin
    .createTopics({ topics: [{ topic: 'a b' }, { topic: '.' }, { topic: 'fine' }] })
    .catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(KafkaJSAggregateError)
  expect(failure).toMatchObject({
    message: 'Topic creation errors',
    errors: [
      { name: 'KafkaJSCreateTopicError', topic: '.', type: 'INVALID_TOPIC_EXCEPTION', code: 17, retriable: false },
      { name: 'KafkaJSCreateTopicError', topic: 'a b', type: 'INVALID_TOPIC_EXCEPTION', code: 17 },
    ],
  })
})

test('a topic that is not there is named within 3 seconds', async () => {
  const begin = performance.now()
  const calls = [
    admin.fetchTopicMetadata({ topics: ['missing'] }),
    admin.deleteTopics({ topics: ['missing'] }),
    admin.fetchTopicOffsets('missing'),
    admin.createPartitions({ topicPartitions: [{ topic: 'missing', count: 2 }] }),
  ]
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { type: 'UNKNOWN_TOPIC_OR_PARTITION', code: 3 } })
  }
  expect(performance.now() - begin).toBeLessThan(4_000)
})

test('offsets of partitions, by time and by place', async () => {
  const topic = await freshTopic(2)
  expect(await admin.fetchTopicOffsets(topic)).toEqual([0, 1].map(partition => ({ partition, offset: '0', high: '0', low: '0' })))
  expect(await admin.fetchTopicOffsetsByTimestamp(topic, 5)).toEqual([0, 1].map(partition => ({ partition, offset: '0' })))
  expect(await admin.fetchTopicOffsetsByTimestamp(topic)).toHaveLength(2)
  const specs = ['earliest', 'latest', 'max-timestamp', { timestamp: new Date() }] as const
  for (const spec of specs) {
    const [of] = await admin.listOffsets({ topics: [{ topic, partitions: [{ partition: 1, spec }] }], isolationLevel: 'read_committed' })
    expect(of).toMatchObject({ topic, partitions: [{ partition: 1, offset: expect.stringMatching(/^(0|-1)$/) }] })
  }
  await expect(admin.fetchTopicOffsetsByTimestamp(topic, 1.5)).rejects.toMatchObject({ message: 'Invalid timestamp 1.5', retriable: false })
})

test('offsets of groups are set, fetched, reset and resolved', async () => {
  const topic = await freshTopic()
  const groupId = 'group-offsets'
  const of = (offset: string) => [{ topic, partitions: [{ partition: 0, offset, metadata: null }] }]
  expect(await admin.fetchOffsets({ groupId, topics: [topic] })).toEqual(of('-1'))
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '13' }] })
  expect(await admin.fetchOffsets({ groupId, topics: [topic] })).toEqual(of('13'))
  expect(await admin.fetchOffsets({ groupId })).toEqual(of('13'))
  await admin.resetOffsets({ groupId, topic, earliest: true })
  expect(await admin.fetchOffsets({ groupId, topics: [topic] })).toEqual(of('-2'))
  expect(await admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets: true })).toEqual(of('0'))
  expect(await admin.fetchOffsets({ groupId, topics: [topic] })).toEqual(of('0'))
  await admin.resetOffsets({ groupId, topic })
  expect(await admin.fetchOffsets({ groupId })).toEqual(of('-1'))
  await admin.deleteConsumerGroupOffsets({ groupId, topics: [{ topic, partitions: [0] }] })
  expect(await admin.fetchOffsets({ groupId, topics: [topic] })).toEqual(of('-1'))
})

test('groups are listed, described and deleted', async () => {
  const topic = await freshTopic()
  await admin.setOffsets({ groupId: 'plain', topic, partitions: [{ partition: 0, offset: '1' }] })
  const { groups } = await admin.listGroups()
  expect(groups).toContainEqual({ groupId: 'plain', protocolType: '', groupState: 'Empty', groupType: 'classic' })
  const gone = { errorCode: 0, groupId: 'nobody', members: [], protocol: '', protocolType: '', state: 'Dead' }
  expect(await admin.describeGroups(['nobody'])).toEqual({ groups: [gone] })
  expect(await admin.describeConsumerGroups(['plain'])).toMatchObject([{ groupId: 'plain', type: 'classic', state: 'Empty', members: [] }])
  await expect(admin.describeConsumerGroups(['nobody'])).rejects.toMatchObject({ type: 'GROUP_ID_NOT_FOUND', groupId: 'nobody' })
  expect(await admin.deleteGroups([])).toEqual([])
  const failure = await admin.deleteGroups(['plain', 'nobody']).catch((error: unknown) => error)
  expect(failure).toMatchObject({
    name: 'KafkaJSDeleteGroupsError',
    groups: [{ groupId: 'nobody', errorCode: 69, error: expect.any(KafkaJSProtocolError) }],
  })
  expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).not.toContain('plain')
})

test('settings are described and altered, whole and one by one', async () => {
  const topic = await freshTopic()
  const valueOf = async (name: string) => {
    const { resources } = await admin.describeConfigs({ includeSynonyms: true, resources: [{ type: 2, name: topic, configNames: [name] }] })
    return resources[0]?.configEntries
  }
  expect(await valueOf('cleanup.policy')).toMatchObject([
    { configName: 'cleanup.policy', configValue: 'delete', isDefault: true, configSource: 5 },
  ])
  const altered = await admin.alterConfigs({
    resources: [{ type: 2, name: topic, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
  })
  expect(altered.resources).toEqual([{ errorCode: 0, errorMessage: null, resourceType: 2, resourceName: topic }])
  await admin.incrementalAlterConfigs({
    resources: [{ type: 2, name: topic, changes: [{ name: 'cleanup.policy', operation: 2, value: 'delete' }] }],
  })
  expect(await valueOf('cleanup.policy')).toMatchObject([{ configValue: 'compact,delete', isDefault: false, configSource: 1 }])
  const both = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [
      { type: 2, name: topic },
      { type: 4, name: '1' },
    ],
  })
  expect(both.resources.map(({ resourceType }) => resourceType)).toEqual([2, 4])
  expect(await admin.listConfigResources({ types: [2] })).toContainEqual({ type: 2, name: topic })
  const odd = admin.alterConfigs({ resources: [{ type: 2, name: topic, configEntries: [{ name: 'retention.ms', value: 'x' }] }] })
  await expect(odd).rejects.toMatchObject({ type: 'INVALID_CONFIG' })
})

test('the cluster, its log directories and its events', async () => {
  const seen: string[] = []
  const remove = admin.on(admin.events.REQUEST, ({ type, payload }) => seen.push(`${type} ${payload.apiName}`))
  const { brokers, controller, clusterId } = await admin.describeCluster()
  remove()
  await admin.listTopics()
  expect(seen).toEqual(['admin.network.request Metadata'])
  expect(brokers).toEqual([{ nodeId: 1, host: expect.any(String), port: Number(broker.bootstrap.split(':')[1]) }])
  expect({ controller, id: typeof clusterId }).toEqual({ controller: 1, id: 'string' })
  const [logDir] = await admin.describeLogDirs()
  expect(logDir).toMatchObject({ brokerId: 1, logDir: '/data', errorCode: 0 })
  expect(Object.keys((await admin.describeFeatures()).supported)).toContain('group.version')
  expect(() => admin.on(JSON.parse('"nothing"'), () => undefined)).toThrow(/^Event name should be one of admin.events.CONNECT/)
})

test('transactions are listed and described, and their producers fenced', async () => {
  const [fenced] = await admin.fenceProducers(['tx'])
  expect(fenced).toMatchObject({ transactionalId: 'tx', producerId: expect.any(Number) })
  expect(await admin.listTransactions()).toEqual([{ transactionalId: 'tx', producerId: fenced?.producerId, state: 'Empty' }])
  expect(await admin.describeTransactions(['tx'])).toMatchObject([{ transactionalId: 'tx', state: 'Empty', topics: [], coordinator: 1 }])
  await expect(admin.describeTransactions(['ty'])).rejects.toMatchObject({ type: 'TRANSACTIONAL_ID_NOT_FOUND', transactionalId: 'ty' })
  const topic = await freshTopic()
  expect(await admin.describeProducers({ topics: [{ topic, partitions: [0] }] })).toEqual([{ topic, partition: 0, activeProducers: [] }])
})

test('what the broker does not have is said to be so', async () => {
  const missing = [
    admin.describeAcls({ resourceType: 1, resourcePatternType: 1, operation: 1, permissionType: 1 }),
    admin.describeUserScramCredentials(),
    admin.describeClientQuotas(),
    admin.createDelegationToken(),
  ]
  for (const outcome of await Promise.allSettled(missing)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'KafkaJSServerDoesNotSupportApiKey', retriable: false } })
  }
})
