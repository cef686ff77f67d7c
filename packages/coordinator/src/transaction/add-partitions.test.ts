import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { additionResult, additionsOf } from './add-partitions.ts'
import { addRequest, type Producer, type ReachableState, TestCoordinator } from './testing.ts'

let coordinator: TestCoordinator

beforeEach(async () => {
  coordinator = await TestCoordinator.create()
})
afterEach(() => coordinator.close())

const errorOf = (producer: Producer, { version = 5, verifyOnly = false, partitions = [0] } = {}): Promise<string> => {
  const [addition] = additionsOf(addRequest(producer, partitions, verifyOnly), { apiVersion: 4 })
  if (addition === undefined) throw new Error('nothing to add')
  return coordinator.errorOf(state => state.addPartitions(addition, { apiVersion: version }))
}

const verify = (producer: Producer, partitions: readonly number[]): Promise<unknown> => {
  const [addition] = additionsOf(addRequest(producer, partitions, true), { apiVersion: 4 })
  if (addition === undefined) throw new Error('nothing to verify')
  return coordinator.run(state => state.addPartitions(addition, { apiVersion: 4 }))
}

describe('AddPartitionsToTxn', () => {
  it('begins a transaction and lets it grow; partitions that are in it already cost nothing', async () => {
    const producer = await coordinator.producer('transfers')
    const result = {
      transactionalId: 'transfers',
      topicResults: [{ name: 'orders', resultsByPartition: [{ partitionIndex: 3, partitionErrorCode: 0 }] }],
    }
    const startedAtMs = coordinator.clock.now()
    expect(await coordinator.add(producer, [3])).toEqual(result)
    await coordinator.advance(1000)
    expect(await coordinator.add(producer, [3])).toEqual(result)
    await coordinator.add(producer, [4])
    expect(coordinator.history('transfers')).toEqual(['Empty 0', 'Ongoing 0', 'Ongoing 0'])
    expect(coordinator.logged('transfers')).toMatchObject({
      partitions: new Map([['orders', new Set([3, 4])]]),
      startedAtMs,
      updatedAtMs: startedAtMs + 1000,
      clientVersion: 2,
    })
  })

  it.each<[ReachableState, string]>([
    ['Empty', 'NONE'],
    ['Ongoing', 'NONE'],
    ['PrepareCommit', 'CONCURRENT_TRANSACTIONS'],
    ['PrepareAbort', 'CONCURRENT_TRANSACTIONS'],
    ['CompleteCommit', 'NONE'],
    ['CompleteAbort', 'NONE'],
  ])('answers in state %s with %s', async (state, error) => {
    const producer = await coordinator.producerIn(state)
    expect(await errorOf(producer, { partitions: [7] })).toBe(error)
    coordinator.openGate()
    await coordinator.advance(100)
    expect(await errorOf(producer, { partitions: [7] })).toBe('NONE')
  })

  it.each([
    [1, 'INVALID_PRODUCER_EPOCH'],
    [2, 'PRODUCER_FENCED'],
    [3, 'PRODUCER_FENCED'],
    [5, 'PRODUCER_FENCED'],
  ])('tells a fenced producer in version %i with %s', async (version, error) => {
    const producer = await coordinator.producer('transfers')
    expect(await errorOf({ ...producer, producerEpoch: 7 }, { version })).toBe(error)
    expect(await errorOf({ ...producer, producerId: 7 }, { version })).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(await errorOf({ ...producer, transactionalId: 'others' }, { version })).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(await errorOf({ ...producer, transactionalId: '' }, { version })).toBe('INVALID_REQUEST')
  })

  it('bounds the partitions of a transaction', async () => {
    const producer = await coordinator.producer('transfers')
    const many = Array.from({ length: 131_000 }, (_, partition) => partition)
    expect(await errorOf(producer, { partitions: many })).toBe('NONE')
    expect(await errorOf(producer, { partitions: many.map(partition => partition + 131_000) })).toBe('INVALID_REQUEST')
    expect(await coordinator.end(producer, false)).toMatchObject({ errorCode: 0 })
  })

  it('reads one transaction of a request up to version 3', () => {
    const request = { ...addRequest({ transactionalId: 'a', producerId: 1, producerEpoch: 2 }, [1]), v3AndBelowTransactionalId: 'b' }
    expect(additionsOf(request, { apiVersion: 3 })).toEqual([
      { transactionalId: 'b', producerId: -1, producerEpoch: -1, verifyOnly: false, topics: [] },
    ])
    const additions = additionsOf(request, { apiVersion: 4 })
    expect(additions.map(addition => additionResult(addition, 51).topicResults)).toEqual([
      [{ name: 'orders', resultsByPartition: [{ partitionIndex: 1, partitionErrorCode: 51 }] }],
    ])
  })
})

describe('verification of partitions', () => {
  it('tells which are in the transaction', async () => {
    const producer = await coordinator.producerIn('Ongoing')
    expect(await verify(producer, [0, 5])).toMatchObject({
      topicResults: [
        {
          resultsByPartition: [
            { partitionIndex: 0, partitionErrorCode: 0 },
            { partitionIndex: 5, partitionErrorCode: 120 },
          ],
        },
      ],
    })
    expect(coordinator.history('transfers')).toEqual(['Empty 0', 'Ongoing 0'])
  })

  it('refuses others than the producer, and waits for markers', async () => {
    const producer = await coordinator.producerIn('PrepareAbort')
    expect(await errorOf(producer, { verifyOnly: true })).toBe('CONCURRENT_TRANSACTIONS')
    expect(await errorOf({ ...producer, producerEpoch: 0 }, { verifyOnly: true })).toBe('PRODUCER_FENCED')
    expect(await errorOf({ ...producer, producerId: 0 }, { verifyOnly: true })).toBe('INVALID_PRODUCER_ID_MAPPING')
  })
})

describe('AddOffsetsToTxn', () => {
  it('adds the partition of the group', async () => {
    const { transactionalId, producerId, producerEpoch } = await coordinator.producer('transfers')
    const request = { transactionalId, producerId, producerEpoch, groupId: 'billing' }
    const decide = (epoch: number, apiVersion: number): Promise<string> =>
      coordinator.errorOf(state => state.addOffsets({ ...request, producerEpoch: epoch }, { apiVersion, offsetsPartition: 17 }))
    expect(await decide(producerEpoch, 4)).toBe('NONE')
    expect(coordinator.logged('transfers')).toMatchObject({
      state: 'Ongoing',
      partitions: new Map([['__consumer_offsets', new Set([17])]]),
      clientVersion: 0,
    })
    expect(await decide(producerEpoch + 1, 1)).toBe('INVALID_PRODUCER_EPOCH')
    expect(await decide(producerEpoch + 1, 2)).toBe('PRODUCER_FENCED')
  })
})
