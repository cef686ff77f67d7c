import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TransactionFilters } from './description.ts'
import { TestCoordinator } from './testing.ts'

let coordinator: TestCoordinator

beforeEach(async () => {
  coordinator = await TestCoordinator.create()
})
afterEach(() => coordinator.close())

const list = async (filters: Partial<TransactionFilters>): Promise<readonly string[]> => {
  const { transactionStates } = await coordinator.run(state => state.list({ stateFilters: [], producerIdFilters: [], ...filters }))
  return transactionStates.map(({ transactionalId, transactionState }) => `${transactionalId} ${transactionState}`)
}

describe('a description', () => {
  it('tells all there is about a transaction', async () => {
    await coordinator.producerIn('Ongoing')
    expect(await coordinator.run(state => state.describe('transfers'))).toEqual({
      errorCode: 0,
      transactionalId: 'transfers',
      transactionState: 'Ongoing',
      transactionTimeoutMs: 60_000,
      transactionStartTimeMs: coordinator.clock.now(),
      producerId: 1000,
      producerEpoch: 0,
      topics: [{ topic: 'orders', partitions: [0, 1] }],
    })
  })

  it('tells that there is none', async () => {
    expect(await coordinator.run(state => state.describe('transfers'))).toMatchObject({ errorCode: 105, transactionState: '' })
    expect(await coordinator.run(state => state.describe(''))).toMatchObject({ errorCode: 42 })
  })
})

describe('a list', () => {
  beforeEach(async () => {
    await coordinator.producerIn('Ongoing')
    await coordinator.producer('orders-1')
    await coordinator.advance(5000)
    await coordinator.add(await coordinator.producer('orders-2'), [0])
  })

  it('has all that fit the filters', async () => {
    const all = ['transfers Ongoing', 'orders-1 Empty', 'orders-2 Ongoing']
    expect(await list({})).toEqual(all)
    expect(await list({ stateFilters: ['Empty', 'CompleteCommit'] })).toEqual(['orders-1 Empty'])
    expect(await list({ producerIdFilters: [1000, 1002] })).toEqual(['transfers Ongoing', 'orders-2 Ongoing'])
    expect(await list({ producerIdFilters: [1000], stateFilters: ['Empty'] })).toEqual([])
    expect(await list({ durationFilter: 4999, stateFilters: ['Ongoing'] })).toEqual(['transfers Ongoing'])
    expect(await list({ durationFilter: 5000, stateFilters: ['Ongoing'] })).toEqual([])
    expect(await list({ durationFilter: 0, stateFilters: ['Ongoing'] })).toEqual(['transfers Ongoing'])
    expect(await list({ transactionalIdPattern: 'orders-.*' })).toEqual(['orders-1 Empty', 'orders-2 Ongoing'])
    expect(await list({ transactionalIdPattern: 'orders' })).toEqual([])
    expect(await list({ transactionalIdPattern: '' })).toEqual(all)
  })

  it('tells which states nobody knows', async () => {
    const filters = { stateFilters: ['ongoing', 'Sleeping', 'Ongoing'], producerIdFilters: [] }
    const { unknownStateFilters, transactionStates } = await coordinator.run(state => state.list(filters))
    expect(unknownStateFilters).toEqual(['ongoing', 'Sleeping'])
    expect(transactionStates).toHaveLength(2)
    expect(await list({ stateFilters: ['Sleeping'] })).toEqual([])
  })

  it('of many ids is made in turns, and given up with the state', async () => {
    for (let index = 0; index < 4500; index++) await coordinator.producer(`p${index}`)
    const listed = list({ transactionalIdPattern: 'p.*' })
    const known = { count: 0 }
    const noted = listed.then(names => (known.count = names.length))
    await coordinator.advance(10)
    expect(known.count).toBe(0)
    await coordinator.advance(100)
    await noted
    expect(known.count).toBe(4500)
    const error = coordinator.errorOf(state => state.list({ stateFilters: [], producerIdFilters: [] }))
    await coordinator.restart()
    expect(await error).toBe('NOT_COORDINATOR')
  })

  it('refuses a pattern that is none', async () => {
    const filters = { stateFilters: [], producerIdFilters: [], transactionalIdPattern: '(' }
    expect(await coordinator.errorOf(state => state.list(filters))).toBe('INVALID_REGULAR_EXPRESSION')
  })
})
