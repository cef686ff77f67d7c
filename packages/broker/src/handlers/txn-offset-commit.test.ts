// TxnOffsetCommit answers each partition in the order of the request, however many there are and however often a topic is named.
import { createTopicsApi, ErrorCode, offsetFetchApi, txnOffsetCommitApi } from '@ottla/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SimulatedBroker } from '../broker-simulation.ts'
import { findCoordinator, newClient, retried, TransactionClient } from './transaction-client.ts'

const { NONE, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode
let broker: SimulatedBroker
beforeEach(async () => {
  broker = await SimulatedBroker.start(1)
  const topic = { name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  await broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
})
afterEach(() => broker.close())

it('commits what there is of thousands of partitions, the later of two that are the same', async () => {
  await findCoordinator(broker, 'billing', 0)
  const client = new TransactionClient(broker, 'transfers', newClient)
  expect(await client.init()).toBe(NONE)
  expect(await retried(broker, () => client.commitOffset('billing', { topic: 't', partition: 0 }, 1))).toBe(NONE)
  const { transactionalId, producerId, producerEpoch } = client
  const topics = Array.from({ length: 1500 }, (_, at) => ({
    name: at % 3 === 0 ? 'none' : 't',
    partitions: [0, 1, 2].map(partitionIndex => ({ partitionIndex, committedOffset: at, committedMetadata: '' })),
  }))
  const answer = await broker.ask(txnOffsetCommitApi, 5, { transactionalId, groupId: 'billing', producerId, producerEpoch, topics })
  const missing = UNKNOWN_TOPIC_OR_PARTITION
  expect(answer?.topics.map(({ name, partitions }) => [name, ...partitions.map(({ errorCode }) => errorCode)])).toEqual(
    topics.map(({ name }) => (name === 'none' ? [name, missing, missing, missing] : [name, NONE, NONE, missing])),
  )
  expect(await client.end(true)).toBe(NONE)
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  const groups = [{ groupId: 'billing', topics: [{ name: 't', partitionIndexes: [0, 1] }] }]
  const fetched = await broker.ask(offsetFetchApi, 9, { groups, requireStable: true })
  expect(fetched?.groups[0]?.topics[0]?.partitions.map(({ committedOffset }) => committedOffset)).toEqual([1499, 1499])
})
