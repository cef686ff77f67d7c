import { silentLogger } from '@ottla/metadata'
import {
  deleteRecordsApi,
  describeLogDirsApi,
  ErrorCode,
  initProducerIdApi,
  KafkaError,
  listOffsetsApi,
  offsetForLeaderEpochApi,
  produceApi,
} from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { batchOf, TestReplicas } from '../replica/testing.ts'
import { deleteRecords } from './delete-records.ts'
import { describeLogDirs } from './describe-log-dirs.ts'
import { initProducerId } from './init-producer-id.ts'
import { listOffsets } from './list-offsets.ts'
import { offsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import { produce } from './produce.ts'
import { noCoordinator, noTransactions } from './transaction-testing.ts'

let test: TestReplicas
const T0 = 1_700_000_000_000

beforeEach(async () => {
  test = await TestReplicas.open()
})
afterEach(() => test.close())

const send = async (timestamps: readonly number[], topic = 'a') => {
  const handler = produce({ replicas: test.replicas, clock: test.clock, logger: silentLogger, admission: noTransactions })
  const records = batchOf(timestamps.map(timestamp => ({ timestamp: T0 + timestamp, value: 'v' })))
  await test.ask(handler, produceApi, 9, { acks: -1, timeoutMs: 9, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }] })
}
const list = async (timestamp: number, version = 11, more: { partitionIndex?: number; currentLeaderEpoch?: number } = {}) => {
  const partitions = [{ partitionIndex: 0, timestamp, ...more }]
  const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: 'a', partitions }] }
  const handler = listOffsets({ replicas: test.replicas, logger: silentLogger })
  return (await test.ask(handler, listOffsetsApi, version, body))?.topics[0]?.partitions[0]
}
const cut = async (offset: number, name = 'a', partitionIndex = 0) => {
  const handler = deleteRecords({ replicas: test.replicas, logger: silentLogger })
  const body = { timeoutMs: 9, topics: [{ name, partitions: [{ partitionIndex, offset }] }] }
  return (await test.ask(handler, deleteRecordsApi, 2, body))?.topics[0]?.partitions[0]
}

describe('ListOffsets', () => {
  it('finds the ends and the first record at or after a time', async () => {
    const id = await test.createTopic('a')
    expect(await list(-1)).toMatchObject({ errorCode: 0, timestamp: -1, offset: 0, leaderEpoch: 0 })
    expect(await list(-3)).toMatchObject({ errorCode: 0, timestamp: -1, offset: -1 })
    await send([10, 30, 20])
    await test.changePartition(id, 0, { leaderEpoch: 5 })
    await send([40, 40])
    expect(await list(-1)).toMatchObject({ errorCode: 0, offset: 5, leaderEpoch: 5 })
    expect(await list(-2)).toMatchObject({ errorCode: 0, timestamp: -1, offset: 0, leaderEpoch: 0 })
    expect(await list(-4)).toMatchObject({ errorCode: 0, offset: 0 })
    expect(await list(-5)).toMatchObject({ errorCode: 0, timestamp: -1, offset: -1, leaderEpoch: -1 })
    expect(await list(-6)).toMatchObject({ errorCode: 0, offset: -1 })
    expect(await list(-3)).toMatchObject({ timestamp: T0 + 40, offset: 3, leaderEpoch: 5 })
    expect(await list(T0)).toMatchObject({ timestamp: T0 + 10, offset: 0, leaderEpoch: 0 })
    expect(await list(T0 + 11)).toMatchObject({ timestamp: T0 + 30, offset: 1 })
    expect(await list(T0 + 41)).toMatchObject({ errorCode: 0, timestamp: -1, offset: -1 })
    await cut(4)
    expect(await list(-2)).toMatchObject({ offset: 4, leaderEpoch: 5 })
    expect(await list(T0)).toMatchObject({ offset: 4 })
  })

  it('says what it cannot answer', async () => {
    await test.createTopic('a')
    await test.createTopic('b', 1, { replicas: [2], isr: [2], leader: 2 })
    expect((await list(-3, 6))?.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION)
    expect((await list(-7))?.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION)
    expect((await list(-1, 11, { partitionIndex: 3 }))?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect((await list(-1, 11, { currentLeaderEpoch: 3 }))?.errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH)
    const twice = { partitionIndex: 0, timestamp: -1 }
    const handler = listOffsets({ replicas: test.replicas, logger: silentLogger })
    const topics = [
      { name: 'a', partitions: [twice, twice] },
      { name: 'b', partitions: [twice] },
    ]
    const response = await test.ask(handler, listOffsetsApi, 1, { replicaId: -1, topics })
    expect(response?.topics.map(topic => topic.partitions.map(one => one.errorCode))).toEqual([
      [ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST],
      [ErrorCode.NOT_LEADER_OR_FOLLOWER],
    ])
  })

  it('counts what was appended before it on the same connection', async () => {
    test.config = { flushMode: 'os' }
    await test.createTopic('a')
    await test.partition('a').append(batchOf(['x']), { acks: 0, nowMs: T0 })
    expect(await list(-1)).toMatchObject({ errorCode: 0, offset: 1 })
  })

  it('does not name an end that in-sync replicas may not have', async () => {
    const id = await test.createTopic('a', 1, { replicas: [1, 2], isr: [1, 2] })
    const handler = produce({ replicas: test.replicas, clock: test.clock, logger: silentLogger, admission: noTransactions })
    const topicData = [{ name: 'a', partitionData: [{ index: 0, records: batchOf(['x']) }] }]
    await test.ask(handler, produceApi, 9, { acks: 1, timeoutMs: 9, topicData })
    expect(await list(-1)).toMatchObject({ errorCode: 0, offset: 0 })
    await test.changePartition(id, 0, { replicas: [1, 2], isr: [1, 2], leaderEpoch: 1 })
    expect((await list(-1))?.errorCode).toBe(ErrorCode.OFFSET_NOT_AVAILABLE)
    expect((await list(-1, 4))?.errorCode).toBe(ErrorCode.LEADER_NOT_AVAILABLE)
    await test.changePartition(id, 0, { replicas: [1, 2], isr: [1], leaderEpoch: 1 })
    expect(await list(-1)).toMatchObject({ errorCode: 0, offset: 1 })
  })
})

describe('OffsetForLeaderEpoch', () => {
  it('says where epochs end', async () => {
    const id = await test.createTopic('a')
    await send([1, 2])
    await test.changePartition(id, 0, { leaderEpoch: 4 })
    await send([3])
    const handler = offsetForLeaderEpoch({ replicas: test.replicas })
    const ask = async (leaderEpoch: number, currentLeaderEpoch = -1) => {
      const body = { topics: [{ topic: 'a', partitions: [{ partition: 0, leaderEpoch, currentLeaderEpoch }] }] }
      return (await test.ask(handler, offsetForLeaderEpochApi, 4, body))?.topics[0]?.partitions[0]
    }
    expect(await ask(0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 2 })
    expect(await ask(3)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 2 })
    expect(await ask(4)).toMatchObject({ errorCode: 0, leaderEpoch: 4, endOffset: 3 })
    expect(await ask(5)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 })
    expect(await ask(4, 3)).toMatchObject({ errorCode: ErrorCode.FENCED_LEADER_EPOCH })
  })
})

describe('DeleteRecords', () => {
  it('hides records up to an offset or up to the high watermark', async () => {
    await test.createTopic('a')
    await send([1, 2, 3])
    expect(await cut(2)).toMatchObject({ errorCode: 0, lowWatermark: 2 })
    expect(await cut(1)).toMatchObject({ errorCode: 0, lowWatermark: 2 })
    expect(await cut(4)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, lowWatermark: -1 })
    expect(await cut(-2)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE })
    expect(await cut(-1)).toMatchObject({ errorCode: 0, lowWatermark: 3 })
    expect(await cut(0, 'missing')).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
  })

  it('leaves alone what is compacted only, and internal topics', async () => {
    test.config = { cleanupPolicy: { compact: true, delete: false } }
    await test.createTopic('a')
    await test.createTopic('__consumer_offsets')
    expect(await cut(0)).toMatchObject({ errorCode: ErrorCode.POLICY_VIOLATION })
    expect(await cut(0, '__consumer_offsets')).toMatchObject({ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION })
  })
})

const described = (partitionIndex: number, partitionSize: number) => ({ partitionIndex, partitionSize, offsetLag: 0, isFutureKey: false })

describe('DescribeLogDirs', () => {
  it('says what lies where, and how much room there is', async () => {
    await test.createTopic('a', 2)
    await test.createTopic('b')
    await send([1])
    const handler = describeLogDirs({ replicas: test.replicas, logger: silentLogger })
    const all = await test.ask(handler, describeLogDirsApi, 5, { topics: null })
    const size = test.partition('a').log?.size ?? 0
    expect(size).toBeGreaterThan(0)
    expect(all?.results).toHaveLength(1)
    const [directory] = all?.results ?? []
    expect(directory).toMatchObject({ errorCode: 0, logDir: '/logs', isCordoned: false })
    expect(directory?.usableBytes).toBeGreaterThan(0)
    expect(directory?.topics).toEqual([
      { name: 'a', partitions: [described(0, size), described(1, 0)] },
      { name: 'b', partitions: [described(0, 0)] },
    ])
    const some = await test.ask(handler, describeLogDirsApi, 1, { topics: [{ topic: 'a', partitions: [1, 7] }] })
    expect(some?.results[0]?.topics).toEqual([{ name: 'a', partitions: [described(1, 0)] }])
    const [lost] = test.logs.directories
    if (lost !== undefined) lost.failure = new Error('gone')
    expect((await test.ask(handler, describeLogDirsApi, 3, { topics: null }))?.results[0]).toMatchObject({
      errorCode: ErrorCode.KAFKA_STORAGE_ERROR,
      topics: [],
    })
  })
})

describe('InitProducerId', () => {
  it('gives out ids, and sends transactional producers to their coordinator', async () => {
    let next = 40
    const handler = initProducerId({ transactions: noCoordinator, producerIds: { next: () => next++ }, logger: silentLogger })
    const ask = (body: { transactionalId?: string; producerId?: number; producerEpoch?: number } = {}) =>
      test.ask(handler, initProducerIdApi, 4, { transactionalId: null, transactionTimeoutMs: 1, ...body })
    expect(await ask()).toMatchObject({ errorCode: 0, producerId: 40, producerEpoch: 0 })
    expect(await ask({ producerId: 40, producerEpoch: 7 })).toMatchObject({ errorCode: 0, producerId: 41, producerEpoch: 0 })
    expect(await ask({ producerId: 40 })).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, producerId: -1 })
    expect(await ask({ transactionalId: '' })).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST })
    expect(await ask({ transactionalId: 't' })).toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR })
    const none = new KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    const failing = initProducerId({ transactions: noCoordinator, producerIds: { next: () => Promise.reject(none) }, logger: silentLogger })
    const body = { transactionalId: null, transactionTimeoutMs: 1 }
    expect(await test.ask(failing, initProducerIdApi, 0, body)).toMatchObject({ errorCode: none.code })
  })
})
