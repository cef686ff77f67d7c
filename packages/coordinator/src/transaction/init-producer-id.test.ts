import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deferred, initRequest, type ReachableState, settle, TestCoordinator } from './testing.ts'

let coordinator: TestCoordinator

beforeEach(async () => {
  coordinator = await TestCoordinator.create()
})
afterEach(() => coordinator.close())

const errorOf = (changes: Parameters<typeof initRequest>[1] & { id?: string } = {}, apiVersion = 5): Promise<string> => {
  const { id = 'transfers', ...others } = changes
  return coordinator.errorOf(state => state.initProducerId(initRequest(id, others), { apiVersion }))
}

describe('InitProducerId of a transactional producer', () => {
  it('gives a new id epoch 0, and each next producer the next epoch', async () => {
    expect(await coordinator.init('transfers')).toMatchObject({ errorCode: 0, producerId: 1000, producerEpoch: 0 })
    expect(await coordinator.init('transfers')).toMatchObject({ producerId: 1000, producerEpoch: 1 })
    expect(await coordinator.init('others')).toMatchObject({ producerId: 1001, producerEpoch: 0 })
    expect(coordinator.history('transfers')).toEqual(['Empty 0', 'Empty 1'])
  })

  it('refuses what it cannot serve', async () => {
    expect(await errorOf({ id: '' })).toBe('INVALID_REQUEST')
    expect(await errorOf({ producerId: 5 })).toBe('INVALID_REQUEST')
    expect(await errorOf({ producerEpoch: 5 })).toBe('INVALID_REQUEST')
    expect(await errorOf({ id: 'ü'.repeat(16_384) })).toBe('INVALID_REQUEST')
    expect(await errorOf({ transactionTimeoutMs: 0 })).toBe('INVALID_TRANSACTION_TIMEOUT')
    expect(await errorOf({ transactionTimeoutMs: -1 })).toBe('INVALID_TRANSACTION_TIMEOUT')
    expect(await errorOf({ transactionTimeoutMs: 900_001 })).toBe('INVALID_TRANSACTION_TIMEOUT')
    expect(await errorOf({ enable2Pc: true })).toBe('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
    expect(await errorOf({ keepPreparedTxn: true })).toBe('UNSUPPORTED_VERSION')
    expect(await errorOf({ transactionTimeoutMs: 900_000 })).toBe('NONE')
    expect(await errorOf({ id: 'x'.repeat(32_767) })).toBe('NONE')
    coordinator.settings.transactionTwoPhaseCommitEnable = true
    expect(await errorOf({ enable2Pc: true })).toBe('NONE')
    expect(coordinator.logged('transfers')?.timeoutMs).toBe(0x7fffffff)
  })

  it('lets a producer go on with its epoch, also when it asks twice', async () => {
    const { producerId, producerEpoch } = await coordinator.producer('transfers')
    const claim = { producerId, producerEpoch }
    expect(await coordinator.init('transfers', claim)).toMatchObject({ producerEpoch: 1 })
    expect(await coordinator.init('transfers', claim)).toMatchObject({ producerEpoch: 1 })
    expect(await coordinator.init('transfers', { producerId, producerEpoch: 1 })).toMatchObject({ producerEpoch: 2 })
    expect(await errorOf(claim)).toBe('PRODUCER_FENCED')
    // A new producer fences all claims before it, also the last one.
    expect(await coordinator.init('transfers')).toMatchObject({ producerEpoch: 3 })
    expect(await errorOf({ producerId, producerEpoch: 2 })).toBe('PRODUCER_FENCED')
  })

  it('gives a producer of an id that nobody knows any more a new one', async () => {
    expect(await coordinator.init('transfers', { producerId: 77, producerEpoch: 12 })).toMatchObject({ producerId: 1000, producerEpoch: 0 })
  })

  it.each([
    [3, 'INVALID_PRODUCER_EPOCH'],
    [4, 'PRODUCER_FENCED'],
    [5, 'PRODUCER_FENCED'],
  ])('tells a fenced producer in version %i with %s', async (version, error) => {
    await coordinator.producer('transfers')
    expect(await errorOf({ producerId: 999, producerEpoch: 0 }, version)).toBe(error)
    expect(await errorOf({ producerId: 1000, producerEpoch: 9 }, version)).toBe(error)
  })

  it.each<[ReachableState, string]>([
    ['Empty', 'NONE'],
    ['Ongoing', 'CONCURRENT_TRANSACTIONS'],
    ['PrepareCommit', 'CONCURRENT_TRANSACTIONS'],
    ['PrepareAbort', 'CONCURRENT_TRANSACTIONS'],
    ['CompleteCommit', 'NONE'],
    ['CompleteAbort', 'NONE'],
  ])('answers in state %s with %s', async (state, error) => {
    await coordinator.producerIn(state)
    expect(await errorOf()).toBe(error)
  })

  it('aborts what the producer before had open, and gives out the epoch after that of the abort', async () => {
    await coordinator.producerIn('Ongoing')
    expect(await errorOf()).toBe('CONCURRENT_TRANSACTIONS')
    expect(await coordinator.init('transfers')).toMatchObject({ producerId: 1000, producerEpoch: 2 })
    expect(coordinator.history('transfers')).toEqual(['Empty 0', 'Ongoing 0', 'PrepareAbort 1', 'CompleteAbort 1', 'Empty 2'])
    expect(coordinator.markers.written).toMatchObject([{ producerEpoch: 1, committed: false, transactionVersion: 2 }])
  })

  it('aborts so also before transactions version 2', async () => {
    coordinator.settings.transactionVersion = 1
    await coordinator.producerIn('Ongoing', 4)
    expect(await errorOf()).toBe('CONCURRENT_TRANSACTIONS')
    expect(await coordinator.init('transfers')).toMatchObject({ producerEpoch: 2 })
    expect(coordinator.markers.written).toMatchObject([{ producerEpoch: 1, committed: false, transactionVersion: 0 }])
  })
})

/** The last epoch of a producer id is given out. */
const exhaust = async (): Promise<number> => {
  await coordinator.begin('transfers', { producerId: 999, producerEpoch: 32_765 })
  const { producerId = -1 } = await coordinator.init('transfers')
  return producerId
}

describe('a producer id whose epochs are used up', () => {
  it('is followed by another, which the producer may ask for twice', async () => {
    const producerId = await exhaust()
    const claim = { producerId, producerEpoch: 32_766 }
    expect(await errorOf({ producerId, producerEpoch: 32_000 })).toBe('PRODUCER_FENCED')
    expect(await coordinator.init('transfers', claim)).toMatchObject({ producerId: 1000, producerEpoch: 0 })
    expect(await coordinator.init('transfers', claim)).toMatchObject({ producerId: 1000, producerEpoch: 0 })
    expect(await errorOf({ producerId, producerEpoch: 32_765 })).toBe('PRODUCER_FENCED')
    expect(await coordinator.init('transfers')).toMatchObject({ producerId: 1000, producerEpoch: 1 })
    expect(await errorOf(claim)).toBe('PRODUCER_FENCED')
  })

  it('is followed by another also where the last epoch is fenced', async () => {
    const producerId = await exhaust()
    await coordinator.add({ transactionalId: 'transfers', producerId, producerEpoch: 32_766 }, [0])
    expect(await errorOf()).toBe('CONCURRENT_TRANSACTIONS')
    expect(coordinator.history('transfers').slice(-2)).toEqual(['PrepareAbort 32767', 'CompleteAbort 0'])
    expect(await coordinator.init('transfers')).toMatchObject({ producerId: 1000, producerEpoch: 1 })
  })

  it('is followed by another also where the last epoch is fenced before transactions version 2', async () => {
    coordinator.settings.transactionVersion = 0
    const producerId = await exhaust()
    await coordinator.add({ transactionalId: 'transfers', producerId, producerEpoch: 32_766 }, [0], 3)
    expect(await errorOf()).toBe('CONCURRENT_TRANSACTIONS')
    expect(coordinator.history('transfers').slice(-2)).toEqual(['PrepareAbort 32767', 'CompleteAbort 32767'])
    expect(await coordinator.init('transfers')).toMatchObject({ producerId: 1000, producerEpoch: 0 })
  })
})

describe('a producer id that is waited for', () => {
  it('is taken when it comes, by the state of then', async () => {
    const ids: ((id: number) => void)[] = []
    coordinator.nextProducerId = () => new Promise(resolve => void ids.push(resolve))
    const first = coordinator.init('transfers')
    const second = coordinator.init('transfers')
    await settle()
    ids.forEach((resolve, index) => resolve(7 + index))
    expect(await first).toMatchObject({ producerId: 7, producerEpoch: 0 })
    expect(await second).toMatchObject({ producerId: 7, producerEpoch: 1 })
  })

  it('is of no use when the coordinator is another by then', async () => {
    const { promise, resolve: give } = deferred<number>()
    coordinator.nextProducerId = () => promise
    const first = errorOf()
    await settle()
    await coordinator.restart()
    give(7)
    expect(await first).toBe('NOT_COORDINATOR')
    expect(coordinator.log.batches).toEqual([])
  })

  it('may not come', async () => {
    coordinator.nextProducerId = () => Promise.reject(new Error('no store'))
    await expect(errorOf()).rejects.toThrow('no store')
  })
})
