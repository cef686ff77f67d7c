// Requests that name much are answered in many turns of the event loop: with the same answers as in one turn, and others have theirs between.
import {
  addPartitionsToTxnApi,
  alterConfigsApi,
  apiVersionsApi,
  BatchBuilder,
  createPartitionsApi,
  createTopicsApi,
  deleteRecordsApi,
  deleteTopicsApi,
  describeConfigsApi,
  describeLogDirsApi,
  describeProducersApi,
  describeTopicPartitionsApi,
  describeTransactionsApi,
  ErrorCode,
  fetchApi,
  incrementalAlterConfigsApi,
  listOffsetsApi,
  listTransactionsApi,
  metadataApi,
  offsetForLeaderEpochApi,
  produceApi,
  writeTxnMarkersApi,
  ZERO_UUID,
} from '@ottla/protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SimulatedBroker } from '../broker-simulation.ts'
import { Slices } from '../replica/slices.ts'
import { newClient, oldClient, TransactionClient } from './transaction-client.ts'

const PARTITIONS = 40
const numbers = Array.from({ length: PARTITIONS }, (_, index) => index)

let broker: SimulatedBroker
afterEach(async () => {
  vi.restoreAllMocks()
  await broker.close()
})

/** Every look at the clock says that the turn is used up. */
const shortTurns = () => vi.spyOn(Slices.prototype, 'isOver', 'get').mockReturnValue(true)

const start = async (): Promise<void> => {
  broker = await SimulatedBroker.start(1)
  const topic = { name: 't', numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] }
  await broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
}

const batch = (options = {}): Buffer => Buffer.from(new BatchBuilder(options).append({ timestamp: 5, value: 'value' }).build().bytes)

const produced = (options = {}, transactionalId: string | null = null) => ({
  transactionalId,
  acks: -1,
  timeoutMs: 1000,
  topicData: [{ name: 't', partitionData: [...numbers, PARTITIONS + 1].map(index => ({ index, records: batch(options) })) }],
})

const fetched = () => ({
  replicaId: -1,
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 1_000_000,
  isolationLevel: 0,
  sessionId: 0,
  sessionEpoch: -1,
  topics: [{ topic: 't', partitions: numbers.map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 })) }],
  forgottenTopicsData: [],
  rackId: '',
})

const named = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, at) => ({
    name: `${prefix}${at}`,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
const settings = (value: string) =>
  ['t', ...Array.from({ length: 20 }, (_, at) => `n${at}`)].map(resourceName => ({
    resourceType: 2,
    resourceName,
    configs: [{ name: 'retention.ms', configOperation: 0, value }],
  }))
const offsets = numbers.map(partitionIndex => ({ partitionIndex, timestamp: partitionIndex % 2 === 0 ? -1 : 5 }))
const epochs = numbers.map(partition => ({ partition, leaderEpoch: 0 }))
const marker = (producerId: number) => ({ producerId, producerEpoch: 0, transactionResult: true, coordinatorEpoch: 0 })

/** The answers of a broker to all of this, one after another. */
async function answers(): Promise<unknown[]> {
  const all: unknown[] = []
  const topics = [{ name: 't', partitionIndexes: [...numbers, PARTITIONS + 1] }]
  all.push(await broker.ask(createTopicsApi, 7, { topics: [...named(20, 'n'), ...named(2, 't')], timeoutMs: 1000 }))
  const enlarged = ['n1', 'n2', 'none', 't'].map(name => ({ name, count: 30, assignments: null }))
  all.push(await broker.ask(createPartitionsApi, 3, { topics: enlarged, timeoutMs: 1000, validateOnly: false }))
  all.push(await broker.ask(produceApi, 9, produced()))
  all.push(await broker.ask(fetchApi, 11, fetched()))
  all.push(await broker.ask(listOffsetsApi, 7, { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions: offsets }] }))
  all.push(await broker.ask(offsetForLeaderEpochApi, 4, { replicaId: -1, topics: [{ topic: 't', partitions: epochs }] }))
  all.push(await broker.ask(writeTxnMarkersApi, 1, { markers: [7, 8, 7].map(id => ({ ...marker(id), topics })) }))
  all.push(await broker.ask(describeProducersApi, 0, { topics }))
  all.push(await broker.ask(metadataApi, 12, { topics: null, allowAutoTopicCreation: false }))
  const wanted = ['t', 'none', 'n1', 'n3', '!'].map(name => ({ topicId: ZERO_UUID, name }))
  all.push(await broker.ask(metadataApi, 12, { topics: wanted, allowAutoTopicCreation: false }))
  const pages = Array.from({ length: 5000 }, (_, at) => ({ name: `x${(at * 7919) % 5000}` }))
  all.push(await broker.ask(describeTopicPartitionsApi, 0, { topics: [...pages, { name: 't' }], cursor: null }))
  const resources = [...named(20, 'n'), { name: 'none' }].map(({ name }) => ({
    resourceType: 2,
    resourceName: name,
    configurationKeys: null,
  }))
  all.push(await broker.ask(incrementalAlterConfigsApi, 1, { resources: settings('100000'), validateOnly: false }))
  all.push(await broker.ask(alterConfigsApi, 2, { resources: settings('200000'), validateOnly: false }))
  all.push(await broker.ask(describeConfigsApi, 4, { resources }))
  all.push(await broker.ask(describeLogDirsApi, 4, { topics: [{ topic: 't', partitions: numbers }] }))
  const deleted = numbers.map(partitionIndex => ({ partitionIndex, offset: -1 }))
  all.push(await broker.ask(deleteRecordsApi, 2, { topics: [{ name: 't', partitions: deleted }], timeoutMs: 1000 }))
  all.push(
    await broker.ask(deleteTopicsApi, 6, { topics: named(25, 'n').map(({ name }) => ({ name, topicId: ZERO_UUID })), timeoutMs: 1000 }),
  )
  return all
}

/** Ids are made by chance, and leader epochs by what came before. */
const comparable = (answered: unknown): unknown =>
  JSON.parse(
    JSON.stringify(answered, (key, value) =>
      key === 'topicId' ? '' : Buffer.isBuffer(value) ? value.toString('hex') : (value as unknown),
    ),
  )

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('requests that name much', () => {
  it('are answered the same in many turns as in one', async () => {
    await start()
    const whole = await answers()
    await broker.close()
    await start()
    shortTurns()
    const pauses = vi.spyOn(Slices.prototype, 'pause')
    for (const [at, answer] of (await answers()).entries()) expect(comparable(answer), `answer ${at}`).toEqual(comparable(whole[at]))
    expect(pauses.mock.calls.length).toBeGreaterThan(100)
  })

  it('let others have their answers between', async () => {
    await start()
    shortTurns()
    const order: string[] = []
    const long = broker.ask(produceApi, 9, produced()).then(() => order.push('long'))
    const short = broker.ask(apiVersionsApi, 3, { clientSoftwareName: 'a', clientSoftwareVersion: '1' }).then(() => order.push('short'))
    await Promise.all([long, short])
    expect(order).toEqual(['short', 'long'])
  })

  it('create topics as they are there when the request comes: names collide with those of others, not of the same request', async () => {
    await start()
    shortTurns()
    const topics = [...named(1, 'a.'), ...named(40, 'n'), ...named(1, 'a_')]
    const created = await broker.ask(createTopicsApi, 7, { topics, timeoutMs: 1000 })
    expect(created?.topics.map(({ errorCode }) => errorCode)).toEqual(topics.map(() => ErrorCode.NONE))
    const later = await broker.ask(createTopicsApi, 7, {
      topics: [{ ...topics[0]!, name: 'n_' }, { ...topics[0]!, name: 'a-' }, ...named(1, 'a.')],
      timeoutMs: 1000,
    })
    expect(later?.topics.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.NONE, ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS])
  })

  it('end with errors where a topic is deleted in the midst of them', async () => {
    await start()
    shortTurns()
    const long = broker.ask(produceApi, 9, produced())
    const listed = broker.ask(listOffsetsApi, 7, { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions: offsets }] })
    await turn()
    await broker.ask(deleteTopicsApi, 6, { topics: [{ name: 't', topicId: ZERO_UUID }], timeoutMs: 1000 })
    const codes = (await long)?.responses[0]?.partitionResponses.map(({ errorCode }) => errorCode) ?? []
    expect(codes).toHaveLength(PARTITIONS + 1)
    expect(codes.at(-1)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect((await listed)?.topics[0]?.partitions).toHaveLength(PARTITIONS)
  })

  it('stop with the broker', async () => {
    await start()
    shortTurns()
    const long = broker.ask(produceApi, 9, produced()).catch(() => undefined)
    await turn()
    await broker.restart('stop')
    await long
    vi.restoreAllMocks()
    expect((await broker.ask(produceApi, 9, produced()))?.responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE)
  })
})

describe.each([
  ['transactions version 2', newClient],
  ['transactions before', oldClient],
])('a transaction over many partitions, %s', (_name, versions) => {
  it('is ended in all of them', async () => {
    await start()
    shortTurns()
    const client = new TransactionClient(broker, 'many', versions)
    expect(await client.init()).toBe(ErrorCode.NONE)
    for (const partition of numbers.slice(0, 10)) {
      if (versions === oldClient) expect(await client.add({ topic: 't', partition })).toBe(ErrorCode.NONE)
      expect(await client.produce({ topic: 't', partition }, ['x'])).toBe(ErrorCode.NONE)
    }
    expect(await client.end(true)).toBe(ErrorCode.NONE)
    const state = async () =>
      (await broker.ask(describeTransactionsApi, 0, { transactionalIds: ['many', 'none'] }))?.transactionStates[0]?.transactionState
    for (let waited = 0; waited < 1000 && (await state()) !== 'CompleteCommit'; waited++) await turn()
    expect(await state()).toBe('CompleteCommit')
    const listed = await broker.ask(listTransactionsApi, 0, { stateFilters: [], producerIdFilters: [] })
    expect(listed?.transactionStates).toHaveLength(1)
    const offsetsAfter = await broker.ask(listOffsetsApi, 7, {
      replicaId: -1,
      isolationLevel: 1,
      topics: [{ name: 't', partitions: offsets }],
    })
    expect(offsetsAfter?.topics[0]?.partitions.filter(({ offset }) => offset === 2)).toHaveLength(5)
  })
})

it('refuses additions of several transactions each for itself', async () => {
  await start()
  shortTurns()
  const transactions = ['a', 'b'].map(transactionalId => ({
    transactionalId,
    producerId: 1,
    producerEpoch: 0,
    verifyOnly: false,
    topics: [{ name: 't', partitions: [0, PARTITIONS + 1] }],
  }))
  const answer = await broker.ask(addPartitionsToTxnApi, 4, { transactions })
  expect(answer?.resultsByTransaction.map(({ transactionalId }) => transactionalId)).toEqual(['a', 'b'])
  expect(answer?.resultsByTransaction[1]?.topicResults[0]?.resultsByPartition).toEqual([
    { partitionIndex: 0, partitionErrorCode: ErrorCode.OPERATION_NOT_ATTEMPTED },
    { partitionIndex: PARTITIONS + 1, partitionErrorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
  ])
})
