import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deferred, endRequest, type Producer, type ReachableState, TestCoordinator } from './testing.ts'

let coordinator: TestCoordinator

beforeEach(async () => {
  coordinator = await TestCoordinator.create()
})
afterEach(() => coordinator.close())

const errorOf = (producer: Producer, committed: boolean, apiVersion: number): Promise<string> =>
  coordinator.errorOf(state => state.end(endRequest(producer, committed), { apiVersion }))

type Row = readonly [state: ReachableState, abort: string, commit: string]

describe('EndTxn with transactions version 2', () => {
  it.each<Row>([
    ['Empty', 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
    ['Ongoing', 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
    ['PrepareCommit', 'INVALID_TXN_STATE', 'CONCURRENT_TRANSACTIONS'],
    ['PrepareAbort', 'CONCURRENT_TRANSACTIONS', 'INVALID_TXN_STATE'],
    ['CompleteCommit', 'INVALID_TXN_STATE', 'NONE'],
    ['CompleteAbort', 'NONE', 'INVALID_TXN_STATE'],
  ])('sent again in state %s: abort %s, commit %s', async (state, abort, commit) => {
    const now = await coordinator.producerIn(state)
    const before = { ...now, producerEpoch: now.producerEpoch - 1 }
    expect(await errorOf(before, false, 5)).toBe(abort)
    expect(await errorOf(before, true, 5)).toBe(commit)
    expect(await errorOf({ ...before, producerEpoch: before.producerEpoch - 1 }, true, 5)).toBe('PRODUCER_FENCED')
  })

  it.each<Row>([
    ['Empty', 'NONE', 'INVALID_TXN_STATE'],
    ['Ongoing', 'NONE', 'NONE'],
    ['PrepareCommit', 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
    ['PrepareAbort', 'PRODUCER_FENCED', 'PRODUCER_FENCED'],
    ['CompleteCommit', 'NONE', 'INVALID_TXN_STATE'],
    ['CompleteAbort', 'NONE', 'INVALID_TXN_STATE'],
  ])('with the current epoch in state %s: abort %s, commit %s', async (state, abort, commit) => {
    expect(await errorOf(await coordinator.producerIn(state), true, 5)).toBe(commit)
    coordinator.close()
    coordinator = await TestCoordinator.create()
    expect(await errorOf(await coordinator.producerIn(state), false, 5)).toBe(abort)
  })

  it('tells the next epoch, also when it is asked again', async () => {
    const producer = await coordinator.producerIn('Ongoing')
    const next = { errorCode: 0, producerId: 1000, producerEpoch: 1 }
    expect(await coordinator.end(producer, true)).toMatchObject(next)
    expect(await coordinator.end(producer, true)).toMatchObject(next)
    expect(coordinator.history('transfers')).toEqual(['Empty 0', 'Ongoing 0', 'PrepareCommit 1', 'CompleteCommit 1'])
    expect(coordinator.markers.written).toEqual([
      {
        producerId: 1000,
        producerEpoch: 1,
        committed: true,
        coordinatorEpoch: 1,
        transactionVersion: 2,
        partitions: new Map([['orders', new Set([0, 1])]]),
      },
    ])
  })

  it('aborts nothing where there is nothing, and bumps the epoch', async () => {
    const producer = await coordinator.producerIn('Empty')
    expect(await coordinator.end(producer, false)).toMatchObject({ producerEpoch: 1 })
    expect(coordinator.history('transfers')).toEqual(['Empty 0', 'PrepareAbort 1', 'CompleteAbort 1'])
    expect(coordinator.logged('transfers')?.startedAtMs).toBe(coordinator.clock.now())
    expect(coordinator.markers.written).toEqual([])
  })

  it('goes on with a new producer id where the epochs are used up', async () => {
    await coordinator.begin('transfers', { producerEpoch: 32_766 })
    const producer = { transactionalId: 'transfers', producerId: 1000, producerEpoch: 32_766 }
    await coordinator.add(producer, [0])
    const next = { errorCode: 0, producerId: 1001, producerEpoch: 0 }
    const { promise, resolve: ready } = deferred<number>()
    coordinator.nextProducerId = () => promise
    const end = coordinator.end(producer, true)
    ready(1001)
    expect(await end).toMatchObject(next)
    expect(coordinator.history('transfers').slice(-2)).toEqual(['PrepareCommit 32767', 'CompleteCommit 0'])
    expect(coordinator.markers.written).toMatchObject([{ producerId: 1000, producerEpoch: 32_767 }])
    expect(await coordinator.end(producer, true)).toMatchObject(next)
    expect(await errorOf(producer, false, 5)).toBe('INVALID_TXN_STATE')
    expect(await errorOf({ ...producer, producerEpoch: 32_765 }, true, 5)).toBe('INVALID_PRODUCER_ID_MAPPING')
    await coordinator.add({ ...producer, producerId: 1001, producerEpoch: 0 }, [0])
    expect(await coordinator.end({ ...producer, producerId: 1001, producerEpoch: 0 }, true)).toMatchObject({ producerEpoch: 1 })
  })
})

describe('EndTxn before transactions version 2', () => {
  it.each<Row>([
    ['Empty', 'INVALID_TXN_STATE', 'INVALID_TXN_STATE'],
    ['Ongoing', 'NONE', 'NONE'],
    ['PrepareCommit', 'INVALID_TXN_STATE', 'CONCURRENT_TRANSACTIONS'],
    ['PrepareAbort', 'CONCURRENT_TRANSACTIONS', 'INVALID_TXN_STATE'],
    ['CompleteCommit', 'INVALID_TXN_STATE', 'NONE'],
    ['CompleteAbort', 'NONE', 'INVALID_TXN_STATE'],
  ])('in state %s: abort %s, commit %s', async (state, abort, commit) => {
    expect(await errorOf(await coordinator.producerIn(state, 4), false, 4)).toBe(abort)
    coordinator.close()
    coordinator = await TestCoordinator.create()
    expect(await errorOf(await coordinator.producerIn(state, 4), true, 4)).toBe(commit)
  })

  it('leaves the epoch as it is', async () => {
    const producer = await coordinator.producerIn('Ongoing', 4)
    expect(await coordinator.end(producer, true, 4)).toMatchObject({ errorCode: 0, producerId: -1, producerEpoch: -1 })
    expect(coordinator.history('transfers')).toEqual(['Empty 0', 'Ongoing 0', 'PrepareCommit 0', 'CompleteCommit 0'])
    expect(coordinator.markers.written).toMatchObject([{ producerEpoch: 0, transactionVersion: 0 }])
  })
})

describe('EndTxn of somebody else', () => {
  it.each([
    [1, 'INVALID_PRODUCER_EPOCH'],
    [2, 'PRODUCER_FENCED'],
    [4, 'PRODUCER_FENCED'],
    [5, 'PRODUCER_FENCED'],
  ])('is told in version %i that it is fenced with %s', async (version, error) => {
    const producer = await coordinator.producerIn('Ongoing', version)
    expect(await errorOf({ ...producer, producerEpoch: 7 }, true, version)).toBe(error)
    expect(await errorOf({ ...producer, producerId: 7 }, true, version)).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(await errorOf({ ...producer, transactionalId: 'others' }, true, version)).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(await errorOf({ ...producer, transactionalId: '' }, true, version)).toBe('INVALID_REQUEST')
  })
})

describe('a producer with transactions version 2 whose place one without it has taken', () => {
  it('does not come by the epoch of the other', async () => {
    const zombie = await coordinator.producerIn('Empty')
    const producer = await coordinator.producer('transfers')
    await coordinator.add(producer, [0], 3)
    await coordinator.end(producer, true, 4)
    expect(coordinator.history('transfers').at(-1)).toBe('CompleteCommit 1')
    expect(await errorOf(zombie, true, 5)).toBe('PRODUCER_FENCED')
    expect(await errorOf(zombie, false, 5)).toBe('PRODUCER_FENCED')
  })
})

describe('an outcome', () => {
  it('is answered, and its markers written, once it is committed', async () => {
    const producer = await coordinator.producerIn('Ongoing')
    coordinator.log.holds = true
    let isAnswered = false
    const end = coordinator.end(producer, true).then(() => (isAnswered = true))
    await coordinator.advance(1000)
    expect([isAnswered, coordinator.markers.written.length]).toEqual([false, 0])
    coordinator.log.holds = false
    coordinator.log.commit()
    await end
    expect(coordinator.history('transfers').at(-1)).toBe('CompleteCommit 1')
  })

  it('is carried out also where its answer was given up before it was committed', async () => {
    const producer = await coordinator.producerIn('Ongoing')
    coordinator.log.holds = true
    const error = errorOf(producer, true, 5)
    await coordinator.advance(20_000)
    expect(await error).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(coordinator.markers.written).toEqual([])
    coordinator.log.holds = false
    coordinator.log.commit()
    await coordinator.advance(100)
    expect(coordinator.history('transfers').at(-1)).toBe('CompleteCommit 1')
    expect(await coordinator.end(producer, true)).toMatchObject({ errorCode: 0, producerEpoch: 1 })
  })
})
