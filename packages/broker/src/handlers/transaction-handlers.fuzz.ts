// Whatever clients ask of transactions, in whatever version and order: each request is answered, at the latest when the broker has stopped, what
// the answer is made of fits its version, and none says that the broker itself is at a loss.
import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  type AnyApi,
  BatchBuilder,
  createTopicsApi,
  describeProducersApi,
  describeTransactionsApi,
  endTxnApi,
  findCoordinatorApi,
  initProducerIdApi,
  listTransactionsApi,
  produceApi,
  txnOffsetCommitApi,
  writeTxnMarkersApi,
} from '@ottla/protocol'
import * as fc from 'fast-check'
import { describe, it } from 'vitest'
import { SimulatedBroker } from '../broker-simulation.ts'

const LONG = 'x'.repeat(32_767)
const number = (...usual: number[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...usual) }, fc.constantFrom(-2_147_483_648, 2_147_483_647, -1))
const epoch = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(0, 0, 1, 2) }, fc.constantFrom(-32_768, 32_767, 32_766, -1))
const transactionalId = fc.constantFrom('a', 'a', 'a', 'b', '', LONG)
const producerId = number(0, 0, 0, 1)
const groupId = fc.constantFrom('g', 'g', '', LONG)
const topicName = fc.constantFrom('t', 't', 't', 't', 'none', '__consumer_offsets', '')
const partition = number(0, 0, 1, 2)
const some = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 3 })
const producer = { transactionalId, producerId, producerEpoch: epoch }
const partitions = some(fc.record({ name: topicName, partitions: some(partition) }))

/** Requests of one API in one version. */
type Bodies = (version: number) => fc.Arbitrary<object>

const addition: Bodies = version =>
  version >= 4
    ? fc.record({ transactions: some(fc.record({ ...producer, verifyOnly: fc.boolean(), topics: partitions })) })
    : fc.record({
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: epoch,
        v3AndBelowTopics: partitions,
      })

const initialization: Bodies = version => {
  const claim = { producerId: fc.constantFrom(-1, 0), producerEpoch: fc.constantFrom(-1, -1, 0) }
  const twoPhases = version >= 6 ? { enable2Pc: fc.boolean(), keepPreparedTxn: fc.boolean() } : {}
  return fc.record({
    transactionalId: fc.option(transactionalId),
    transactionTimeoutMs: number(1000, 60_000),
    ...(version >= 3 ? claim : {}),
    ...twoPhases,
  })
}

const offsets: Bodies = version => {
  const member = { generationId: number(-1, 0), memberId: fc.constantFrom('', 'm'), groupInstanceId: fc.constantFrom(null, 'i') }
  const committed = {
    partitionIndex: partition,
    committedOffset: number(0, 5),
    committedMetadata: fc.constantFrom(null, '', 'x'.repeat(5000)),
  }
  const topics = some(fc.record({ name: topicName, partitions: some(fc.record(committed)) }))
  return fc.record({ ...producer, groupId, topics, ...(version >= 3 ? member : {}) })
}

const markers: Bodies = version => {
  const topics = some(fc.record({ name: topicName, partitionIndexes: some(partition) }))
  const versioned = version >= 2 ? { transactionVersion: fc.constantFrom(0, 2, 127) } : {}
  const marker = { producerId, producerEpoch: epoch, transactionResult: fc.boolean(), topics, coordinatorEpoch: number(0, 1), ...versioned }
  return fc.record({ markers: some(fc.record(marker)) })
}

interface BatchFacts {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional: boolean
}

const batch = fc
  .record({
    producerId: fc.constantFrom(0, 0, 1, -1),
    producerEpoch: epoch,
    baseSequence: fc.constantFrom(0, 0, 1),
    isTransactional: fc.boolean(),
  })
  .map((facts: BatchFacts) => {
    const builder = new BatchBuilder(facts)
    builder.append({ timestamp: 1, value: 'x' })
    return Buffer.from(builder.build().bytes)
  })

const production: Bodies = () => {
  const records = fc.oneof({ weight: 8, arbitrary: batch }, fc.constantFrom(null, Buffer.alloc(0), Buffer.alloc(60, 0xff)))
  const partitionData = some(fc.record({ index: partition, records }))
  return fc.record({
    transactionalId: fc.option(transactionalId),
    acks: fc.constantFrom(-1, 1),
    timeoutMs: fc.constant(1000),
    topicData: some(fc.record({ name: topicName, partitionData })),
  })
}

const kinds: readonly { readonly api: AnyApi; readonly newest: number; readonly oldest?: number; readonly bodies: Bodies }[] = [
  { api: initProducerIdApi, newest: 6, bodies: initialization },
  { api: addPartitionsToTxnApi, newest: 5, bodies: addition },
  { api: addOffsetsToTxnApi, newest: 4, bodies: () => fc.record({ ...producer, groupId }) },
  { api: txnOffsetCommitApi, newest: 5, bodies: offsets },
  { api: endTxnApi, newest: 5, bodies: () => fc.record({ ...producer, committed: fc.boolean() }) },
  { api: produceApi, oldest: 3, newest: 12, bodies: production },
  { api: produceApi, oldest: 12, newest: 12, bodies: production },
  { api: writeTxnMarkersApi, oldest: 1, newest: 2, bodies: markers },
  { api: describeTransactionsApi, newest: 0, bodies: () => fc.record({ transactionalIds: some(transactionalId) }) },
  {
    api: listTransactionsApi,
    oldest: 2,
    newest: 2,
    bodies: () =>
      fc.record({
        stateFilters: some(fc.constantFrom('Ongoing', '?')),
        producerIdFilters: some(producerId),
        durationFilter: number(-1, 1000),
        transactionalIdPattern: fc.constantFrom(null, '', 'a.*', '('),
      }),
  },
  {
    api: describeProducersApi,
    newest: 0,
    bodies: () => fc.record({ topics: some(fc.record({ name: topicName, partitionIndexes: some(partition) })) }),
  },
]

type Step = { readonly api: AnyApi; readonly version: number; readonly body: object } | { readonly waitMs: number } | 'stop' | 'kill'

const request: fc.Arbitrary<Step> = fc
  .constantFrom(...kinds)
  .chain(kind => fc.tuple(fc.constant(kind), fc.integer({ min: kind.oldest ?? 0, max: kind.newest })))
  .chain(([{ api, bodies }, version]) => bodies(version).map(body => ({ api, version, body })))
const step = fc.oneof(
  { weight: 24, arbitrary: request },
  { weight: 4, arbitrary: fc.constantFrom(20, 3000, 12_000, 4_000_000).map(waitMs => ({ waitMs })) },
  { weight: 1, arbitrary: fc.constantFrom<Step>('stop', 'kill') },
)

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
}

async function live(steps: readonly Step[]): Promise<void> {
  const broker = await SimulatedBroker.start(1)
  const topic = { name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  await broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
  for (const keyType of [0, 1]) await broker.ask(findCoordinatorApi, 4, { keyType, coordinatorKeys: ['a'] })
  let failure: Error | undefined
  const waiting: Promise<void>[] = []
  const ask = async (api: AnyApi, version: number, body: object): Promise<void> => {
    try {
      const answer = await broker.ask(api, version, { ...body })
      if (JSON.stringify(answer).includes('rorCode":-1')) throw new Error('this was not to be expected by the broker either')
    } catch (error) {
      failure ??= new Error(`${api.name} ${version} ${JSON.stringify(body).replaceAll(LONG, 'LONG')}`, { cause: error })
    }
  }
  for (const one of steps) {
    if (one === 'stop' || one === 'kill') await broker.restart(one)
    else if ('waitMs' in one) broker.clock.advance(one.waitMs)
    else waiting.push(ask(one.api, one.version, one.body))
    await settle()
  }
  await broker.close()
  for (let pause = 0; pause < 10; pause++) {
    broker.clock.advance(20)
    await settle()
  }
  await Promise.all(waiting)
  if (failure !== undefined) throw failure
}

describe('requests about transactions', () => {
  it('are all answered', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), live))
  })
})
