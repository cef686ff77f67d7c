// Offsets of very many partitions are stored in pieces: what becomes of topics in between is answered for each of them.
import {
  createTopicsApi,
  deleteTopicsApi,
  ErrorCode,
  offsetCommitApi,
  offsetFetchApi,
  txnOffsetCommitApi,
  ZERO_UUID,
} from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SimulatedBroker } from '../broker-simulation.ts'
import { Slices } from '../replica/slices.ts'
import { findCoordinator, newClient, TransactionClient } from './transaction-client.ts'

const { NONE, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID } = ErrorCode
const groupId = 'billing'
let broker: SimulatedBroker
/** Of topics, by name, as they were made first. */
const ids = new Map<string, string>()
beforeEach(async () => {
  broker = await SimulatedBroker.start(1)
  for (const name of ['stays', 'goes']) ids.set(name, await create(name))
  await findCoordinator(broker, groupId, 0)
})
afterEach(async () => {
  vi.restoreAllMocks()
  await broker.close()
})

const create = async (name: string): Promise<string> => {
  const topic = { name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  const created = await broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
  return created?.topics[0]?.topicId ?? ''
}

const offset = (partitionIndex: number) => ({ partitionIndex, committedOffset: 7, committedMetadata: '' })
/** More than one piece, of which the last is about a topic that goes before its turn comes. */
const topics = [
  { name: 'stays', partitions: Array.from({ length: 1200 }, (_, at) => offset(at % 2)) },
  { name: 'goes', partitions: [offset(0), offset(1)] },
]

/** Begins a request, and has the topic deleted and made again before it goes on. */
const replacing = async <R>(request: () => Promise<R>): Promise<R> => {
  const isOver = vi.spyOn(Slices.prototype, 'isOver', 'get').mockReturnValue(true)
  const waiting: (() => void)[] = []
  const held = new Promise<void>(resolve => waiting.push(resolve))
  vi.spyOn(Slices.prototype, 'pause').mockReturnValue(held)
  const answer = request()
  await new Promise(resolve => setImmediate(resolve))
  isOver.mockReturnValue(false)
  await broker.ask(deleteTopicsApi, 6, { topics: [{ name: 'goes', topicId: ZERO_UUID }], timeoutMs: 1000 })
  await create('goes')
  waiting[0]?.()
  return answer
}

const stored = async () => {
  const groups = [{ groupId, topics: ['stays', 'goes'].map(name => ({ name, partitionIndexes: [0, 1] })) }]
  const fetched = await broker.ask(offsetFetchApi, 9, { groups, requireStable: true })
  return fetched?.groups[0]?.topics.map(({ partitions }) => partitions.map(({ committedOffset }) => committedOffset))
}

describe('a topic that is deleted and made again while a request about offsets is under way', () => {
  it.each([
    [9, UNKNOWN_TOPIC_OR_PARTITION],
    [10, UNKNOWN_TOPIC_ID],
  ])('has no offsets of the one before by OffsetCommit %i', async (version, missing) => {
    const commit = topics.map(topic => ({ ...topic, topicId: ids.get(topic.name) ?? ZERO_UUID }))
    const body = { groupId, memberId: '', generationIdOrMemberEpoch: -1, topics: commit }
    const answer = await replacing(() => broker.ask(offsetCommitApi, version, body))
    expect(answer?.topics.map(({ partitions }) => new Set(partitions.map(({ errorCode }) => errorCode)))).toEqual([
      new Set([NONE]),
      new Set([missing]),
    ])
    expect(await stored()).toEqual([
      [7, 7],
      [-1, -1],
    ])
  })

  it('has none by TxnOffsetCommit', async () => {
    const client = new TransactionClient(broker, 'transfers', newClient)
    expect(await client.init()).toBe(NONE)
    const { transactionalId, producerId, producerEpoch } = client
    const body = { transactionalId, groupId, producerId, producerEpoch, topics }
    const answer = await replacing(() => broker.ask(txnOffsetCommitApi, 5, body))
    expect(answer?.topics.map(({ partitions }) => new Set(partitions.map(({ errorCode }) => errorCode)))).toEqual([
      new Set([NONE]),
      new Set([UNKNOWN_TOPIC_OR_PARTITION]),
    ])
    expect(await client.end(true)).toBe(NONE)
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
    expect(await stored()).toEqual([
      [7, 7],
      [-1, -1],
    ])
  })
})
