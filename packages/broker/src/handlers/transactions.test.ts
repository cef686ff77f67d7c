// Transactions of a whole broker, as clients of transactions version 2 and those before speak them.
import {
  addPartitionsToTxnApi,
  createTopicsApi,
  describeProducersApi,
  describeTransactionsApi,
  ErrorCode,
  fetchApi,
  listOffsetsApi,
  listTransactionsApi,
  offsetFetchApi,
  writeTxnMarkersApi,
} from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SimulatedBroker } from '../broker-simulation.ts'
import { findCoordinator, newClient, oldClient, read, retried, TransactionClient } from './transaction-client.ts'

const { NONE, INVALID_TXN_STATE, TRANSACTION_ABORTABLE, INVALID_PRODUCER_EPOCH, PRODUCER_FENCED } = ErrorCode
const first = { topic: 't', partition: 0 }
const second = { topic: 't', partition: 1 }

let broker: SimulatedBroker
beforeEach(async () => {
  broker = await SimulatedBroker.start(1)
  const topic = { name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  await broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
})
afterEach(() => broker.close())

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

async function begun(versions = newClient, id = 'transfers'): Promise<TransactionClient> {
  const client = new TransactionClient(broker, id, versions)
  expect(await client.init()).toBe(NONE)
  return client
}

const latest = async (isolationLevel: number): Promise<number | undefined> => {
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  return (await broker.ask(listOffsetsApi, 7, { replicaId: -1, isolationLevel, topics }))?.topics[0]?.partitions[0]?.offset
}

const committedOffset = async (): Promise<number | undefined> => {
  const groups = [{ groupId: 'billing', topics: [{ name: 't', partitionIndexes: [0] }] }]
  const answer = await broker.ask(offsetFetchApi, 9, { groups, requireStable: true })
  const found = answer?.groups[0]?.topics[0]?.partitions[0]
  return found?.errorCode === NONE ? found.committedOffset : -1000 - (found?.errorCode ?? 0)
}

const mark = async (coordinatorEpoch: number, producerEpoch: number, transactionVersion = 2) => {
  const topics = [{ name: 't', partitionIndexes: [0, 7] }]
  const marker = { producerId: 5, producerEpoch, transactionResult: false, topics, coordinatorEpoch, transactionVersion }
  const answer = await broker.ask(writeTxnMarkersApi, 2, { markers: [marker] })
  return answer?.markers[0]?.topics[0]?.partitions.map(({ errorCode }) => errorCode)
}

describe.each([
  ['transactions version 2', newClient],
  ['before', oldClient],
])('a producer with %s', (_name, versions) => {
  const prepare = async (client: TransactionClient): Promise<void> => {
    if (versions === newClient) return
    expect(await retried(broker, () => client.add(first))).toBe(NONE)
    expect(await client.add(second)).toBe(NONE)
  }

  it('shows all of a transaction once it is committed, and nothing of one that is aborted', async () => {
    const client = await begun(versions)
    await prepare(client)
    expect(await client.produce(first, ['a', 'b'])).toBe(NONE)
    expect(await client.produce(second, ['c'])).toBe(NONE)
    expect(await client.produce(first, ['d'])).toBe(NONE)
    expect(await read(broker, first)).toEqual({ values: [], lastStableOffset: 0, highWatermark: 3 })
    expect((await read(broker, first, false)).values).toEqual(['a', 'b', 'd'])
    expect([await latest(0), await latest(1)]).toEqual([3, 0])
    expect(await client.end(true)).toBe(NONE)
    await turns()
    expect(await read(broker, first)).toEqual({ values: ['a', 'b', 'd'], lastStableOffset: 4, highWatermark: 4 })
    expect((await read(broker, second)).values).toEqual(['c'])
    await prepare(client)
    expect(await retried(broker, () => client.produce(first, ['e']))).toBe(NONE)
    expect(await client.end(false)).toBe(NONE)
    await turns()
    expect(await read(broker, first)).toEqual({ values: ['a', 'b', 'd'], lastStableOffset: 6, highWatermark: 6 })
    expect((await read(broker, first, false)).values).toEqual(['a', 'b', 'd', 'e'])
    expect([await latest(0), await latest(1)]).toEqual([6, 6])
  })

  it('commits offsets with the rest, or not at all', async () => {
    await findCoordinator(broker, 'billing', 0)
    const client = await begun(versions)
    expect(await retried(broker, () => client.commitOffset('billing', first, 41))).toBe(NONE)
    expect(await committedOffset()).toBe(-1000 - ErrorCode.UNSTABLE_OFFSET_COMMIT)
    expect(await client.end(false)).toBe(NONE)
    await turns()
    expect(await committedOffset()).toBe(-1)
    expect(await retried(broker, () => client.commitOffset('billing', first, 42))).toBe(NONE)
    expect(await client.end(true)).toBe(NONE)
    await turns()
    expect(await committedOffset()).toBe(42)
    await broker.restart('power loss')
    await findCoordinator(broker, 'billing', 0)
    await turns()
    expect(await committedOffset()).toBe(42)
  })

  it('is fenced by the next one of its id', async () => {
    const client = await begun(versions)
    await prepare(client)
    expect(await client.produce(first, ['a'])).toBe(NONE)
    const successor = await begun(versions)
    expect(successor.producerId).toBe(client.producerId)
    expect(await client.produce(first, ['b'])).toBe(INVALID_PRODUCER_EPOCH)
    expect(await client.end(true)).toBe(PRODUCER_FENCED)
    await turns()
    expect(await read(broker, first)).toMatchObject({ values: [], lastStableOffset: 2 })
  })

  it('loses what takes longer than its time-out', async () => {
    const client = new TransactionClient(broker, 'slow', versions)
    expect(await client.init(1000)).toBe(NONE)
    await prepare(client)
    expect(await client.produce(first, ['a'])).toBe(NONE)
    for (let passed = 0; passed < 12_000; passed += 1000) {
      broker.clock.advance(1000)
      await turns()
    }
    expect(await read(broker, first)).toMatchObject({ values: [], lastStableOffset: 2 })
    expect(await client.end(true)).not.toBe(NONE)
  })
})

describe('a partition', () => {
  it('takes no records of a transaction that its coordinator has not put there', async () => {
    const client = await begun(oldClient)
    expect(await client.produce(first, ['a'])).toBe(TRANSACTION_ABORTABLE)
    const older = new TransactionClient(broker, 'older', { ...oldClient, produce: 9 })
    await older.init()
    expect(await older.produce(first, ['a'])).toBe(INVALID_TXN_STATE)
    older.producerId = 999
    expect(await older.produce(first, ['a'])).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  })

  it('takes no markers of a coordinator that was replaced', async () => {
    const { UNKNOWN_TOPIC_OR_PARTITION, TRANSACTION_COORDINATOR_FENCED } = ErrorCode
    expect(await mark(3, 1)).toEqual([NONE, UNKNOWN_TOPIC_OR_PARTITION])
    expect(await mark(3, 1)).toEqual([NONE, UNKNOWN_TOPIC_OR_PARTITION])
    expect(await mark(2, 2)).toEqual([TRANSACTION_COORDINATOR_FENCED, UNKNOWN_TOPIC_OR_PARTITION])
    expect(await mark(4, 0)).toEqual([INVALID_PRODUCER_EPOCH, UNKNOWN_TOPIC_OR_PARTITION])
  })
})

describe('readers of committed records who wait', () => {
  it('are answered by the end of a transaction, which shows more than its marker', async () => {
    const client = await begun()
    await client.produce(first, ['x'.repeat(1000)])
    const waiting = broker.ask(fetchApi, 12, {
      maxWaitMs: 60_000,
      minBytes: 1000,
      isolationLevel: 1,
      topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100_000 }] }],
      forgottenTopicsData: [],
    })
    await turns()
    await client.end(true)
    const [found] = (await waiting)?.responses[0]?.partitions ?? []
    expect(found).toMatchObject({ errorCode: NONE, lastStableOffset: 2, abortedTransactions: [] })
    expect(found?.records?.length).toBeGreaterThan(1000)
  })
})

describe('AddPartitionsToTxn', () => {
  it('adds all partitions of a transaction or none', async () => {
    const client = await begun(oldClient)
    const { producerEpoch, producerId } = client
    const ask = (transactionalId: string, partitions: readonly number[], verifyOnly = false) => ({
      transactionalId,
      producerId,
      producerEpoch,
      verifyOnly,
      topics: [{ name: 't', partitions }],
    })
    const codes = async (...transactions: ReturnType<typeof ask>[]) =>
      (await broker.ask(addPartitionsToTxnApi, 5, { transactions }))?.resultsByTransaction.map(({ topicResults }) =>
        topicResults.flatMap(({ resultsByPartition }) => resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode)),
      )
    const { INVALID_PRODUCER_ID_MAPPING, OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode
    expect(await codes(ask('transfers', [0, 2]))).toEqual([[OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION]])
    expect(await codes(ask('transfers', [0], true))).toEqual([[TRANSACTION_ABORTABLE]])
    expect(await codes(ask('transfers', [0]), ask('others', [0, 1]))).toEqual([
      [NONE],
      [INVALID_PRODUCER_ID_MAPPING, INVALID_PRODUCER_ID_MAPPING],
    ])
    expect(await codes(ask('transfers', [0, 1], true))).toEqual([[NONE, TRANSACTION_ABORTABLE]])
  })
})

describe('what tools see', () => {
  it('of transactions and of producers', async () => {
    const client = await begun()
    await client.produce(first, ['a', 'b'])
    const { producerId, producerEpoch } = client
    const described = await broker.ask(describeTransactionsApi, 0, { transactionalIds: ['transfers', 'nobody', '', 'transfers'] })
    expect(described?.transactionStates).toMatchObject([
      { errorCode: NONE, transactionState: 'Ongoing', producerId, producerEpoch, topics: [{ topic: 't', partitions: [0] }] },
      { errorCode: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND },
      { errorCode: ErrorCode.INVALID_REQUEST },
    ])
    const list = (stateFilters: readonly string[], transactionalIdPattern = '') =>
      broker.ask(listTransactionsApi, 2, { stateFilters, producerIdFilters: [], transactionalIdPattern })
    expect(await list(['Ongoing', 'Strange'])).toMatchObject({
      errorCode: NONE,
      unknownStateFilters: ['Strange'],
      transactionStates: [{ transactionalId: 'transfers', producerId, transactionState: 'Ongoing' }],
    })
    expect((await list([], 'x.*'))?.transactionStates).toEqual([])
    expect((await list([], '('))?.errorCode).toBe(ErrorCode.INVALID_REGULAR_EXPRESSION)
    const topics = [
      { name: 't', partitionIndexes: [0, 9, 0] },
      { name: 't', partitionIndexes: [0] },
      { name: 'nothing', partitionIndexes: [0] },
      { name: '?', partitionIndexes: [0] },
    ]
    const producers = await broker.ask(describeProducersApi, 0, { topics })
    expect(producers?.topics).toMatchObject([
      {
        partitions: [
          {
            errorCode: NONE,
            activeProducers: [{ producerId, producerEpoch, lastSequence: 1, currentTxnStartOffset: 0, coordinatorEpoch: -1 }],
          },
          { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
        ],
      },
      { partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }] },
      { partitions: [{ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION }] },
    ])
  })
})
