// What an admin sees of and does to groups that have members, of both protocols, and to producers that hang.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../packages/client/src/kafka.ts'
import { logLevel } from '../../packages/client/src/logger.ts'
import type { TestBroker } from './broker.ts'
import { startBroker } from './broker.ts'

let broker: TestBroker
let kafka: Kafka
const seen: string[] = []

beforeAll(async () => {
  broker = await startBroker({ 'group.consumer.heartbeat.interval.ms': '200', 'group.consumer.min.heartbeat.interval.ms': '100' })
  kafka = new Kafka({ brokers: [broker.bootstrap], clientId: 'member', logLevel: logLevel.NOTHING })
  await using admin = kafka.admin()
  await admin.createTopics({ topics: [{ topic: 't', numPartitions: 2 }] })
})
afterAll(() => broker[Symbol.asyncDispose]())

test.each(['classic', 'consumer'] as const)('groups of the %s protocol', async groupProtocol => {
  const groupId = `of-${groupProtocol}`
  await using admin = kafka.admin()
  const consumer = kafka.consumer({ groupId, groupProtocol, groupInstanceId: 'one', rackId: 'r', heartbeatInterval: 100 })
  await consumer.subscribe({ topics: ['t'], fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
  await expect
    .poll(async () => (await admin.describeConsumerGroups([groupId]))[0]?.members[0]?.assignment)
    .toEqual([{ topic: 't', partitions: [0, 1] }])
  const [group] = await admin.describeConsumerGroups([groupId])
  const isNew = groupProtocol === 'consumer'
  expect(group).toMatchObject({
    groupId,
    type: groupProtocol,
    state: 'Stable',
    assignor: isNew ? 'uniform' : 'RoundRobinAssigner',
    groupEpoch: isNew ? expect.any(Number) : null,
    coordinator: 1,
    members: [{ groupInstanceId: 'one', clientId: 'member', clientHost: expect.stringContaining('127.0.0.1'), rackId: isNew ? 'r' : null }],
  })
  const { groups } = await admin.describeGroups([groupId])
  expect(groups[0]?.state).toBe(isNew ? 'Dead' : 'Stable')
  expect((await admin.listGroups({ types: [groupProtocol] })).groups).toMatchObject([
    { groupId, groupState: 'Stable', groupType: groupProtocol },
  ])

  const running = { message: 'The consumer group must have no running instances, current state: Stable', retriable: false }
  await expect(admin.resetOffsets({ groupId, topic: 't' })).rejects.toMatchObject(running)
  await expect(admin.deleteGroups([groupId])).rejects.toMatchObject({ groups: [{ groupId, error: { type: 'NON_EMPTY_GROUP' } }] })
  const subscribed = admin.deleteConsumerGroupOffsets({ groupId, topics: [{ topic: 't', partitions: [0] }] })
  await expect(subscribed).rejects.toMatchObject({ type: 'GROUP_SUBSCRIBED_TO_TOPIC', topic: 't', partition: 0 })

  await consumer.disconnect()
  await admin.removeMembers({ groupId })
  await expect.poll(async () => (await admin.describeConsumerGroups([groupId]))[0]?.state).toBe('Empty')
  await admin.setOffsets({ groupId, topic: 't', partitions: [{ partition: 1, offset: '7' }] })
  expect(await admin.fetchOffsets({ groupId, topics: ['t'] })).toMatchObject([
    { partitions: [{ partition: 0 }, { partition: 1, offset: '7' }] },
  ])
  await admin.deleteGroups([groupId])
  await expect(admin.describeConsumerGroups([groupId])).rejects.toMatchObject({ type: 'GROUP_ID_NOT_FOUND' })
})

test('a transaction that hangs is seen and aborted', async () => {
  await using admin = kafka.admin()
  await using producer = kafka.producer({ transactionalId: 'hangs' })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic: 't', messages: [{ value: 'x', partition: 0 }] })
  const [open] = await admin.describeTransactions(['hangs'])
  expect(open).toMatchObject({ state: 'Ongoing', topics: [{ topic: 't', partitions: [0] }], timeoutMs: 60_000 })
  expect(await admin.listTransactions({ states: ['Ongoing'] })).toMatchObject([{ transactionalId: 'hangs', producerId: open?.producerId }])
  const stable = () =>
    admin.listOffsets({ topics: [{ topic: 't', partitions: [{ partition: 0, spec: 'latest' }] }], isolationLevel: 'read_committed' })
  const [before] = await stable()
  const [producers] = await admin.describeProducers({ topics: [{ topic: 't', partitions: [0] }] })
  const [active] = producers?.activeProducers ?? []
  expect(active).toMatchObject({ producerId: open?.producerId, currentTransactionStartOffset: Number(before?.partitions[0]?.offset) })
  const { producerId = 0, producerEpoch = 0 } = active ?? {}
  await admin.abortTransaction({ topic: 't', partition: 0, producerId, producerEpoch })
  const [after] = await stable()
  expect(Number(after?.partitions[0]?.offset)).toBeGreaterThan(Number(before?.partitions[0]?.offset))
  const [fenced] = await admin.fenceProducers(['hangs'])
  expect(fenced?.producerEpoch).toBeGreaterThan(producerEpoch)
  await expect(transaction.commit()).rejects.toThrow()
})
