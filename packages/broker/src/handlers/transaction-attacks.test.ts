// Transactions under clients that do not wait for answers, or send far more of a thing than there is.
import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  BatchBuilder,
  createTopicsApi,
  endTxnApi,
  ErrorCode,
  offsetFetchApi,
  produceApi,
  txnOffsetCommitApi,
} from '@ottla/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SimulatedBroker } from '../broker-simulation.ts'
import { findCoordinator, newClient, oldClient, retried, TransactionClient } from './transaction-client.ts'

const { NONE, UNSTABLE_OFFSET_COMMIT } = ErrorCode
const first = { topic: 't', partition: 0 }
const second = { topic: 't', partition: 1 }

let broker: SimulatedBroker
beforeEach(async () => {
  broker = await SimulatedBroker.start(1)
  const topic = { name: 't', numPartitions: 200, replicationFactor: 1, assignments: [], configs: [] }
  await broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
})
afterEach(() => broker.close())

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

const begun = async (versions = newClient): Promise<TransactionClient> => {
  const client = new TransactionClient(broker, 'transfers', versions)
  expect(await client.init()).toBe(NONE)
  return client
}

it('leaves no offset pending that comes while its transaction ends', async () => {
  await findCoordinator(broker, 'billing', 0)
  const client = await begun(oldClient)
  expect(await retried(broker, () => client.commitOffset('billing', first, 41))).toBe(NONE)
  expect(await client.end(true)).toBe(NONE)
  await turns()
  expect(await client.commitOffset('billing', first, 42)).toBe(NONE)
  expect(await client.end(true)).toBe(NONE)
  await turns()
  const { transactionalId, producerId, producerEpoch } = client
  const identity = { transactionalId, producerId, producerEpoch }
  const partitions = [{ partitionIndex: 0, committedOffset: 43, committedMetadata: '' }]
  await client.add(first)
  await broker.ask(addOffsetsToTxnApi, 4, { ...identity, groupId: 'billing' })
  // From here on nothing waits for what is before it: the commit is verified while the transaction is open, and goes on after its end.
  const added = client.add(second)
  const committed = broker.ask(txnOffsetCommitApi, 4, { ...identity, groupId: 'billing', topics: [{ name: 't', partitions }] })
  const ended = broker.ask(endTxnApi, 4, { ...identity, committed: true })
  expect(await added).toBe(NONE)
  expect((await ended)?.errorCode).toBe(NONE)
  const code = (await committed)?.topics[0]?.partitions[0]?.errorCode
  await turns()
  const groups = [{ groupId: 'billing', topics: [{ name: 't', partitionIndexes: [0] }] }]
  const found = (await broker.ask(offsetFetchApi, 9, { groups, requireStable: true }))?.groups[0]?.topics[0]?.partitions[0]
  expect(found?.errorCode).not.toBe(UNSTABLE_OFFSET_COMMIT)
  expect(found?.committedOffset).toBe(code === NONE ? 43 : 42)
})

/** What was worked since then, whoever else uses the machine. */
const processorMs = (before: NodeJS.CpuUsage): number => {
  const { system, user } = process.cpuUsage(before)
  return (system + user) / 1000
}

it('takes a Produce that names a partition very often as fast as others', async () => {
  const { producerEpoch, producerId, transactionalId } = await begun()
  const builder = new BatchBuilder({ isTransactional: true, producerId, producerEpoch, baseSequence: 0 })
  builder.append({ timestamp: 0, value: 'a' })
  const records = Buffer.from(builder.build().bytes)
  const partitionData = Array.from({ length: 30_000 }, () => ({ index: 0, records }))
  const before = process.cpuUsage()
  await broker.ask(produceApi, 12, { transactionalId, acks: -1, timeoutMs: 1000, topicData: [{ name: 't', partitionData }] })
  const took = processorMs(before)

  expect(took).toBeLessThan(4000)
})

it('takes an AddPartitionsToTxn that names a topic very often as fast as others', async () => {
  const { producerEpoch, producerId, transactionalId } = await begun(oldClient)
  const all = Array.from({ length: 200 }, (_, partition) => partition)
  const topics = [{ name: 't', partitions: all }, ...Array.from({ length: 50_000 }, () => ({ name: 't', partitions: [0] }))]
  const before = process.cpuUsage()
  await broker.ask(addPartitionsToTxnApi, 3, {
    v3AndBelowTransactionalId: transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: topics,
  })
  const took = processorMs(before)

  expect(took).toBeLessThan(1500)
})
