// A transaction that is aborted while a long request of it is under way: what comes after its end is refused, and nothing of it stays open.
import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  BatchBuilder,
  createTopicsApi,
  describeProducersApi,
  ErrorCode,
  offsetFetchApi,
  produceApi,
  txnOffsetCommitApi,
} from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SimulatedBroker } from '../broker-simulation.ts'
import { Slices } from '../replica/slices.ts'
import { answered, findCoordinator, newClient, oldClient, TransactionClient } from './transaction-client.ts'

const { NONE } = ErrorCode
const groupId = 'billing'
const PARTITIONS = 30
const numbers = Array.from({ length: PARTITIONS }, (_, index) => index)
let broker: SimulatedBroker
beforeEach(async () => {
  broker = await SimulatedBroker.start(1)
  const topic = { name: 't', numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] }
  await broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
  await findCoordinator(broker, groupId, 0)
})
afterEach(async () => {
  vi.restoreAllMocks()
  await broker.close()
})

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Has something done after so many pauses of a request, or after it. */
const interrupted = async <R>(pauses: number, request: () => Promise<R>, between: () => Promise<unknown>): Promise<R> => {
  const isOver = vi.spyOn(Slices.prototype, 'isOver', 'get').mockReturnValue(true)
  let left = pauses
  const waiting: (() => void)[] = []
  const held = new Promise<void>(resolve => waiting.push(resolve))
  vi.spyOn(Slices.prototype, 'pause').mockImplementation(() => (left-- > 0 ? turn() : held))
  const answer = request()
  for (let turns = 0; turns < 50; turns++) await turn()
  isOver.mockReturnValue(false)
  await between()
  waiting[0]?.()
  return answered(broker, answer)
}

const ongoing = async (topic: string, partitions: readonly number[]): Promise<number[]> => {
  const described = await broker.ask(describeProducersApi, 0, { topics: [{ name: topic, partitionIndexes: [...partitions] }] })
  const all = described?.topics[0]?.partitions.flatMap(({ activeProducers }) => activeProducers) ?? []
  return all.map(({ currentTxnStartOffset }) => currentTxnStartOffset).filter(offset => offset !== -1)
}

describe.each([
  ['transactions version 2', newClient, ErrorCode.INVALID_PRODUCER_EPOCH],
  ['transactions before', oldClient, ErrorCode.INVALID_TXN_STATE],
])('%s', (_, versions, refused) => {
  it.each([0, 1, 2])('refuses further batches of a Produce, from pause %i on', async pauses => {
    const client = new TransactionClient(broker, 'transfers', versions)
    expect(await client.init()).toBe(NONE)
    const { transactionalId, producerId, producerEpoch } = client
    if (versions === oldClient) {
      await broker.ask(addPartitionsToTxnApi, 3, {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name: 't', partitions: numbers }],
      })
    }
    const batch = new BatchBuilder({ isTransactional: true, producerId, producerEpoch, baseSequence: 0 }).append({
      timestamp: 5,
      value: 'v',
    })
    const bytes = Buffer.from(batch.build().bytes)
    const topicData = [{ name: 't', partitionData: numbers.map(index => ({ index, records: Buffer.from(bytes) })) }]
    const body = { transactionalId, acks: -1, timeoutMs: 1000, topicData }
    const answer = await interrupted(
      pauses,
      () => broker.ask(produceApi, versions.produce, body),
      async () => expect(await answered(broker, client.end(false))).toBe(NONE),
    )
    for (let turns = 0; turns < 100; turns++) await turn()
    const codes = answer?.responses[0]?.partitionResponses.map(({ errorCode }) => errorCode) ?? []
    expect([codes[0], codes.at(-1), new Set(codes).size]).toEqual([NONE, refused, 2])
    expect(await ongoing('t', numbers)).toEqual([])
  })

  it.each([0, 1, 2])('refuses further offsets of a TxnOffsetCommit, from pause %i on', async pauses => {
    const client = new TransactionClient(broker, 'transfers', versions)
    expect(await client.init()).toBe(NONE)
    const { transactionalId, producerId, producerEpoch } = client
    if (versions === oldClient) await broker.ask(addOffsetsToTxnApi, 4, { transactionalId, producerId, producerEpoch, groupId })
    const partitions = Array.from({ length: 2200 }, (__, at) => ({
      partitionIndex: at % PARTITIONS,
      committedOffset: at,
      committedMetadata: '',
    }))
    const body = { transactionalId, groupId, producerId, producerEpoch, topics: [{ name: 't', partitions }] }
    const answer = await interrupted(
      pauses,
      () => broker.ask(txnOffsetCommitApi, versions.txnOffsetCommit, body),
      async () => expect(await answered(broker, client.end(false))).toBe(NONE),
    )
    for (let turns = 0; turns < 100; turns++) await turn()
    const codes = answer?.topics[0]?.partitions.map(({ errorCode }) => errorCode) ?? []
    expect([codes[0], codes.at(-1), new Set(codes).size]).toEqual([NONE, refused, 2])
    expect(
      await ongoing(
        '__consumer_offsets',
        Array.from({ length: 50 }, (__, index) => index),
      ),
    ).toEqual([])
    const groups = [{ groupId, topics: [{ name: 't', partitionIndexes: numbers }] }]
    const fetched = await broker.ask(offsetFetchApi, 9, { groups, requireStable: true })
    expect(
      new Set(fetched?.groups[0]?.topics[0]?.partitions.map(({ committedOffset, errorCode }) => `${committedOffset} ${errorCode}`)),
    ).toEqual(new Set(['-1 0']))
  })
})
