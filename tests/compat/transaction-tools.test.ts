// Apache Kafka's kafka-transactions.sh (4.3.1): list, describe, describe-producers, find-hanging, abort and forceTerminateTransaction, of transactions
// that are open, done, and left behind. The broker does not verify transactional produces, so that one may be left behind on a partition that
// the coordinator does not know of. OTTLA_COMPAT_KAFKA=1 has Apache Kafka as the broker.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  addPartitionsToTxnApi,
  BatchBuilder,
  endTxnApi,
  ErrorCode,
  findCoordinatorApi,
  initProducerIdApi,
  produceApi,
} from '@ottla/protocol'
import { createTopic } from './group-run.ts'
import { available, kafkaBin, kafkaToolsMissing, run } from './programs.ts'
import { startTested, type TestedBroker } from './transaction-broker.ts'
import { CommittedReader } from './transaction-reader.ts'
import { Wire } from './wire.ts'

const there = available("Apache Kafka's tools", kafkaToolsMissing)

let broker: TestedBroker
let wire: Wire
beforeAll(async () => {
  if (!there) return
  broker = await startTested({ 'transaction.partition.verification.enable': 'false' })
  wire = await Wire.connect(broker.port)
})
afterAll(async () => {
  await wire?.[Symbol.asyncDispose]()
  await broker?.[Symbol.asyncDispose]()
})

interface Producer {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** A producer with a transactional id; asks until the coordinator is there. */
async function producerOf(transactionalId: string): Promise<Producer> {
  for (let left = 100; ; left--) {
    await wire.ask(findCoordinatorApi, 4, { keyType: 1, coordinatorKeys: [transactionalId] })
    const answer = await wire.ask(initProducerIdApi, 4, {
      transactionalId,
      transactionTimeoutMs: 600_000,
      producerId: -1,
      producerEpoch: -1,
    })
    if (answer.errorCode === ErrorCode.NONE) return { transactionalId, producerId: answer.producerId, producerEpoch: answer.producerEpoch }
    if (left === 0) throw new Error(`InitProducerId: error ${answer.errorCode}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function addPartition({ transactionalId, producerId, producerEpoch }: Producer, topic: string, partition: number): Promise<void> {
  const answer = await wire.ask(addPartitionsToTxnApi, 3, {
    v3AndBelowTransactionalId: transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
  })
  expect(answer.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode).toBe(ErrorCode.NONE)
}

/** Three transactional records; their first offset. */
async function write(producer: Producer, place: { topic: string; index: number }, timestamp = Date.now()): Promise<number> {
  const { transactionalId, producerId, producerEpoch } = producer
  const builder = new BatchBuilder({ compression: 'none', producerId, producerEpoch, baseSequence: 0, isTransactional: true })
  for (const value of ['a', 'b', 'c']) builder.append({ timestamp, key: null, value: Buffer.from(value), headers: [] })
  const topicData = [{ name: place.topic, partitionData: [{ index: place.index, records: builder.build().bytes }] }]
  const answer = await wire.ask(produceApi, 9, { transactionalId, acks: -1, timeoutMs: 10_000, topicData })
  const done = answer.responses[0]?.partitionResponses[0]
  expect(done?.errorCode).toBe(ErrorCode.NONE)
  return done?.baseOffset ?? -1
}

/** The lines of a table that the tool prints, cut at the spaces; the first is the header. */
async function table(...words: string[]): Promise<string[][]> {
  const finished = await run(join(kafkaBin, 'kafka-transactions.sh'), ['--bootstrap-server', broker.bootstrap, ...words])
  expect(finished.code, `${words.join(' ')}:\n${finished.stdout}${finished.stderr}`).toBe(0)
  return finished.stdout
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/))
}

const rowOf = (rows: string[][], column: number, value: string) => rows.find(row => row[column] === value)

describe.runIf(there)('kafka-transactions.sh', () => {
  it('lists and describes a transaction that is open, and ends it by force', { timeout: 180_000 }, async () => {
    await createTopic(broker.port, 'open', 2)
    await using reader = new CommittedReader(broker.port, 'open', 2)
    const producer = await producerOf('open-id')
    const { producerId, producerEpoch } = producer
    await addPartition(producer, 'open', 1)
    const start = await write(producer, { topic: 'open', index: 1 })

    const listed = await table('list')
    expect(listed[0]).toEqual(['TransactionalId', 'Coordinator', 'ProducerId', 'TransactionState'])
    expect(rowOf(listed, 0, 'open-id')?.slice(2)).toEqual([`${producerId}`, 'Ongoing'])

    const [header, described = []] = await table('describe', '--transactional-id', 'open-id')
    expect(header).toEqual([
      'CoordinatorId',
      'TransactionalId',
      'ProducerId',
      'ProducerEpoch',
      'TransactionState',
      'TransactionTimeoutMs',
      'CurrentTransactionStartTimeMs',
      'TransactionDurationMs',
      'TopicPartitions',
    ])
    expect(described.slice(1, 6)).toEqual(['open-id', `${producerId}`, `${producerEpoch}`, 'Ongoing', '600000'])
    expect(described[8]).toBe('open-1')

    const [, written] = await table('describe-producers', '--topic', 'open', '--partition', '1')
    expect(written?.slice(0, 4)).toEqual([`${producerId}`, `${producerEpoch}`, '-1', '2'])
    expect(written?.[5]).toBe(`${start}`)
    expect(await table('find-hanging', '--topic', 'open', '--max-transaction-timeout', '1')).toHaveLength(1)

    await table('forceTerminateTransaction', '--transactionalId', 'open-id')
    await expect.poll(async () => (await table('describe', '--transactional-id', 'open-id'))[1]?.[4], { timeout: 20_000 }).toBe('Empty')
    const [, after] = await table('describe-producers', '--topic', 'open', '--partition', '1')
    expect(after?.[5]).toBe('None')
    const fenced = { transactionalId: 'open-id', producerId, producerEpoch, committed: true }
    expect([ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_PRODUCER_EPOCH]).toContain((await wire.ask(endTxnApi, 3, fenced)).errorCode)
    await reader.drained()
    expect({ wrong: reader.wrong, count: reader.count }).toEqual({ wrong: [], count: 0 })
  })

  it('finds a transaction that was left behind, and aborts it', { timeout: 180_000 }, async () => {
    await createTopic(broker.port, 'hanging', 1)
    await using reader = new CommittedReader(broker.port, 'hanging', 1)
    const producer = await producerOf('hanging-id')
    // The coordinator is not told of the partition, and the records are an hour old.
    const start = await write(producer, { topic: 'hanging', index: 0 }, Date.now() - 3_600_000)

    const hanging = await table('find-hanging', '--topic', 'hanging', '--max-transaction-timeout', '1')
    expect(hanging).toHaveLength(2)
    expect(hanging[1]?.slice(0, 6)).toEqual(['hanging', '0', `${producer.producerId}`, `${producer.producerEpoch}`, '-1', `${start}`])
    const byBroker = await table('find-hanging', '--broker-id', (await table('list'))[1]?.[1] ?? '', '--max-transaction-timeout', '1')
    expect(rowOf(byBroker, 0, 'hanging')).toBeDefined()

    await table('abort', '--topic', 'hanging', '--partition', '0', '--start-offset', `${start}`)
    expect(await table('find-hanging', '--topic', 'hanging', '--max-transaction-timeout', '1')).toHaveLength(1)
    await reader.drained()
    expect({ wrong: reader.wrong, count: reader.count }).toEqual({ wrong: [], count: 0 })
  })
})
